"""Locks that keep a folder or a file to one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from face_extraction.errors import InputError

LOCK_FILE = ".lock"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make the folder, and keep out other processes that ask for it while the block runs.

    The system releases the lock when a process ends, however it ends.

    Raises:
        InputError: `folder` is not a folder, or another process writes into it.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder / LOCK_FILE, folder):
        yield


@contextmanager
def held(lock: Path, what: Path) -> Iterator[None]:
    """Hold a lock file while the block runs.

    Raises:
        InputError: another process holds the lock. The error names `what`, the file or folder that the
            lock protects.
    """
    file = FileLock(lock, timeout=0)
    try:
        file.acquire()
    except Timeout:
        raise InputError(f"{what}: another process writes into it; wait for it, or stop it") from None
    try:
        yield
    finally:
        file.release()
