"""Models that run without Keras: ONNX by onnxruntime, LiteRT by its interpreter.

A light model has the part of a Keras model that scoring needs: `input_shape` and `predict_on_batch`.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dfdetect.cli import held_back
from face_extraction.errors import InputError, one_line, ran_out_of_memory
from face_extraction.machine import available_cores
from face_extraction.missing import extra

ONNX, LITERT = ".onnx", ".tflite"
SUFFIXES = (ONNX, LITERT)
"""Endings of the files that run without Keras."""
MOST_BYTES = 2 << 30
"""The largest file; ONNX itself cannot be larger."""
ONNX_PACKAGE = "onnxruntime"
LITERT_PACKAGE = "ai_edge_litert"
MOST_SIDE = 4096
"""The largest side of a model's input, in pixels; a clip has as many pixels as such a picture, or fewer."""
_NOWHERE = str(Path(os.devnull, "none"))
"""A folder that nobody can make."""
_ROUNDING = 1e-3
"""How far rounding may put a score in 8 bits outside 0 to 1."""

Floats = NDArray[np.float32]


class Model(Protocol):
    """What scoring needs of a model, of Keras or light."""

    @property
    def input_shape(self) -> tuple[Any, ...]:
        """(None, S, S, 3), or (None, T, S, S, 3) of a model that takes clips."""

    def predict_on_batch(self, rgb: Any) -> Any:
        """`p_fake` of shape (n, 1), of RGB 0..255."""


class LightModel:
    """A model that runs without Keras; threads may share one.

    Args:
        shape: of its input, with None in the place of the batch.
        backend: what runs it.
        score: `p_fake` of shape (n, 1), of float32 RGB 0..255.
    """

    def __init__(self, shape: tuple[Any, ...], backend: str, score: Callable[[Floats], Floats]) -> None:
        self.input_shape = shape
        self.backend = backend
        self._score = score

    def predict_on_batch(self, rgb: Any) -> Floats:
        """`p_fake` of shape (n, 1), of RGB 0..255 of any type of number.

        Raises:
            InputError: the model gives something else than one score for each input, from 0 to 1.
        """
        p_fake = self._score(np.asarray(rgb, np.float32))
        if p_fake.shape != (len(rgb), 1) or not np.issubdtype(p_fake.dtype, np.floating):
            raise InputError(
                f"the model gives {p_fake.shape} of {p_fake.dtype} for {len(rgb)} inputs; "
                "accepted: one score each"
            )
        # NaN goes on: whoever reads it tells that the weights are damaged.
        if np.any((p_fake < -_ROUNDING) | (p_fake > 1 + _ROUNDING)):
            raise InputError(
                f"the model gives {p_fake.min():g} to {p_fake.max():g}; accepted: scores from 0 to 1"
            )
        return np.clip(p_fake, 0, 1)


def has_onnx() -> bool:
    """Whether ONNX can run here."""
    return find_spec(ONNX_PACKAGE) is not None


def read_bounded(path: Path) -> bytes:
    """The bytes of a model's file.

    Raises:
        InputError: it is missing, no regular file, empty, or larger than `MOST_BYTES`.
    """
    if not path.is_file():
        raise InputError(f"{path}: {'not a regular file' if path.exists() else 'no such file'}")
    size = path.stat().st_size
    if not 0 < size <= MOST_BYTES:
        raise InputError(f"{path}: {size:,} bytes; accepted: 1 to {MOST_BYTES:,}")
    return path.read_bytes()


def open_onnx(path: Path, weights: Mapping[str, Floats] | None = None) -> tuple[LightModel, dict[str, str]]:
    """Load an ONNX file.

    Args:
        path: the file. It must hold all its weights itself: values in other files are refused.
        weights: values for weights that the file names and does not hold.

    Returns:
        The model, and the file's metadata.

    Raises:
        InputError: onnxruntime is not installed; or the file is damaged, takes values from other files, or
            does not take one picture or clip and give one score.
    """
    if not has_onnx():
        raise InputError(f"{path}: needs onnxruntime: {extra('onnx')}")
    import onnxruntime

    content = read_bounded(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    # Waiting threads sleep, so that the processes that decode and find faces have the cores meanwhile.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # failures are raised anyway
    # From memory, and with a folder for values outside that does not exist: the file can read no other.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NOWHERE)
    if weights:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in weights.values()]
        options.add_external_initializers(list(weights), values)
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        inputs, outputs = session.get_inputs(), session.get_outputs()
        metadata = dict(session.get_modelmeta().custom_metadata_map)  # fails if its texts are damaged
    # Its errors have no common base class but Exception.
    except Exception as error:
        if ran_out_of_memory(error):
            raise InputError(f"{path}: there is too little memory to load it") from None
        raise InputError(f"{path}: not an ONNX model that can run here ({one_line(error)})") from None
    shape = _checked(path, [each.shape for each in inputs], [each.type for each in inputs], len(outputs))
    name, out = inputs[0].name, outputs[0].name
    model = LightModel(shape, "onnxruntime", lambda rgb: np.asarray(session.run([out], {name: rgb})[0]))
    return model, metadata


def open_litert(path: Path) -> LightModel:
    """Load a LiteRT file; it scores one picture or clip after the other.

    Raises:
        InputError: LiteRT is not installed; or the file is damaged, or does not take one picture or clip and
            give one score.
    """
    if find_spec(LITERT_PACKAGE) is None:
        raise InputError(f"{path}: needs LiteRT: {extra('litert')}")
    from ai_edge_litert.interpreter import Interpreter

    content = read_bounded(path)
    with held_back():  # it prints which parts of LiteRT it starts
        try:
            made = Interpreter(model_content=content, num_threads=available_cores())
            made.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise InputError(f"{path}: not a LiteRT model that can run here ({one_line(error)})") from None
    inputs, outputs = made.get_input_details(), made.get_output_details()
    kinds = [np.dtype(each["dtype"]).name for each in inputs]
    shape = _checked(path, [each["shape"].tolist() for each in inputs], kinds, len(outputs))
    image, p_fake = inputs[0]["index"], outputs[0]["index"]
    alone = Lock()  # an interpreter serves one thread at a time

    def score(rgb: Floats) -> Floats:
        found = []
        with alone:
            for one in rgb:
                made.set_tensor(image, one[None])
                made.invoke()
                found.append(made.get_tensor(p_fake))
        return np.concatenate(found)

    return LightModel(shape, "litert", score)


def _checked(
    path: Path, shapes: Sequence[Sequence[int | str | None]], kinds: Sequence[str], outputs: int
) -> tuple[Any, ...]:
    """The input's shape, with None for the batch.

    Raises:
        InputError: it is not that of a detector.
    """
    shape = shapes[0] if len(shapes) == 1 and outputs == 1 and "float" in kinds[0] else ()
    sides = [side if isinstance(side, int) else 0 for side in shape[1:]]
    if len(sides) not in (3, 4) or sides[-1] != 3 or sides[-2] != sides[-3] or not _fits(sides):
        raise InputError(
            f"{path}: takes {', '.join(map(str, shapes))} and gives {outputs} outputs; accepted: one picture "
            "or clip of float32 RGB, (B, S, S, 3) or (B, T, S, S, 3), and one score"
        )
    return None, *sides


def _fits(sides: Sequence[int]) -> bool:
    return all(0 < side <= MOST_SIDE for side in sides) and math.prod(sides) <= 3 * MOST_SIDE**2
