"""PNG files without what does not touch the pixels, and with every checksum that does looked at.

Pillow refuses a file for a damaged or large note in it, but does not look at the checksums of the pixels.

Reference: PNG specification, third edition, sections 5 (chunks) and 11.3 (ancillary chunks).
"""

import io
import zlib
from typing import IO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The pixels need these; without tRNS there would be other pixels, and fcTL and fdAT hold an animation's.
_NEEDED = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT"})
# These say how to show the pixels. A damaged one is left out.
_WANTED = frozenset({b"eXIf", b"iCCP"})
_MAX_WANTED = 2**20
_END = b"\0\0\0\0IEND\xae\x42\x60\x82"


class DamagedPng(ValueError):
    """A PNG file whose pixels cannot be trusted; the text says why."""


def sound_png(stream: IO[bytes]) -> IO[bytes]:
    """A copy of a PNG file that holds nothing but what its pixels need, with the checksums looked at.

    Texts, times and private chunks are passed over, whatever is in them. EXIF and colour profile stay where
    they are whole and below a megabyte.

    Args:
        stream: the file, at its start.

    Raises:
        DamagedPng: a chunk that the pixels need is damaged, or the file ends before its last chunk.
    """
    if stream.read(len(SIGNATURE)) != SIGNATURE:
        raise DamagedPng("no PNG signature")
    copy = io.BytesIO()
    copy.write(SIGNATURE)
    pixels = after = False
    while True:
        head = stream.read(8)
        ended = len(head) < 8
        if ended and pixels:  # Whether there are enough of them, Pillow tells.
            head = _END[:8]
        elif ended:
            raise DamagedPng("the PNG file is truncated")
        kind = head[4:]
        if kind not in _NEEDED and (not kind.isalpha() or _looks_needed(kind)):
            raise DamagedPng(f"damaged PNG: {kind!r} is no chunk's name")
        if kind == b"IDAT" and after:
            raise DamagedPng("damaged PNG: its IDAT chunks do not follow each other")
        after = pixels and kind != b"IDAT"
        pixels = pixels or kind == b"IDAT"
        body = _END[8:] if ended else _body(stream, kind, int.from_bytes(head[:4]))
        if body is not None:
            copy.write(head + body)
        if kind == b"IEND":
            copy.seek(0)
            return copy


def _looks_needed(kind: bytes) -> bool:
    """Whether one flipped bit lies between a chunk's name and that of one that the pixels need."""
    return any((int.from_bytes(kind) ^ int.from_bytes(needed)).bit_count() == 1 for needed in _NEEDED)


def _body(stream: IO[bytes], kind: bytes, length: int) -> bytes | None:
    """A chunk's content and checksum; None for a chunk that is left out."""
    name = kind.decode("ascii")
    if kind not in _NEEDED and not (kind in _WANTED and length <= _MAX_WANTED):
        if not kind[:1].islower():
            raise DamagedPng(f"damaged PNG: {name} is no critical chunk of the specification")
        stream.seek(length + 4, io.SEEK_CUR)
        return None
    body = stream.read(length + 4)
    if len(body) < length + 4:
        raise DamagedPng("the PNG file is truncated")
    whole = zlib.crc32(body[:-4], zlib.crc32(kind)) == int.from_bytes(body[-4:])
    if kind in _NEEDED:
        if not whole:
            raise DamagedPng(f"damaged PNG: wrong checksum of its {name} chunk")
        return body
    return body if whole and (kind != b"iCCP" or _inflates(body[:-4])) else None


def _inflates(profile: bytes) -> bool:
    """Whether an iCCP chunk holds a compressed profile of a size that Pillow takes."""
    _, _, rest = profile.partition(b"\0")
    try:
        inflater = zlib.decompressobj()
        inflater.decompress(rest[1:], _MAX_WANTED)
    except zlib.error:
        return False
    return rest[:1] == b"\0" and inflater.eof
