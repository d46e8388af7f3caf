"""Tell damage to a WebP: its decoder takes any bytes for a picture, but then needs fewer of them.

Reference: WebP container specification; RFC 6386 (VP8: a number that the bytes spell out codes all pixels).
"""

import io
from collections.abc import Iterator

from PIL import Image

from face_extraction.holes import lacks_sectors

_COLOURS, _OPACITY, _PICTURE = (b"VP8 ", b"VP8L"), b"ALPH", b"ANMF"
# Bytes before the parts of an animation's picture, and in a file of its own.
_PICTURE_HEAD, _HEAD = 16, 30
# Encoders write at most 4 bytes more than the pixels need.
_SPARE = 16


def sound_pictures(content: bytes) -> int:
    """How many pictures of an animation come before the first that is torn.

    Args:
        content: the file.
    """
    pictures = [(start, end) for kind, start, end in _chunks(content, 12) if kind == _PICTURE]
    for number, (start, end) in enumerate(pictures):
        alone = _alone(content[start:end])
        if not _decodes(alone) or is_torn(alone, start + _PICTURE_HEAD - _HEAD):
            return number
    return len(pictures)


def _alone(picture: bytes) -> bytes:
    """A picture of an animation as a file: its parts behind a head of `_HEAD` bytes."""
    size, parts = picture[6:12], picture[_PICTURE_HEAD:]
    has_opacity = any(kind == _OPACITY for kind, *_ in _chunks(parts, 0))
    head = b"VP8X" + (10).to_bytes(4, "little") + bytes([16 * has_opacity, 0, 0, 0]) + size
    return b"RIFF" + (4 + len(head) + len(parts)).to_bytes(4, "little") + b"WEBP" + head + parts


def is_torn(content: bytes, at: int = 0) -> bool:
    """Whether bytes of the pixels are wrong or lost, as far as that can be told.

    Almost any wrong byte shows in lossy pixels, and lost or zeroed bytes in lossless ones; single bits of
    those seldom do.

    Args:
        content: a WebP of one picture that can be decoded.
        at: where it would begin in its file.
    """
    # What stands behind the WebP could take the place of lost bytes.
    content = content[: 8 + int.from_bytes(content[4:8], "little")]
    for kind, start, end in _chunks(content, 12):
        if kind in (*_COLOURS, _OPACITY) and _decodes(_cut(content, start, end)):
            return True
        if kind in _COLOURS and lacks_sectors(content[start:end], at + start):
            return True
    return False


def _chunks(content: bytes, at: int) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each chunk from `at` on, and where its content begins and ends."""
    while at + 8 <= len(content):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        yield content[at : at + 4], at + 8, at + 8 + size
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
