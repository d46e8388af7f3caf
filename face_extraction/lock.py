"""A folder for one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from face_extraction.errors import InputError

LOCK_FILE = ".lock"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make the folder, and keep every other process that asks for it out of it meanwhile.

    The system gives the lock back when a process ends, however it ends.

    Raises:
        InputError: it is no folder, or another process writes into it.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK_FILE, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(f"{folder}: another process writes into it; wait for it, or stop it") from None
    try:
        yield
    finally:
        lock.release()
