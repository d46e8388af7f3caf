"""HDF5 weights files: checked before a value is read, because a stranger may have made them."""

import errno
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import h5py  # type: ignore[import-untyped]
import numpy as np

from face_extraction.errors import InputError, one_line

if TYPE_CHECKING:
    import keras

# A file from training also holds the optimizer's state: two more values for each of the model's.
_COPIES = 4
# For other contents of the file, such as seeds and counters.
_SLACK = 1 << 20
# HDF5 itself takes two kilobytes for each variable.
_PER_VARIABLE = 4096


def write_weights(path: Path, model: "keras.Model") -> None:
    """Write a model's weights to `path`, in place.

    Raises:
        OSError: the disk is full. That is checked first, because a disk that fills up during the write can
            make HDF5 crash the whole process (h5py 3.14).
    """
    size = sum(np.asarray(variable).nbytes + _PER_VARIABLE for variable in model.variables)
    check_room(path.parent, size)
    model.save_weights(path)


def check_room(folder: Path, size: int) -> None:
    """Refuse to write `size` bytes to a disk that has no room for them.

    Raises:
        OSError: the disk is full.
    """
    if shutil.disk_usage(folder).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def most_bytes(parameters: int) -> int:
    """The largest size of the values in a weights file of a model with this many parameters."""
    return _COPIES * 8 * parameters + _SLACK


@contextmanager
def open_hdf5(path: Path, name: Path | None = None) -> Iterator[h5py.File]:
    """Open a weights file.

    Args:
        path: the file.
        name: what errors call it, if it was unpacked from another; None for its path.

    Raises:
        InputError: the file is not HDF5, may not be read, or another program holds its lock.
    """
    name = name or path
    try:
        file = h5py.File(path)
    except OSError as error:
        if "unable to lock file" in str(error):
            raise InputError(
                f"{name}: cannot be locked: another program writes to it, or its file system has no locks; "
                "for the latter set HDF5_USE_FILE_LOCKING=FALSE"
            ) from None
        if isinstance(error, PermissionError):
            raise InputError(f"{name}: {os.strerror(errno.EACCES)}") from None
        raise InputError(
            f"{name}: torn, or not a weights file; accepted: HDF5, named *.weights.h5 or *.h5"
        ) from None
    with file:
        yield file


def check_contents(path: Path, parameters: int, name: Path | None = None) -> None:
    """Refuse a file whose values are stored elsewhere or are far more than the model has.

    HDF5 can take values from any file on the machine (external storage, external links, virtual data
    sets), and a small file can claim any number of them.

    Args:
        path: the file.
        parameters: the model's number of parameters.
        name: as for `open_hdf5`.

    Raises:
        InputError: the values are elsewhere or too many, or the file is damaged or not HDF5.
    """
    try:
        _check_contents(path, parameters, name or path)
    except (KeyError, RuntimeError, OSError, ValueError, TypeError, OverflowError) as error:
        # Which error h5py raises depends on where the damage is.
        raise InputError(f"{name or path}: a damaged weights file ({one_line(error)})") from None


def _check_contents(path: Path, parameters: int, name: Path) -> None:
    left = most_bytes(parameters)
    with open_hdf5(path, name) as file:
        for where, item in _items(name, file):
            if isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    raise InputError(f"{name}: refused, because {where} takes its values from another file")
                left -= math.prod(item.shape or (0,)) * item.dtype.itemsize
                if left < 0:
                    raise InputError(f"{name}: holds far more values than the model's {parameters:,}")


def _items(file: Path, group: h5py.Group) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
    """Yield everything below a group once; refuse links."""
    waiting, seen = [group], set[int]()
    while waiting:
        parent = waiting.pop()
        for name in parent:
            where = f"{parent.name.rstrip('/')}/{name}"
            if not isinstance(parent.get(name, getlink=True), h5py.HardLink):
                raise InputError(f"{file}: refused, because {where} is a link")
            item = parent[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                raise InputError(f"{file}: refused, because it holds {where} twice")
            seen.add(address)
            if isinstance(item, h5py.Group):
                waiting.append(item)
            yield where, item
