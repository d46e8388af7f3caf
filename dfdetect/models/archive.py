"""Load weights from a `.npz` of named arrays; every name and shape is checked before a value is loaded."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from face_extraction.digest import file_digest
from face_extraction.errors import InputError

if TYPE_CHECKING:
    import keras

SUFFIX = ".npz"
_WIDEST = 16
"""Bytes of the widest number of NumPy."""


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

    arrays = _read(archive, path, model.name)
    copy_values(model, archive.layers(arrays))
    return file_digest(path)


def _read(archive: Archive, path: Path, model: str) -> dict[str, Any]:
    """The arrays by name. An archive of another network is refused before one is read."""
    import numpy as np

    from face_extraction.arrays import open_arrays

    if not path.is_file():
        raise InputError(f"{path}: no such weights file")
    found = {}
    with open_arrays(path, "a readable archive of NumPy arrays") as stored:
        for name, shape in archive.shapes.items():
            if name not in stored.names:
                raise InputError(f"{path}: does not fit {model}: array {name!r} is missing")
            given, kind = stored.header(name)
            if given != shape:
                raise InputError(f"{path}: does not fit {model}: {name} is {given}, not {shape}")
            if kind.kind != "f":
                raise _no_numbers(path, name)
        for name in stored.names:
            if name not in archive.shapes:
                raise InputError(f"{path}: does not fit {model}: array {name!r} is not one of its arrays")
        for name, shape in archive.shapes.items():
            found[name] = stored.read(name, _WIDEST * math.prod(shape))
            if not np.isfinite(found[name]).all():
                raise _no_numbers(path, name)
    return found


def _no_numbers(path: Path, name: str) -> InputError:
    return InputError(f"{path}: {name} holds values that are not finite numbers")
