"""Files to which processes append line by line: only whole lines count.

A process killed while it writes leaves a torn last line. Readers skip it, and the next writer cuts it
off.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from face_extraction.atomic import naming

BLOCK = 1 << 16


class LineFile:
    """A file of JSON lines, open for appending; a torn last line is cut off, and a missing file is made.

    Errors of the disk name the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with naming(path):
            self._handle = path.open("a+b")
            cut_torn_line(self._handle)

    def add(self, values: Mapping[str, Any]) -> None:
        """Append a line. It outlasts a kill of this process as soon as this returns."""
        with naming(self.path):
            self._handle.write(json_line(values).encode())
            self._handle.flush()

    def close(self) -> None:
        """Close the file."""
        with naming(self.path):
            self._handle.close()


def json_line(values: Mapping[str, Any]) -> str:
    """Values as one line of JSON, with its end. NaN is refused: it is not JSON."""
    return json.dumps(values, separators=(",", ":"), allow_nan=False) + "\n"


def whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The number, from 1, and the bytes of each whole line, with its end."""
    with path.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            if line.endswith(b"\n"):
                yield number, line


def torn_line(handle: IO[bytes]) -> bytes:
    """The bytes after the last whole line of an open file."""
    start = end = handle.seek(0, os.SEEK_END)
    tail = b""
    while start and b"\n" not in tail:
        start = max(0, start - BLOCK)
        handle.seek(start)
        tail = handle.read(end - start)
    return tail[tail.rfind(b"\n") + 1 :]


def cut_torn_line(handle: IO[bytes]) -> None:
    """Cut off a torn last line and go to the file's end; it must be open for reading and writing."""
    torn = torn_line(handle)
    handle.truncate(handle.seek(-len(torn), os.SEEK_END))
