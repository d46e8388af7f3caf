"""Tell damage to a WebP: its decoder takes any bytes for a picture, but then needs fewer of them.

Reference: WebP container specification; RFC 6386 (VP8: a number that the bytes spell out codes all pixels).
"""

import io
from collections.abc import Iterator

from PIL import Image

from face_extraction.holes import lacks_sectors

_COLOURS, _OPACITY = (b"VP8 ", b"VP8L"), b"ALPH"
# Encoders write at most 4 bytes more than the pixels need.
_SPARE = 16


def is_torn(content: bytes) -> bool:
    """Whether bytes of the pixels are wrong or lost, as far as that can be told.

    Almost any wrong byte shows in lossy pixels. Lossless ones show about half of those, and zeroed sectors.

    Args:
        content: a WebP of one picture that can be decoded.
    """
    # What stands behind the WebP could take the place of lost bytes.
    content = content[: 8 + int.from_bytes(content[4:8], "little")]
    for kind, start, end in _parts(content):
        if _decodes(_cut(content, start, end)):
            return True
        if kind != _OPACITY and lacks_sectors(content[start:end], start):
            return True
    return False


def _parts(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each part of the pixels, and where it begins and ends."""
    at = 12
    while at + 8 <= len(content):
        kind, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        if kind in (*_COLOURS, _OPACITY):
            yield kind, at + 8, at + 8 + size
        at += 8 + size + size % 2


def _cut(content: bytes, start: int, end: int) -> bytes:
    """The file with a part that lacks its last bytes."""
    part = content[start : max(start, end - _SPARE)]
    behind = content[end + (end - start) % 2 :]
    body = content[8 : start - 4] + len(part).to_bytes(4, "little") + part + bytes(len(part) % 2) + behind
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _decodes(content: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(content), formats=["WEBP"]) as image:
            image.load()
    except (OSError, ValueError):
        return False
    return True
