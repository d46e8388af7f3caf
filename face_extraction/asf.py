"""Read from an ASF file (.wmv) how long it should be: FFmpeg does not tell it of a file that was cut.

Source: Advanced Systems Format specification, 3.2 (file properties object).
"""

import struct
from pathlib import Path

from face_extraction.images import open_file

_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
# Where the play time (in 100 ns), the time before it (in ms) and the flags stand.
_PLAY, _PREROLL, _FLAGS = 64, 80, 88
_HEADER = 2**16
_BROADCAST = 1


def told_seconds(path: Path) -> float:
    """The length that the header of an ASF file names; 0 if it names none, as a broadcast's does.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as file:
        header = file.read(_HEADER)
    at = header.find(_PROPERTIES)
    if at < 0 or len(header) < at + _FLAGS + 4:
        return 0.0
    (play,), (preroll,), (flags,) = (
        struct.unpack_from(kind, header, at + place)
        for kind, place in (("<Q", _PLAY), ("<Q", _PREROLL), ("<I", _FLAGS))
    )
    return 0.0 if flags & _BROADCAST else max(0.0, play / 1e7 - preroll / 1e3)
