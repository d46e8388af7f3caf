"""The one check of paths in files: manifests, journals and shards may come from anybody.

A path must be relative, must stay inside its folder after links are followed, and must not name a device, a
pipe or a socket. A link inside the folder is fine. So is a hard link, which is a file like any other and
which `manifest` and `merge` make.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from face_extraction.errors import InputError

ACCEPTED = "relative to the file that names it, with '/', inside its folder"


def relative_path(text: str, where: str) -> str:
    """Spell a path in the one accepted way: "./a.png" and "a.png" are one file. Does not read the disk.

    Args:
        text: a path read from a file.
        where: the file and its row, for the error.

    Raises:
        InputError: it is empty, absolute, leaves its folder or has no forward slashes.
    """
    path = PurePosixPath(text)
    if not path.parts or path.is_absolute() or ".." in path.parts or any(sign in text for sign in "\\:\0"):
        raise InputError(f"{where}: path {text!r}; accepted: {ACCEPTED}")
    return str(path)


def is_there(path: Path) -> bool:
    """Whether a file that may be missing is there. What stands in its place must not count as missing.

    Raises:
        InputError: a folder has its name, or a link that leads to no file.
    """
    if path.is_file():
        return True
    if os.path.lexists(path):
        raise InputError(f"{path}: a folder, or a link that leads to no file; accepted: a file, or none")
    return False


def inside(folder: Path, relative: str) -> Path:
    """The file `relative` in `folder`, whether it exists or not.

    Raises:
        InputError: the path or a link leads out of the folder, or names no regular file.
    """
    checked = relative_path(relative, str(folder))
    path = folder / checked
    _check(folder.resolve(), path)
    return path


def check_inside(folder: Path, paths: Iterable[str]) -> None:
    """Like `inside`, for many paths from `relative_path`; lists each folder once.

    Raises:
        InputError: the first path or folder that leads out of `folder` or is not a regular file.
    """
    real = folder.resolve()
    strange: dict[PurePosixPath, set[str]] = {}
    for text in paths:
        path = PurePosixPath(text)
        if path.parent not in strange:
            strange[path.parent] = _strange(real, folder / path.parent)
        if path.name in strange[path.parent]:
            _check(real, folder / path)


def _strange(real: Path, folder: Path) -> set[str]:
    """Names in a folder, which may be missing, that are not plain files."""
    if not folder.is_dir():
        return set()
    _check_place(real, folder)
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if not entry.is_file(follow_symlinks=False)}


def _check(real: Path, path: Path) -> None:
    _check_place(real, path)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if not stat.S_ISREG(mode):
        raise InputError(f"{path}: not a regular file")


def _check_place(real: Path, path: Path) -> None:
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(real):
        raise InputError(
            f"{path}: a link that leads out of {real}, to {target}; accepted: files inside the folder, or a "
            "link to the whole folder"
        )
