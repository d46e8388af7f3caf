"""Photos in and crops out: the one place that decides what "unreadable" means."""

import io
import warnings
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from face_extraction.atomic import write_bytes
from face_extraction.ledger import FAILED, UNREADABLE, ItemFailed
from face_extraction.media import IMAGE_SUFFIXES, VIDEO_SUFFIXES

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "VIDEO_SUFFIXES",
    "NoImage",
    "Unreadable",
    "check_readable",
    "open_file",
    "read_bytes_rgb",
    "read_content",
    "read_rgb",
    "resize",
    "write_image",
]

# Pillow's own limit, at which it warns: 89 megapixels, 268 MB once decoded.
MAX_PIXELS = 89_478_485
_TOO_MANY = f"more than {MAX_PIXELS:,} pixels"
# Named one by one, because Pillow would also run Ghostscript on a PostScript file called .jpg.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")

# Pillow warns of large images, which are refused below, and of damaged EXIF or TIFF tags, which do
# not touch the pixels: noise beside a progress bar.
warnings.filterwarnings("ignore", module=r"PIL\.")


class Unreadable(ItemFailed):
    """A file that cannot be decoded.

    Attributes:
        path: the file, or the name given to the bytes.
        reason: "unreadable", or "failed" where the system could not open or read the file, which may pass.
        detail: why.
    """

    def __init__(self, path: Path | str, detail: str, reason: str = UNREADABLE) -> None:
        super().__init__(reason, detail)
        self.args = (path, detail)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: {self.detail}"


class NoImage(Unreadable):
    """A file that no reader of pictures knows; it may be a clip."""


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Decode a photo strictly: a file that is cut short or damaged is refused, never filled up.

    The EXIF orientation is applied. Transparent parts are laid over white, as a viewer would show
    them; of 16 bits a channel the upper 8 are kept; colour profiles are ignored; of several images
    in one file the first is taken.

    Returns:
        uint8 of shape (height, width, 3), RGB.

    Raises:
        NoImage: it is no image of a kind that is read.
        Unreadable: the file is missing, empty, damaged, or has over `MAX_PIXELS` pixels (seen in its
            header, before anything is decoded).
    """
    with open_file(path) as stream:
        return _decode(stream, path)


def open_file(path: Path) -> IO[bytes]:
    """A photo or clip, open for reading.

    Raises:
        Unreadable: the system cannot open it, or it is no file: a named pipe would be waited for, for ever.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise Unreadable(path, "not a file (a pipe, a socket or a device)")
        return path.open("rb")
    except OSError as error:
        raise _failed(path, error) from None


def read_content(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        Unreadable: the system cannot open or read it.
    """
    with open_file(path) as stream:
        try:
            return stream.read()
        except OSError as error:
            raise _failed(path, error) from None


def check_readable(path: Path) -> None:
    """Read a file from end to end: FFmpeg takes a disk or a network that fails for the file's end.

    Raises:
        Unreadable: the system cannot open or read it.
    """
    with open_file(path) as stream:
        try:
            while stream.read(2**20):
                pass
        except OSError as error:
            raise _failed(path, error) from None


def _failed(path: Path | str, error: OSError) -> Unreadable:
    return Unreadable(path, error.strerror or str(error), FAILED)


def read_bytes_rgb(content: bytes, name: str) -> NDArray[np.uint8]:
    """Decode the bytes of an image file, by the rules of `read_rgb`; errors say `name`."""
    return _decode(io.BytesIO(content), name)


def _decode(stream: IO[bytes], name: Path | str) -> NDArray[np.uint8]:
    # Importing face_recognition sets this to True for the whole process.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        if not stream.seek(0, io.SEEK_END):
            raise Unreadable(name, "the file is empty")
        stream.seek(0)
        with Image.open(stream, formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Unreadable(name, _TOO_MANY)
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image))
    except (Unreadable, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Unreadable(name, _TOO_MANY) from None
    except UnidentifiedImageError:
        raise NoImage(name, f"no image of a kind that is read; accepted: {', '.join(_FORMATS)}") from None
    except OSError as error:
        if error.errno is not None:  # The system's: Pillow's own, of what is damaged, have no number.
            raise _failed(name, error) from None
        raise Unreadable(name, str(error) or type(error).__name__) from None
    except Exception as error:  # Pillow's decoders raise many kinds, SyntaxError among them.
        raise Unreadable(name, str(error) or type(error).__name__) from None


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode in ("F", "I"):
        raise ValueError("pixels of floating point or 32 bits have no defined range")
    if image.mode.startswith("I"):
        # convert("RGB") would cut 16-bit values off at 255, which makes a white picture.
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        image = white
    return np.array(image.convert("RGB"))


def resize(rgb: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Scale an image to a square: by area when it shrinks, bicubic when it grows.

    Args:
        rgb: uint8 of shape (height, width, 3).
        size: the side wanted, in pixels.

    Returns:
        uint8 of shape (size, size, 3); `rgb` itself where it has that shape already.
    """
    if rgb.shape[:2] == (size, size):
        return rgb
    shrinks = min(rgb.shape[:2]) >= size
    scaled = cv2.resize(rgb, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(scaled, dtype=np.uint8)


def write_image(path: Path, rgb: NDArray[np.uint8], image_format: str = "png", quality: int = 95) -> None:
    """Encode an image and write it atomically.

    Args:
        path: the file, which is named as given, whatever the format.
        rgb: uint8 of shape (height, width, 3).
        image_format: "png" or "jpg".
        quality: of a JPEG, 1 to 100.

    Raises:
        ValueError: the encoder refused the image.
        OSError: the file could not be written whole.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if image_format == "jpg" else []
    done, content = cv2.imencode(f".{image_format}", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError(f"{path}: cannot be encoded as {image_format}. Received: shape {rgb.shape}")
    write_bytes(path, content.tobytes())
