"""Tell damage to JPEGs that Pillow passes over: libjpeg fills the picture and only warns."""

import io
import re
from collections.abc import Iterator
from typing import IO

import av
from av.codec.context import CodecContext

from face_extraction.holes import lacks_sectors

_PROGRESSIVE, _SCAN, _INTERVAL, _APP2, _END = 0xC2, 0xDA, 0xDD, 0xE2, 0xD9
_INDEX = b"MPF\0"
# All frames but lossless ones, whose units are no blocks: those of Huffman and arithmetic codes.
_FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
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
    for marker, part, _ in _segments(content):
        if marker == _PROGRESSIVE and len(part) > 5:
            left = {(part[6 + 3 * n], k): 1 for n in range((len(part) - 6) // 3) for k in range(64)}
        elif marker == _SCAN and len(part) >= 2 * part[0] + 4:
            first, last, bits = part[1 + 2 * part[0] :][:3]
            left |= {(one, k): bits & 15 for one in _scanned(part) for k in range(first, last + 1) if left}
    return any(left.values())


def has_gaps(content: bytes) -> bool:
    """Whether restart markers are missing, or zeros stand in place of sectors: both are filled up silently.

    Reference: ITU-T T.81, A.2 (blocks and their order), E.1.4 (restart intervals).
    """
    frame, interval = b"", 0
    for marker, part, (start, end) in _segments(content):
        if marker == _INTERVAL and len(part) == 2:
            interval = int.from_bytes(part)
        elif marker in _FRAMES and len(part) >= 6 + 3 * part[5]:
            frame = part
        elif marker == _SCAN and lacks_sectors(content[start:end], start):
            return True
        elif marker == _SCAN and interval and frame:
            units = _units(frame, _scanned(part))
            if len(_RESTART.findall(content, start, end)) < -(-units // interval) - 1:
                return True
    return False


def _segments(content: bytes) -> Iterator[tuple[int, bytes, tuple[int, int]]]:
    """Each segment's marker and content, and where the coded data that may follow begin and end."""
    found = _MARKER.search(content)
    while found and found[1][0] != _END and len(content) >= found.end() + 2:
        start = found.end()
        at = start + int.from_bytes(content[start : start + 2])
        following = _MARKER.search(content, at)
        part = content[start + 2 : at]
        if part:
            yield found[1][0], part, (at, following.start() if following else len(content))
        found = following


def _scanned(part: bytes) -> bytes:
    """The components that a scan holds."""
    return part[1 : 1 + 2 * part[0] : 2]


def _units(frame: bytes, scanned: bytes) -> int:
    """How many units a scan has: blocks of one component, or groups of blocks of several."""
    height, width = int.from_bytes(frame[1:3]), int.from_bytes(frame[3:5])
    steps = {frame[at]: (frame[at + 1] >> 4, frame[at + 1] & 15) for at in range(6, 6 + 3 * frame[5], 3)}
    most = [max(step[n] for step in steps.values()) for n in (0, 1)]
    if not all(most) or not steps.keys() >= set(scanned):
        return 0
    if len(scanned) == 1:
        # A component has its share of the pixels, rounded up, and so many blocks, rounded up.
        own = steps[scanned[0]]
        width, height = -(-width * own[0] // most[0]), -(-height * own[1] // most[1])
        most = [1, 1]
    return -(-width // (8 * most[0])) * -(-height // (8 * most[1]))


def is_stream(content: bytes) -> bool:
    """Whether a JPEG follows the first one, as in a video of JPEGs; a photo's further pictures have an index.

    Reference: CIPA DC-007 (several pictures in a file).

    Args:
        content: the file, or its beginning.
    """
    segments = list(_segments(content))
    if any(marker == _APP2 and part.startswith(_INDEX) for marker, part, _ in segments):
        return False
    end = segments[-1][2][1] if segments else 0
    return content[end:].removeprefix(_END_MARKER).lstrip(b"\0\xff\r\n").startswith(b"\xd8\xff")


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
