"""HEIC photos, of which a phone makes each from many tiles, as one upright picture.

pillow-heif, an extra, reads them by libheif, which puts the tiles together and turns the picture.
"""

import io
import re
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Brands of the file type box: HEVC pictures and sequences of them, and pictures of any coding (mif1, msf1).
_HEVC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_ANY = frozenset({b"mif1", b"mif2", b"msf1"})
_AV1 = frozenset({b"avif", b"avis"})
# Version 2 of the box that tells an item's kind: flags, number, protection, kind.
_EXIF_ITEM = re.compile(rb"(infe\x02.{7})Exif", re.DOTALL)
HEAD = 64
MISSING = "HEIC is read by pillow-heif, which is not installed: pip install dfdetect[heic]"


class HeifMissing(Exception):
    """pillow-heif is not installed."""


class HeifPicture(NamedTuple):
    """A HEIC file's main picture.

    Attributes:
        pixels: uint8 of shape (height, width, 3 or 4), upright, or (height, width) of a grey one.
        profile: the ICC profile; b"" where there is none.
    """

    pixels: NDArray[np.uint8]
    profile: bytes


def is_heic(head: bytes) -> bool:
    """Whether a file that begins so holds a HEIC picture, by its brands: AVIF has the same container.

    Args:
        head: the file's first `HEAD` bytes.
    """
    if head[4:8] != b"ftyp":
        return False
    brands = _brands(head)
    return bool(brands & _HEVC) or (head[8:12] in _ANY and not brands & _AV1)


def is_avif(head: bytes) -> bool:
    """Whether a file that begins so holds an AVIF picture."""
    return head[4:8] == b"ftyp" and bool(_brands(head) & _AV1)


def without_exif(stream: IO[bytes]) -> IO[bytes]:
    """A copy of an AVIF file that keeps its EXIF out of sight.

    libavif refuses a picture for damaged EXIF. The container itself tells the orientation.
    """
    return io.BytesIO(_EXIF_ITEM.sub(rb"\1free", stream.read()))


def _brands(head: bytes) -> set[bytes]:
    end = min(int.from_bytes(head[:4]), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}


def open_heic(stream: IO[bytes]) -> Any:
    """The file's main picture, of which `size` is known and nothing is decoded.

    Raises:
        HeifMissing: pillow-heif is not installed.
        Exception: the file is damaged; libheif's errors are of many kinds.
    """
    try:
        import pillow_heif
    except ImportError:
        raise HeifMissing(MISSING) from None
    # What is beside the picture can be damaged without harm to it.
    pillow_heif.options.THUMBNAILS = pillow_heif.options.DEPTH_IMAGES = pillow_heif.options.AUX_IMAGES = False
    heif = pillow_heif.open_heif(io.BytesIO(stream.read()), convert_hdr_to_8bit=True)
    return heif[heif.primary_index]


def decode_heic(image: Any) -> HeifPicture:
    """Decode what `open_heic` gave.

    Raises:
        Exception: as there.
    """
    return HeifPicture(np.asarray(image), image.info.get("icc_profile") or b"")
