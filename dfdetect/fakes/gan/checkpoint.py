"""The whole state of a GAN's training in one file, which is written whole or not at all."""

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from face_extraction.atomic import atomic_path
from face_extraction.errors import InputError

Parts = Mapping[str, Sequence[Any]]
"""Variables by the name of what they belong to, in their order there."""

_HEADER = 4096
"""A header in front of an array takes less, in bytes."""
_DAMAGED = (
    *(OSError, EOFError, KeyError, ValueError, TypeError),
    *(zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error),
)
"""What NumPy, zipfile and Keras raise of files that are no checkpoint, or a damaged one."""


def save_state(path: Path, step: int, parts: Parts) -> None:
    """Write the number of steps that are done, and the values of all variables."""
    arrays: dict[str, Any] = {
        f"{name}/{number}": np.asarray(variable)
        for name, variables in parts.items()
        for number, variable in enumerate(variables)
    }
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        np.savez(handle, step=np.array(step), **arrays)


def load_state(path: Path, parts: Parts) -> int:
    """Put the stored values into variables; the number of steps that were done.

    Args:
        path: the file; it may hold more than `parts` asks for.
        parts: where the values go.

    Raises:
        InputError: the file is no checkpoint, or one of other networks.
    """
    with _opened(path) as arrays:
        step = int(_member(arrays, "step", 8))
        if step < 0:
            raise ValueError(f"step {step}")
        for name, variables in parts.items():
            stored = sum(each.startswith(f"{name}/") for each in arrays.files)
            if stored != len(variables):
                raise InputError(f"{path}: a checkpoint of other networks; choose another folder")
            for number, variable in enumerate(variables):
                variable.assign(_member(arrays, f"{name}/{number}", 8 * int(np.prod(variable.shape))))
        return step


def _member(arrays: Any, name: str, most: int) -> Any:
    """An array of at most so many bytes; a packed file could fill the memory."""
    if arrays.zip.getinfo(f"{name}.npy").file_size > most + _HEADER:
        raise ValueError(f"{name} is too large")
    return arrays[name]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as arrays:
            yield arrays
    except InputError:
        raise
    except _DAMAGED as error:
        raise InputError(f"{path}: not a checkpoint ({error}); delete it to train again") from None
