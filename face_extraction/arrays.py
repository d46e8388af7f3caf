"""Read archives of NumPy arrays (.npz), which strangers may have made.

Such an archive may be packed: a small file can hold an array that fills the memory. So shapes and sizes are
compared before an array is read.
"""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from face_extraction.errors import InputError, one_line

_HEADER = 4096
"""A header in front of an array takes less, in bytes."""
_DAMAGED = (
    *(OSError, EOFError, KeyError, ValueError, TypeError),
    *(zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error),
)
"""What NumPy and zipfile raise of files that are no archive, or a damaged one."""


class Arrays:
    """An opened archive.

    Args:
        file: NumPy's reader of it.

    Attributes:
        names: of its arrays.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self.names: list[str] = list(file.files)

    def header(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """The shape and type of an array, which is not read.

        Raises:
            ValueError: it holds pickled objects, which could run code.
        """
        with self._file.zip.open(f"{name}.npy") as stream:
            version = np.lib.format.read_magic(stream)
            if version == (1, 0):
                shape, _, kind = np.lib.format.read_array_header_1_0(stream)
            else:
                shape, _, kind = np.lib.format.read_array_header_2_0(stream)
        if kind.hasobject:
            raise ValueError(f"{name} holds pickled objects")
        return shape, kind

    def read(self, name: str, most: int | None = None) -> Any:
        """An array of at most `most` bytes; None for any number.

        Raises:
            ValueError: it has more.
        """
        if most is not None and self._file.zip.getinfo(f"{name}.npy").file_size > most + _HEADER:
            raise ValueError(f"{name} is too large")
        return self._file[name]


@contextmanager
def open_arrays(path: Path, kind: str, advice: str = "") -> Iterator[Arrays]:
    """Open an archive for the block.

    Args:
        path: the file.
        kind: what it should be, for an error, such as "a checkpoint".
        advice: follows in the error, such as "delete it".

    Raises:
        InputError: it is none, or what the block reads of it is missing, damaged or does not fit.
    """
    try:
        # Opened here, because NumPy does not close a damaged file.
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as file:
            yield Arrays(file)
    except InputError:
        raise
    except _DAMAGED as error:
        then = f"; {advice}" if advice else ""
        raise InputError(f"{path}: not {kind} ({one_line(error)}){then}") from None
