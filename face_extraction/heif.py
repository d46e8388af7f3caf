"""Read HEIC photos as one upright picture; a phone stores each as many tiles.

pillow-heif, an extra, uses libheif, which joins the tiles and turns the picture.
"""

import io
import re
import struct
from fractions import Fraction
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from face_extraction.hdr import UNTAGGED, wide_tags
from face_extraction.missing import extra

# Brands in the file type box: HEVC pictures and their sequences, and pictures of any coding (mif1, msf1).
_HEVC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_ANY = frozenset({b"mif1", b"mif2", b"msf1"})
_AV1 = frozenset({b"avif", b"avis"})
# Version 2 of the box that gives an item's kind: flags, number, protection, kind.
_EXIF_ITEM = re.compile(rb"(infe\x02.{7})Exif", re.DOTALL)
# The size and the kind of the box of a crop.
_CROP = b"\0\0\0\x28clap"
HEAD = 64
MISSING = f"HEIC needs pillow-heif, which is not installed: {extra('heic')}"


class HeifMissing(Exception):
    """pillow-heif is not installed."""


class HeifPicture(NamedTuple):
    """A HEIC file's main picture.

    Attributes:
        pixels: uint8 of shape (height, width, 3 or 4), upright, or (height, width) if it is grey.
        profile: the ICC profile; b"" if there is none.
        tags: primaries and curve, by H.273.
    """

    pixels: NDArray[np.uint8]
    profile: bytes
    tags: tuple[int, int]


def is_heic(head: bytes) -> bool:
    """Whether a file that begins with `head` is HEIC, by its brands: AVIF uses the same container.

    Args:
        head: the file's first `HEAD` bytes.
    """
    if head[4:8] != b"ftyp":
        return False
    brands = _brands(head)
    return bool(brands & _HEVC) or (head[8:12] in _ANY and not brands & _AV1)


def is_avif(head: bytes) -> bool:
    """Whether a file that begins with `head` is AVIF."""
    return head[4:8] == b"ftyp" and bool(_brands(head) & _AV1)


def without_exif(stream: IO[bytes]) -> IO[bytes]:
    """Copy an AVIF file with its EXIF hidden.

    libavif refuses a picture whose EXIF is damaged, and the container has the orientation anyway.
    """
    return io.BytesIO(_EXIF_ITEM.sub(rb"\1free", stream.read()))


def crop_of(head: bytes, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The part of an AVIF's picture that is shown, which libavif leaves to its callers.

    Reference: ISO/IEC 14496-12, 12.1.4 (clean aperture).

    Args:
        head: the file up to its pixels.
        size: the picture's width and height before it is turned.

    Returns:
        left, top, right and bottom; None for the whole picture, or if the crop is damaged.
    """
    at = head.find(_CROP)
    if at < 0 or len(head) < at + 40:
        return None
    edges = aperture(struct.unpack_from(">II II iI iI", head, at + 8), size)
    if edges is None or any(edge.denominator > 1 for edge in edges):
        return None
    return int(edges[0]), int(edges[1]), int(edges[2]), int(edges[3])


def aperture(
    numbers: tuple[int, ...], size: tuple[int, int]
) -> tuple[Fraction, Fraction, Fraction, Fraction] | None:
    """The edges of a crop: left, top, right and bottom; None if it is damaged.

    Args:
        numbers: the content of its box: four fractions.
        size: the picture's width and height.
    """
    if 0 in numbers[1::2]:
        return None
    width, height, right, down = (Fraction(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True))
    left, top = (size[0] - width) / 2 + right, (size[1] - height) / 2 + down
    edges = (left, top, left + width, top + height)
    inside = 0 <= left < edges[2] <= size[0] and 0 <= top < edges[3] <= size[1]
    return edges if inside else None


def _brands(head: bytes) -> set[bytes]:
    end = min(int.from_bytes(head[:4]), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}


def open_heic(stream: IO[bytes]) -> Any:
    """Open the file's main picture: its `size` is known, nothing is decoded yet.

    Raises:
        HeifMissing: pillow-heif is not installed.
        Exception: the file is damaged; libheif raises many kinds.
    """
    try:
        import pillow_heif
    except ImportError:
        raise HeifMissing(MISSING) from None
    # Damage beside the picture does not harm it.
    pillow_heif.options.THUMBNAILS = pillow_heif.options.DEPTH_IMAGES = pillow_heif.options.AUX_IMAGES = False
    heif = pillow_heif.open_heif(io.BytesIO(stream.read()), convert_hdr_to_8bit=True)
    return heif[heif.primary_index]


def decode_heic(image: Any) -> HeifPicture:
    """Decode a picture from `open_heic`.

    Raises:
        Exception: as in `open_heic`.
    """
    named = image.info.get("nclx_profile") or {}
    tags = (named.get("color_primaries", UNTAGGED), named.get("transfer_characteristics", UNTAGGED))
    pixels = np.asarray(image)
    if image.premultiplied_alpha:
        pixels = np.asarray(Image.frombytes("RGBa", image.size, pixels.tobytes()).convert("RGBA"))
    return HeifPicture(pixels, image.info.get("icc_profile") or b"", wide_tags(*map(int, tags)))
