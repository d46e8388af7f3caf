"""Tell previews and damaged TIFFs, and mend what Pillow shows otherwise than viewers.

Reference: TIFF 6.0, section 8 (baseline fields); Adobe's technical note 1 (SubIFDs).
"""

import contextlib
import ctypes
import zlib
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin, _imaging

from face_extraction.colour import NoRange

_SUBFILE, _WIDTH, _BITS, _PACKED, _MEANING, _PALETTE, _BELOW, _FORMAT = 254, 256, 258, 259, 262, 320, 330, 339
# Whether the bits of each byte are reversed, where that is not 1.
_ORDER = 266
# Where the strips or tiles are, and their sizes.
_PARTS = ((273, 279), (324, 325))
# A tag that marks a DNG, on which many raw photos are built.
_DNG = 50706
_REDUCED, _WHITE_IS_ZERO, _SIGNED, _UNPACKED, _ZIPPED = 1, 0, 2, 1, (8, 32946)
# No way of packing ends in so many zeros.
_NO_END = bytes(64)
_AT_ONCE, _MOST_BELOW = 2**20, 64

# Pillow's own decoders mix up 16-bit channels that are stored apart, and miss rows where colours are coarser.
TiffImagePlugin.READ_LIBTIFF = True
# libtiff prints its errors, which Pillow raises too. On some systems Pillow hides it inside itself.
with contextlib.suppress(AttributeError, OSError):
    ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)


def is_preview(image: Image.Image) -> bool:
    """Whether a picture is the small copy of another one, which cannot be read, as in raw photos.

    Args:
        image: opened by Pillow, of any format.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return False
    tags = image.tag_v2
    if _DNG in tags or tags.get(_SUBFILE, 0) & _REDUCED:
        return True
    return any(width > tags[_WIDTH] for width in _widths_below(image))


def _widths_below(image: Any) -> list[int]:
    """The widths of the pictures that hang below the first one."""
    widths, place = [], image.fp.tell()
    for offset in image.tag_v2.get(_BELOW, ())[:_MOST_BELOW]:
        tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=image.tag_v2.prefix)
        image.fp.seek(offset)
        tags.load(image.fp)
        widths.append(tags.get(_WIDTH, 0))
    image.fp.seek(place)
    return widths


def as_meant(image: Image.Image) -> Image.Image:
    """A decoded picture with the brightness and the palette that a TIFF's tags mean.

    Args:
        image: decoded by Pillow, of any format.

    Raises:
        NoRange: its numbers have a sign.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return image
    tags, bits = image.tag_v2, image.tag_v2.get(_BITS)
    if _SIGNED in tags.get(_FORMAT, ()):
        raise NoRange("a TIFF of numbers with a sign, which have no defined range")
    if image.mode == "P" and max(tags[_PALETTE]) < 256:  # Old programs wrote 8 bits in place of 16.
        image.putpalette(np.reshape(tags[_PALETTE], (3, -1)).T.astype(np.uint8).tobytes())
    elif bits == (12,):
        return Image.fromarray(np.asarray(image) << 4)
    elif bits == (16,) and tags.get(_MEANING) == _WHITE_IS_ZERO:
        return Image.fromarray(65535 - np.asarray(image))
    return image


def is_torn(content: bytes, image: Image.Image) -> bool:
    """Whether packed pixels end in zeros, or zipped ones have a wrong checksum, which libtiff may pass over.

    Args:
        content: a TIFF that can be decoded.
        image: the same, opened by Pillow.
    """
    tags = getattr(image, "tag_v2", {})
    packing = tags.get(_PACKED, _UNPACKED)
    if packing == _UNPACKED or tags.get(_ORDER, 1) != 1:
        return False
    parts = (
        content[start : start + size]
        for places, sizes in _PARTS
        for start, size in zip(tags.get(places, ()), tags.get(sizes, ()), strict=False)
    )
    return any(part.endswith(_NO_END) or (packing in _ZIPPED and not _inflates(part)) for part in parts)


def _inflates(part: bytes) -> bool:
    inflater = zlib.decompressobj()
    try:
        while part and not inflater.eof:
            inflater.decompress(part, _AT_ONCE)
            part = inflater.unconsumed_tail
    except zlib.error:
        return False
    return True
