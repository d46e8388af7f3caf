"""Tell damage to the pixels of photos that decoders pass over: they fill up the picture."""

from typing import IO

import numpy as np
from PIL import Image

from face_extraction import jpeg, tiff, webp
from face_extraction.png import lacks_rows, sound_png
from face_extraction.unpacked import lacks_rest
from face_extraction.zeros import has_holes

_TORN, _HOLED = "its pixels cannot all be decoded", "zeros or erased bytes in place of a part of its pixels"


def damage_to(stream: IO[bytes], image: Image.Image) -> str:
    """What is wrong with a picture of any format but JPEG, in words; "" if nothing is.

    Args:
        stream: its file.
        image: decoded by Pillow.
    """
    stream.seek(0)
    if image.format == "PNG":
        rows = image.crop((0, max(image.height - 2, 0), *image.size))
        is_filled = not np.asarray(rows).reshape(rows.height, -1).any(axis=1).all()
        return "its last rows are missing" if is_filled and lacks_rows(sound_png(stream)) else ""
    content = stream.read()
    if image.format in ("BMP", "TIFF") and lacks_rest(content, image):
        return "zeros in place of its last pixels"
    if image.format == "AVIF":
        return damage_to_heif(content, opacity=image.mode == "RGBA")
    is_torn = (image.format == "TIFF" and tiff.is_torn(content, image)) or (
        image.format == "WEBP" and webp.is_torn(content)
    )
    return _TORN if is_torn else ""


def damage_to_heif(content: bytes, *, opacity: bool) -> str:
    """What is wrong with a HEIC or AVIF that can be decoded, in words; "" if nothing is.

    Args:
        content: the file.
        opacity: the picture has one.
    """
    return _HOLED if has_holes(content, opacity=opacity) else ""


def damage_to_jpeg(content: bytes, *, whole: bool) -> str:
    """What is wrong with a JPEG, in words; "" if nothing is.

    Args:
        content: the file; what stands behind the picture does not matter.
        whole: look at all codes of the pixels, which takes as long as decoding them.
    """
    return _TORN if jpeg.has_gaps(content) or (whole and jpeg.is_torn(content)) else ""
