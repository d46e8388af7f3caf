"""The folder or the file that a command writes its results into."""

import os
from pathlib import Path

from dfdetect.recipe import RECIPE_FILE
from face_extraction.atomic import check_target
from face_extraction.errors import InputError


def check_writable(out: Path, flag: str = "--out") -> None:
    """Refuse a folder that cannot be made or written, before the work begins.

    Args:
        out: the folder.
        flag: the flag that gave it.

    Raises:
        InputError: it, or what would be above it, is a file or cannot be written.
    """
    there = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not there.is_dir():
        raise InputError(f"{there}: not a folder; give another {flag}")
    if not os.access(there, os.W_OK):
        raise InputError(f"{out}: cannot be written; give another {flag}")


def check_file(target: Path, flag: str = "--out") -> None:
    """Refuse a file that cannot be written or replaced, before the work begins.

    Args:
        target: the file.
        flag: the flag that gave it.

    Raises:
        InputError: it is a folder, a device or a pipe, or its folder cannot be made or written.
    """
    check_target(target)
    check_writable(target.parent, flag)


def check_out(out: Path) -> None:
    """Refuse a folder for results that cannot take them, before the work begins.

    Raises:
        InputError: it is a file, it cannot be written, or it is a run's folder, whose files have the same
            names.
    """
    check_writable(out)
    if (out / RECIPE_FILE).is_file():
        raise InputError(f"{out}: a run folder, whose own files would be overwritten; give another --out")
