"""Tell damage to JPEGs that Pillow passes over: libjpeg fills the picture and only warns."""

import io
import re
from typing import IO

import av
from av.codec.context import CodecContext

_PROGRESSIVE, _SCAN, _END = 0xC2, 0xDA, 0xD9
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd8\x01])", re.DOTALL)
_END_MARKER = bytes((0xFF, _END))
# What a cut download leaves behind the last byte; pixels do not end in so many zeros.
_FILLED = bytes(16)
_TAIL = 2**16
"""Bytes at a file's end that are looked at for its end marker."""
ENDS = (_END_MARKER, b"\x55\xa9" * 2048 + _END_MARKER)
"""Where rows are missing, a decoder makes different pictures of a JPEG with either of these at its end."""


def lacks_end(stream: IO[bytes]) -> bool:
    """Whether a JPEG ends in zeros without an end marker, as a cut download leaves it.

    Args:
        stream: the file; it stands at its beginning afterwards.
    """
    stream.seek(0, io.SEEK_END)
    size = min(_TAIL, stream.tell())
    stream.seek(-size, io.SEEK_END)
    tail = stream.read()
    stream.seek(0)
    return tail.endswith(_FILLED) and not tail.rstrip(b"\0").endswith(_END_MARKER)


def without_tail(content: bytes) -> bytes:
    """A JPEG that lacks its end, without what a cut download left in place of the rest."""
    if content.endswith(_FILLED):
        content = content.rstrip(b"\0") + bytes(2)  # The pixels' own last bytes may be zeros.
    return content.rstrip(b"\xff")


def lacks_scans(content: bytes) -> bool:
    """Whether a progressive JPEG ends before its last scans: it is whole, but coarse.

    Reference: ITU-T T.81, G.1.1.1 (a scan holds some coefficients, down to some bit).
    """
    left: dict[tuple[int, int], int] = {}
    at = 0
    while (found := _MARKER.search(content, at)) and len(content) >= found.end() + 2:
        if found[1][0] == _END:
            break
        start = found.end()
        at = start + int.from_bytes(content[start : start + 2])
        part = content[start + 2 : at]
        if found[1][0] == _PROGRESSIVE and len(part) > 5:
            left = {(part[6 + 3 * n], k): 1 for n in range((len(part) - 6) // 3) for k in range(64)}
        elif found[1][0] == _SCAN and part and len(part) >= 2 * part[0] + 4:
            first, last, bits = part[1 + 2 * part[0] :][:3]
            components = part[1 : 1 + 2 * part[0] : 2]
            left |= {(one, k): bits & 15 for one in components for k in range(first, last + 1) if left}
    return any(left.values())


def is_torn(content: bytes) -> bool:
    """Whether FFmpeg decodes a JPEG only if it may pass over errors in the pixels.

    Damage that leaves a stream of possible codes, as most single flipped bits do, cannot be told.

    Args:
        content: the file; what stands behind the picture does not matter.
    """
    return not _decodes(content, {"err_detect": "explode"}) and _decodes(content, {})


def _decodes(content: bytes, options: dict[str, str]) -> bool:
    context = CodecContext.create("mjpeg", "r")
    context.options, context.thread_count = options, 1
    try:
        return bool([*context.decode(av.Packet(content)), *context.decode(None)])
    except av.error.FFmpegError:
        return False
