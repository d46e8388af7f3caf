"""A detector without Keras: an exported file, or a run folder that holds its model's graph.

An export is one file, which says all that a verdict needs. A run that ships keeps its weights where they are,
for Keras, and beside them the graph alone (`Run.graph`), which onnxruntime runs with the same weights.
"""

from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from dfdetect.metrics.calibrating import Calibration
from dfdetect.models.light import LITERT, ONNX, SUFFIXES, Floats, LightModel, open_litert, open_onnx
from dfdetect.runs.folder import Run
from dfdetect.verdict import WITHHELD
from face_extraction.errors import InputError, one_line
from face_extraction.json_file import MOST_BYTES
from face_extraction.settings import ExtractionSettings

SCHEMA = 1
"""The version of the description that stands in an export."""
METADATA = "dfdetect"
"""The key in an ONNX file's metadata under which the description stands, as JSON."""
MOST_PARAMETERS = 100_000_000
"""The largest model of which a run folder may hold the graph."""


class Cuts(msgspec.Struct, frozen=True, kw_only=True):
    """The cuts between the levels of evidence, for calibrated scores."""

    lower: float
    upper: float
    origin: str


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What identifies the run."""

    name: str


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What an export says about itself and this package reads; it says more, for other programs.

    Attributes:
        schema: version of these fields.
        run: where it comes from.
        calibrations: what its scores mean, by level.
        cuts: what follows from them, by kind of file, for programs without this package.
        skill: what the model showed on the run's test split.
        note: the cautions to show beside every verdict.
        unfit: why it gives no verdict on anything, as a reason of `verdict.WITHHELD` and its detail; both ""
            if it gives some.
        extraction: how faces are cropped; None if that is not known.
    """

    schema: Literal[1]
    run: Named
    calibrations: dict[str, Calibration]
    cuts: dict[str, Cuts]
    skill: str
    note: str
    unfit: tuple[str, str]
    extraction: ExtractionSettings | None

    def __post_init__(self) -> None:
        """Refuse a reason that no verdict has.

        Raises:
            ValueError: it is unknown.
        """
        reason, detail = self.unfit
        if reason not in WITHHELD and (reason or detail):
            raise ValueError(f"unfit: unknown reason {reason!r}; accepted: {', '.join(WITHHELD)}")


def is_export(path: Path) -> bool:
    """Whether a path is an export of ours, by its name: of a file, or of a folder that TensorFlow loads."""
    return path.suffix.lower() in SUFFIXES or (path / "saved_model.pb").is_file()


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
        return msgspec.json.decode(text, type=About)
    except (msgspec.MsgspecError, InputError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: what it says about itself is not of schema {SCHEMA}: {one_line(error)}; export it again"
        ) from None


def open_graph(run: Run) -> LightModel:
    """Load the model of a run folder that holds its graph, with the folder's weights.

    Raises:
        InputError: onnxruntime is not installed; a file is missing or damaged, or they do not fit together.
    """
    return open_onnx(run.graph, read_weights(run.weights))[0]


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
