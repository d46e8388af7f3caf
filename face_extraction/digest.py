"""What tells files apart: their size, their times, and one hash."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

CROP_DIGITS = 16
"""So many hexadecimal digits of a crop's SHA-256 stand in its row of a manifest."""


def file_size(path: Path) -> int:
    """Size of a file in bytes; -1 if it is gone."""
    return path.stat().st_size if path.is_file() else -1


def file_digest(path: Path) -> str:
    """SHA-256 of the file's bytes, in hexadecimal; memory does not grow with the file."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def crop_digest(path: Path) -> str:
    """What a manifest keeps of a crop: the beginning of its SHA-256."""
    return file_digest(path)[:CROP_DIGITS]


@dataclass(frozen=True, slots=True)
class FileMark:
    """The state of a file, or of a folder of files, when it was read.

    Attributes:
        stat: size in bytes, and the times of the last change of content and of anything else, in
            nanoseconds. Equal numbers mean an untouched file: the system itself sets the last one, even when
            the file is renamed or its other time is set back.
        digest: SHA-256 of the content, which decides when the numbers differ, as after a copy. For a folder:
            of its files' names and contents.
    """

    stat: tuple[int, int, int]
    digest: str

    @classmethod
    def of(cls, path: Path) -> "FileMark":
        """The mark of the file or folder at `path` now.

        Raises:
            OSError: it cannot be read.
        """
        if not (path.is_file() or path.is_dir()):  # Reading a pipe would never end.
            raise FileNotFoundError(f"{path}: neither a file nor a folder")
        numbers = _numbers(path)  # Before the content: the next look then sees a change meanwhile.
        return cls(numbers, _content(path))

    def now(self, path: Path) -> "FileMark | None":
        """The mark at `path` now if the content is the same; None if it changed or is gone."""
        try:
            numbers = _numbers(path)
            if numbers == self.stat:
                return self
            found = FileMark.of(path) if numbers[0] == self.stat[0] else None
        except OSError:
            return None
        return found if found and found.digest == self.digest else None


def _files(path: Path) -> list[Path]:
    return sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]


def _numbers(path: Path) -> tuple[int, int, int]:
    stats = [os.stat(each) for each in (_files(path) if path.is_dir() else [path])]
    stats_of_all = [*stats, os.stat(path)]
    return (
        sum(each.st_size for each in stats),
        max(each.st_mtime_ns for each in stats_of_all),
        max(each.st_ctime_ns for each in stats_of_all),
    )


def _content(path: Path) -> str:
    if not path.is_dir():
        return file_digest(path)
    lines = (f"{file_digest(each)} {each.name}\n" for each in _files(path))
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()
