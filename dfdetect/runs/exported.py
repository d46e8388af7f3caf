"""A detector without Keras: an exported file, or a run folder that holds its model's graph.

An export is one file, which says all that a verdict needs. A run that ships keeps its weights where they are,
for Keras, and beside them the graph alone (`Run.graph`), which onnxruntime runs with the same weights.
"""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from dfdetect.models.light import LITERT, ONNX, SUFFIXES, Floats, LightModel, open_litert, open_onnx
from dfdetect.runs.about import SCHEMA, About
from dfdetect.runs.calibration import check_stated
from dfdetect.runs.folder import Run
from face_extraction.errors import InputError, one_line
from face_extraction.json_file import MOST_BYTES

METADATA = "dfdetect"
"""The key in an ONNX file's metadata under which the description stands, as JSON."""
MOST_PARAMETERS = 100_000_000
"""The largest model of which a run folder may hold the graph."""


def is_export(path: Path) -> bool:
    """Whether a path is an export of ours, by its name: of a file, or of a folder that TensorFlow loads."""
    return path.suffix.lower() in SUFFIXES or (path.is_dir() and (path / "saved_model.pb").is_file())


def about_file(export: Path) -> Path:
    """The JSON file beside an export."""
    return export.with_name(f"{export.name}.json")


def open_export(path: Path) -> tuple[LightModel, About]:
    """Load an exported model, with what it says about itself.

    Args:
        path: an .onnx file, which says it itself, or a .tflite file with its JSON file beside it.

    Raises:
        InputError: it is no export of `dfdetect.export`, of another schema, or damaged; or the package that
            runs it is not installed.
    """
    suffix = path.suffix.lower()
    if suffix == ONNX:
        model, metadata = open_onnx(path)
        return model, _about(path, metadata.get(METADATA, "").encode())
    if suffix == LITERT:
        beside = about_file(path)
        if not beside.is_file() or beside.stat().st_size > MOST_BYTES:
            raise InputError(f"{path}: needs {beside.name} beside it, which dfdetect.export writes with it")
        return open_litert(path), _about(beside, beside.read_bytes())
    raise InputError(
        f"{path}: not an export that runs without TensorFlow; accepted: {' and '.join(SUFFIXES)}"
    )


def _about(path: Path, text: bytes) -> About:
    if not text:
        raise InputError(f"{path}: does not say what its scores mean; accepted: a file from dfdetect.export")
    try:
        values = msgspec.json.decode(text)
        about = msgspec.convert(values, About)
        check_stated(values["calibrations"])
        return about
    except (msgspec.MsgspecError, InputError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: what it says about itself is not of schema {SCHEMA}: {one_line(error)}; export it again"
        ) from None


def open_graph(run: Run) -> LightModel:
    """Load the model of a run folder that holds its graph, with the folder's weights.

    Raises:
        InputError: onnxruntime is not installed; a file is missing or damaged, or they do not fit together.
    """
    weights = read_weights(run.weights)
    run.check_weights()
    return open_onnx(run.graph, weights)[0]


def read_weights(path: Path) -> dict[str, Floats]:
    """The values of a weights file by their place in it, such as "layers/dense/vars/0", as float32.

    Raises:
        InputError: the file is missing or damaged, or takes values from elsewhere.
    """
    import h5py  # type: ignore[import-untyped]

    from dfdetect.hdf5 import check_contents

    if not path.is_file():
        raise InputError(f"{path}: no such weights file")
    check_contents(path, MOST_PARAMETERS)
    found: dict[str, Floats] = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and np.issubdtype(item.dtype, np.floating):
            found[name] = np.asarray(item[()], np.float32)

    try:
        with h5py.File(path) as file:
            file.visititems(keep)
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{path}: a damaged weights file ({one_line(error)})") from None
    return found
