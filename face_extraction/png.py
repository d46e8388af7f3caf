"""Drop from PNG files what does not affect the pixels, and check the checksums of the rest.

Pillow refuses a file for a damaged or large text in it, but does not check the pixels' checksums.

Reference: PNG specification, third edition, sections 5 (chunks) and 11.3 (ancillary chunks).
"""

import io
import struct
import zlib
from typing import IO, Any

import cv2
import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The pixels need these: without tRNS they would differ, and fcTL and fdAT hold an animation's.
_NEEDED = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT"})
# These say how to show the pixels. Damaged ones are dropped.
_WANTED = frozenset({b"eXIf", b"iCCP", b"cICP", b"sRGB", b"gAMA", b"cHRM", b"iTXt"})
_LENGTHS = {b"sRGB": 1, b"gAMA": 4, b"cHRM": 32}
# The text that can hold an orientation.
_XMP = b"XML:com.adobe.xmp\0"
_MAX_WANTED = 2**20
# Channels by kind of colour, and the first column and row and the steps of each interlaced pass.
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
)  # fmt: skip
_END = b"\0\0\0\0IEND\xae\x42\x60\x82"


class DamagedPng(ValueError):
    """A PNG file whose pixels cannot be trusted; the text says why."""


def sound_png(stream: IO[bytes]) -> IO[bytes]:
    """Copy a PNG file with only what its pixels need, and check the checksums.

    Texts, times and private chunks are dropped. EXIF, XMP, colour profile and the names of the colours stay
    if they are whole and below a megabyte.

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
        if ended and pixels:  # Pillow checks whether there are enough.
            head = _END[:8]
        elif ended:
            raise DamagedPng("the PNG file is truncated")
        kind = head[4:]
        if kind not in _NEEDED and (not kind.isalpha() or _looks_needed(kind)):
            raise DamagedPng(f"damaged PNG: {kind!r} is not a chunk's name")
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


def lacks_rows(stream: IO[bytes]) -> bool:
    """Whether a sound PNG has fewer pixels than its head says; decoders leave the rest black.

    Args:
        stream: from `sound_png`, at its start.
    """
    stream.seek(len(SIGNATURE))
    wanted, inflater = 0, zlib.decompressobj()
    while len(head := stream.read(8)) == 8 and head[4:] != b"IEND":
        body = stream.read(int.from_bytes(head[:4]) + 4)[:-4]
        if head[4:] == b"IHDR":
            wanted = _raw_size(body)
        elif head[4:] == b"IDAT":
            while body and wanted > 0:
                wanted -= len(inflater.decompress(body, _MAX_WANTED))
                body = inflater.unconsumed_tail
    # What came in with the last bytes can still be inside.
    return wanted > 0 and wanted > len(inflater.flush())


def clear_grey(head: bytes, value: int) -> int:
    """The grey that is transparent, as decoded pixels have it: Pillow leaves it as it is in the file.

    Args:
        head: the file up to the end of its header.
        value: the grey in the file.
    """
    depth = head[24]
    return value * 255 // (2**depth - 1) if 1 < depth < 8 else value


def deep_opacity(head: bytes, stream: IO[bytes]) -> NDArray[np.uint8] | None:
    """How opaque the pixels are where one colour of 16 bits a channel is transparent.

    Pillow keeps the upper 8 bits, so that it cannot tell that colour from its neighbours.

    Args:
        head: the file up to the end of its header.
        stream: from `sound_png`, not too large; it stands where it stood afterwards.

    Returns:
        uint8 of shape (height, width); None if the channels have 8 bits.
    """
    if head[24] != 16:
        return None
    place = stream.tell()
    stream.seek(0)
    content = np.frombuffer(stream.read(), np.uint8)
    stream.seek(place)
    pixels: Any = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    return np.asarray(pixels[:, :, 3] >> 8, np.uint8)


def _raw_size(header: bytes) -> int:
    """The bytes of a PNG's rows, each with the byte that names its filter."""
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    bits = depth * _CHANNELS.get(colour, 1)
    size = 0
    for left, top, across, down in _ADAM7 if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-max(width - left, 0) // across), -(-max(height - top, 0) // down)
        size += rows * (1 + (columns * bits + 7) // 8) if columns else 0
    return size


def _looks_needed(kind: bytes) -> bool:
    """Whether a chunk's name is one flipped bit away from the name of a chunk that the pixels need."""
    return any((int.from_bytes(kind) ^ int.from_bytes(needed)).bit_count() == 1 for needed in _NEEDED)


def _body(stream: IO[bytes], kind: bytes, length: int) -> bytes | None:
    """A chunk's content and checksum; None if the chunk is dropped."""
    name = kind.decode("ascii")
    if kind not in _NEEDED and not (kind in _WANTED and length <= _MAX_WANTED):
        if not kind[:1].islower():
            raise DamagedPng(f"damaged PNG: {name} is not a critical chunk of the specification")
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
    return body if whole and _is_useful(kind, body[:-4]) else None


def _is_useful(kind: bytes, content: bytes) -> bool:
    """Whether Pillow takes a chunk that says how to show the pixels."""
    if kind == b"iCCP":
        _, _, rest = content.partition(b"\0")
        return rest[:1] == b"\0" and _inflates(rest[1:])
    if kind == b"iTXt":
        flags, (_, _, text) = content[len(_XMP) :][:2], content[len(_XMP) + 2 :].partition(b"\0")
        text = text.partition(b"\0")[2]
        return content.startswith(_XMP) and (flags[:1] == b"\0" or (flags == b"\1\0" and _inflates(text)))
    return len(content) == _LENGTHS.get(kind, len(content))


def _inflates(content: bytes) -> bool:
    """Whether compressed content has a size that Pillow accepts."""
    try:
        inflater = zlib.decompressobj()
        inflater.decompress(content, _MAX_WANTED)
    except zlib.error:
        return False
    return inflater.eof
