"""Load weights from a `.npz` of named arrays; every name and shape is checked before a value is loaded."""

import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from face_extraction.digest import file_digest
from face_extraction.errors import InputError, one_line

if TYPE_CHECKING:
    import keras

SUFFIX = ".npz"


@dataclass(frozen=True)
class Archive:
    """How an archive of named arrays fits a family.

    Attributes:
        shapes: the name and shape of every array.
        layers: turns the arrays by name into the names of the family's layers, each with its values in
            the order of the layer's own weights.
    """

    shapes: Mapping[str, tuple[int, ...]]
    layers: Callable[[Mapping[str, Any]], Iterable[tuple[str, Sequence[Any]]]]


def load_archive(model: "keras.Model", archive: Archive, path: Path) -> str:
    """Load an archive into the backbone of a model of the archive's family.

    Args:
        model: the model, with random weights.
        archive: the family's archive.
        path: the `.npz` file; its arrays may have any precision.

    Returns:
        The SHA-256 of the file, in hexadecimal.

    Raises:
        InputError: the file cannot be read, or an array is missing, unknown, of another shape, or holds
            values that are not numbers. The line names the first fault. The model is then unchanged.
    """
    from dfdetect.models.presets import copy_values

    arrays = _read(path)
    _check(arrays, archive, path, model.name)
    copy_values(model, archive.layers(arrays))
    return file_digest(path)


def _read(path: Path) -> dict[str, Any]:
    import numpy as np

    if not path.is_file():
        raise InputError(f"{path}: no such weights file")
    try:
        # Opened here, because NumPy does not close a damaged file.
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a readable archive of NumPy arrays ({one_line(error)})") from None


def _check(arrays: Mapping[str, Any], archive: Archive, path: Path, model: str) -> None:
    """Refuse an archive of another network, and name the first difference."""
    import numpy as np

    for name, shape in archive.shapes.items():
        if name not in arrays:
            raise InputError(f"{path}: does not fit {model}: array {name!r} is missing")
        if arrays[name].shape != shape:
            raise InputError(f"{path}: does not fit {model}: {name} is {arrays[name].shape}, not {shape}")
        if arrays[name].dtype.kind != "f" or not np.isfinite(arrays[name]).all():
            raise InputError(f"{path}: {name} holds values that are not finite numbers")
    for name in arrays:
        if name not in archive.shapes:
            raise InputError(f"{path}: does not fit {model}: array {name!r} is not one of its arrays")
