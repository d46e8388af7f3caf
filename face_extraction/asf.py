"""Read from an ASF file (.wmv) what FFmpeg does not tell: how long it should be, and which packets are lost.

Source: Advanced Systems Format specification, 3.2 (file properties object), 5 (data object).
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from face_extraction.holes import Hole
from face_extraction.images import open_file

_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
# Where the play time (in 100 ns), the time before it (in ms) and the flags stand.
_PLAY, _PREROLL, _FLAGS = 64, 80, 88
# The least and the greatest size of a packet, which are the same.
_SIZES = 92
_DATA, _DATA_HEAD = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c"), 50
# In a packet's first byte: whether it begins with what corrects errors.
_CORRECTS = 0x80
_HEADER = 2**16
_BROADCAST = 1


def told_seconds(path: Path) -> float:
    """The length that the header of an ASF file names; 0 if it names none, as a broadcast's does.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as file:
        properties = _properties(file.read(_HEADER))
    if len(properties) < _FLAGS + 4:
        return 0.0
    (play,), (preroll,), (flags,) = (
        struct.unpack_from(kind, properties, place)
        for kind, place in (("<Q", _PLAY), ("<Q", _PREROLL), ("<I", _FLAGS))
    )
    return 0.0 if flags & _BROADCAST else max(0.0, play / 1e7 - preroll / 1e3)


def holes(path: Path) -> Iterator[Hole]:
    """The packets whose beginning is damaged: FFmpeg searches for the next one without a word.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as file:
        header = file.read(_HEADER)
        properties = _properties(header)
        if len(properties) < _SIZES + 8:
            return
        size, greatest = struct.unpack_from("<II", properties, _SIZES)
        start = int.from_bytes(header[16:24], "little")
        if start >= file.seek(0, 2):  # No system goes to every place that damage can name.
            return
        file.seek(start)
        head = file.read(_DATA_HEAD)
        if not 0 < size == greatest or len(head) < _DATA_HEAD or not head.startswith(_DATA):
            return
        first = None
        for number in range(int.from_bytes(head[40:48], "little")):
            at = start + _DATA_HEAD + number * size
            file.seek(at)
            kind = file.read(1)
            if not kind:
                return
            first = kind if first is None else first
            if (kind[0] ^ first[0]) & _CORRECTS:
                yield Hole(at, at + size)


def _properties(header: bytes) -> bytes:
    """The header from the file's properties on; b"" if it has none."""
    at = header.find(_PROPERTIES)
    return header[at:] if at >= 0 else b""
