"""What files are told apart by: their size, and one hash."""

import hashlib
from pathlib import Path


def file_size(path: Path) -> int:
    """Size of a file in bytes; -1 where it is gone."""
    return path.stat().st_size if path.is_file() else -1


def file_digest(path: Path) -> str:
    """SHA-256 of the file's bytes, in hexadecimal; memory does not grow with the file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
