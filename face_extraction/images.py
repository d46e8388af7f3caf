"""Read photos and write crops. Only this module decides what "unreadable" means."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from face_extraction.atomic import write_bytes
from face_extraction.colour import (
    Colours,
    NoRange,
    orientation_of,
    plain_mode,
    shrink,
    tags_of,
    to_rgb,
    turn_upright,
)
from face_extraction.damage import damage_to, damage_to_heif, damage_to_jpeg
from face_extraction.errors import one_line, ran_out_of_memory
from face_extraction.gif import DamagedGif, read_gif
from face_extraction.hdr import NO_TAGS
from face_extraction.heif import (
    HEAD,
    HeifMissing,
    crop_of,
    decode_heic,
    is_avif,
    open_heic,
    without_exif,
)
from face_extraction.jpeg import ENDS, lacks_end, lacks_scans, without_tail
from face_extraction.ledger import FAILED, UNREADABLE, ItemFailed
from face_extraction.png import DamagedPng, clear_grey, deep_opacity, sound_png
from face_extraction.signatures import RAW, known_format
from face_extraction.tiff import as_meant, is_preview

# Pillow warns from here on: 89 megapixels, 358 MB once decoded.
MAX_PIXELS = 89_478_485
# JPEG is decoded at a smaller size above `MAX_WHOLE`, and HEIC is held in one copy: phones write 200
# megapixels in both formats.
MAX_LARGE = 250_000_000
# A picture of more pixels is divided by 2, 3, 4 ... along each side before use.
MAX_WHOLE = 50_000_000
# A video's frame, or an animation's picture: HEVC's level 6.2 allows 8192 x 4352. Several are held at once.
MAX_FRAME = 36_000_000
# Named one by one, because Pillow would also run Ghostscript on a PostScript file named .jpg.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
ACCEPTED = (*_FORMATS, "HEIC")
_IN_WORDS = (NoRange, DamagedPng, DamagedGif)
_NOT_READ = "that is damaged, or of a kind that is not read"
# Pillow calls a JPEG that holds further pictures, such as a depth map, MPO.
_JPEG = ("JPEG", "MPO")
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
# Formats that name the primaries and the curve of their colours, in so many bytes; and where they are kept.
_TAGGED, _BEFORE_PIXELS = ("PNG", "AVIF"), 2**21
_COLOURS, _CROP, _OPACITY = "primaries and curve", "crop", "opacity"

# Our limits are checked before anything is decoded; Pillow's comes after them.
Image.MAX_IMAGE_PIXELS = MAX_LARGE
# Pillow warns about large images, which we refuse below, and about damaged EXIF or TIFF tags, which do
# not change the pixels. Either would be noise beside a progress bar.
warnings.filterwarnings("ignore", module=r"PIL\.")


class Unreadable(ItemFailed):
    """A file that cannot be decoded.

    Attributes:
        path: the file, or the name given to the bytes.
        reason: "unreadable", or "failed" if the system could not open or read the file, which may pass.
        detail: why.
    """

    def __init__(self, path: Path | str, detail: str, reason: str = UNREADABLE) -> None:
        super().__init__(reason, detail)
        self.args = (path, detail)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: {self.detail}"


class NoImage(Unreadable):
    """A file that is no picture of a known format; it may be a video."""

    def nor_video(self, detail: str) -> str:
        """Why the file is no video either.

        Args:
            detail: why no frame of it can be read.
        """
        return f"{self.detail}; nor a video: {detail}"


class Animated(NoImage):
    """A file of several pictures shown one after another: a video, whatever its name."""


@dataclass(frozen=True)
class Photo:
    """A photo as a viewer shows it.

    Attributes:
        rgb: uint8 of shape (height, width, 3), upright sRGB.
        scale: pixels of the file for one pixel of `rgb`, along a side: 1, or more for a very large photo.
    """

    rgb: NDArray[np.uint8]
    scale: float = 1.0


def read_photo(path: Path) -> Photo:
    """Decode a photo strictly: refuse a file whose pixels are cut short or damaged.

    Returns the picture as a viewer shows it: turned upright by EXIF or HEIC's own orientation, colours
    converted to sRGB by an embedded profile, transparent parts over white, 16 bits a channel cut to the
    upper 8, the main picture of several. Damage beside the pixels, such as in EXIF, does not matter.

    Raises:
        Animated: the file shows its pictures one after another.
        NoImage: the file is not of an accepted format.
        Unreadable: the file is missing, empty or damaged, or its header gives more pixels than `MAX_PIXELS`
            (JPEG and HEIC: `MAX_LARGE`), which is checked before decoding. Reason "failed": the system
            cannot read it, or it is HEIC and pillow-heif is not installed.
    """
    with open_file(path) as stream:
        return _decode(stream, path)


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """The pixels of `read_photo`: uint8 of shape (height, width, 3), upright sRGB.

    Raises:
        Unreadable: as in `read_photo`.
    """
    return read_photo(path).rgb


def open_file(path: Path) -> IO[bytes]:
    """Open a photo or video for reading.

    Raises:
        Unreadable: the system cannot open it, or it is not a regular file: reading a named pipe never ends.
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
    """Read a file from end to end, because FFmpeg takes a failing disk or network for the file's end.

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
    """Decode the bytes of a photo by the rules of `read_rgb`; errors say `name`."""
    return _decode(io.BytesIO(content), name).rgb


def check_rgb(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Check a picture in memory, and copy a view: libraries in C need contiguous memory.

    Args:
        rgb: uint8 of shape (height, width, 3).

    Raises:
        TypeError: it is not an array of uint8.
        ValueError: it has another shape, or no pixels.
    """
    wanted = "a picture must be uint8 of shape (H, W, 3). Received:"
    if not isinstance(rgb, np.ndarray):
        raise TypeError(f"{wanted} {type(rgb).__name__}")
    if rgb.dtype != np.uint8:
        raise TypeError(f"{wanted} {rgb.dtype} of shape {rgb.shape}")
    if rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        raise ValueError(f"{wanted} shape {rgb.shape}")
    return np.ascontiguousarray(rgb)


def _decode(stream: IO[bytes], name: Path | str) -> Photo:
    # Importing face_recognition sets this to True in the whole process.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    known = ""
    try:
        head = stream.read(HEAD)
        if not head:
            raise Unreadable(name, "the file is empty")
        stream.seek(0)
        known = known_format(head)
        if known == RAW:
            raise Unreadable(name, "a raw photo, of which only a small preview can be read")
        if known == "HEIC":
            return _decode_heic(stream, name)
        return _decode_picture(stream, name)
    except (Unreadable, MemoryError):
        raise
    except HeifMissing as error:
        raise Unreadable(name, str(error), FAILED) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many(name, MAX_LARGE if known == "JPEG" else MAX_PIXELS) from None
    except UnidentifiedImageError:
        if known:
            raise Unreadable(name, f"{known} {_NOT_READ}") from None
        raise NoImage(name, f"no image of a kind that is read; accepted: {', '.join(ACCEPTED)}") from None
    except OSError as error:
        if error.errno is not None:  # Only the system's errors have a number; Pillow's mean damage.
            raise _failed(name, error) from None
        raise _undecoded(name, error, known) from None
    except Exception as error:  # The decoders raise many kinds, even SyntaxError.
        raise _undecoded(name, error, known) from None


def _undecoded(name: Path | str, error: Exception, known: str) -> Exception:
    """The error to raise for a decoder's: short memory is not the file's fault."""
    if ran_out_of_memory(error):
        return MemoryError(one_line(error))
    # Others say no more than "decoder error -2".
    if known and not isinstance(error, _IN_WORDS):
        return Unreadable(name, f"{known} {_NOT_READ} ({one_line(error)})")
    return Unreadable(name, one_line(error))


def open_picture(stream: IO[bytes], name: Path | str) -> Image.Image:
    """Open a picture and check its size, without decoding it.

    Raises:
        DamagedPng: a chunk that the pixels need is damaged.
        Unreadable: it has too many pixels, or is a raw photo.
        Exception: whatever Pillow raises.
    """
    head = stream.read(HEAD)
    stream.seek(0)
    told = b""
    if known_format(head) in _TAGGED:
        stream = without_exif(stream) if is_avif(head) else sound_png(stream)
        told = stream.read(_BEFORE_PIXELS)
        stream.seek(0)
    image = Image.open(stream, formats=_FORMATS)
    image.info[_COLOURS] = tags_of(told)
    image.info[_CROP] = crop_of(told, image.size) if is_avif(head) else None
    if is_preview(image):
        raise Unreadable(name, "a raw photo, or another TIFF of which only a small preview can be read")
    _check_size(image.size, name, MAX_LARGE if image.format in _JPEG else MAX_PIXELS)
    if image.format == "PNG" and isinstance(clear := image.info.get("transparency"), int):
        image.info["transparency"] = clear_grey(told, clear)
    elif image.format == "PNG" and isinstance(clear, tuple):
        image.info[_OPACITY] = deep_opacity(told, stream)
    return image


def _decode_picture(stream: IO[bytes], name: Path | str) -> Photo:
    with open_picture(stream, name) as image:
        if image.format in _ANIMATED and (count := getattr(image, "n_frames", 1)) > 1:
            raise Animated(name, f"an animation of {count} pictures")
        if image.format == "GIF":
            stream.seek(0)
            gif = read_gif(stream)
            if not gif.is_covered:
                return Photo(to_rgb(Image.fromarray(next(gif.pictures()))))
        if image.format not in _JPEG:
            photo = _load(image)
            _refuse(name, image.format, damage_to(stream, image))
            return photo
        if lacks_end(stream):
            return _load_without_end(stream, name)
        try:
            photo = _load(image)
        except OSError as error:
            if error.errno is not None:
                raise
            return _load_without_end(stream, name)
    stream.seek(0)
    _refuse(name, "JPEG", damage_to_jpeg(stream.read(), whole=photo.scale == 1))
    return photo


def _refuse(name: Path | str, kind: str | None, damage: str) -> None:
    if damage:
        raise Unreadable(name, f"damaged {kind}: {damage}")


def _load(image: Image.Image) -> Photo:
    width, height = image.size
    if image.format in _JPEG:
        part = 1
        while (width // part) * (height // part) > MAX_WHOLE and part < 8:
            part *= 2
        image.draft(None, (width // part, height // part))
    image.load()
    plain = _shown_part(image)
    small = shrink(plain, MAX_WHOLE)
    whole_width = plain.width if image.info.get(_CROP) else width
    return Photo(_upright_rgb(small, image), whole_width / small.width)


def shown_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """A picture decoded by Pillow, as a viewer shows it: uint8 of shape (height, width, 3)."""
    return _upright_rgb(_shown_part(image), image)


def _shown_part(image: Image.Image) -> Image.Image:
    """A decoded picture in a plain mode, without what an AVIF's crop takes away."""
    plain = plain_mode(as_meant(image))
    if (opacity := image.info.get(_OPACITY)) is not None:
        plain.putalpha(Image.fromarray(opacity))
    if image.format == "BMP" and plain.mode == "RGBA" and plain.getchannel("A").getextrema() == (0, 0):
        plain = plain.convert("RGB")  # Windows leaves transparency empty; viewers show such a picture.
    box = image.info.get(_CROP)
    return plain.crop(box) if box else plain


def _upright_rgb(plain: Image.Image, image: Image.Image) -> NDArray[np.uint8]:
    """`plain` as the colours and the orientation of `image`, from which it was made, ask for."""
    told = image.info
    has_gamma = image.format == "PNG" and "srgb" not in told
    colours = Colours(
        told.get("icc_profile") or b"",
        told.get(_COLOURS, NO_TAGS),
        told.get("gamma", 0) if has_gamma else 0,
        told.get("chromaticity", ()),
    )
    return turn_upright(to_rgb(plain, colours), orientation_of(image))


def _load_without_end(stream: IO[bytes], name: Path | str) -> Photo:
    """A JPEG without an end marker, if all its rows are there.

    A decoder silently fills missing rows, and how it fills them depends on the bytes that follow. So all
    rows are there if two different ends give the same picture.
    """
    stream.seek(0)
    content = without_tail(stream.read())
    photos = []
    for end in ENDS:
        with Image.open(io.BytesIO(content + end), formats=_FORMATS) as image:
            # Arithmetic codes cannot be decoded in pieces, which is why Pillow stops there.
            image.decodermaxblock = len(content) + len(end)
            photos.append(_load(image))
    if lacks_scans(content):
        raise Unreadable(name, "the JPEG file is truncated: its last scans are missing")
    if not np.array_equal(photos[0].rgb, photos[1].rgb):
        raise Unreadable(name, "the JPEG file is truncated: its last rows are missing")
    _refuse(name, "JPEG", damage_to_jpeg(content + ENDS[0], whole=photos[0].scale == 1))
    return photos[0]


def _decode_heic(stream: IO[bytes], name: Path | str) -> Photo:
    image = open_heic(stream)
    width, height = image.size
    _check_size(image.size, name, MAX_LARGE)
    pixels, profile, tags = decode_heic(image)
    stream.seek(0)
    _refuse(name, "HEIC", damage_to_heif(stream.read(), opacity=pixels.shape[2:] == (4,)))
    factor = 1
    while (width // factor) * (height // factor) > MAX_WHOLE:
        factor += 1
    if factor > 1:
        size = (width // factor, height // factor)
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    return Photo(to_rgb(Image.fromarray(pixels), Colours(profile, tags)), width / pixels.shape[1])


def _check_size(size: tuple[int, int], name: Path | str, limit: int) -> None:
    if size[0] * size[1] > limit:
        raise _too_many(name, limit)


def check_frame(size: tuple[int, int], name: Path | str) -> None:
    """Refuse the frames of a video or animation that have more than `MAX_FRAME` pixels.

    Args:
        size: width and height in pixels.
        name: the file, for the error.

    Raises:
        Unreadable: they do.
    """
    if size[0] * size[1] > MAX_FRAME:
        raise Unreadable(name, f"frames of more than {MAX_FRAME:,} pixels")


def _too_many(name: Path | str, limit: int) -> Unreadable:
    return Unreadable(name, f"more than {limit:,} pixels")


RESIZED_BY = "OpenCV's INTER_AREA where the shorter side shrinks or stays, INTER_CUBIC where it grows"
"""What `resize` does, for programs that must do the same."""


def resize(rgb: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Scale a picture to a square: by area when it shrinks, bicubic when it grows.

    Args:
        rgb: uint8 of shape (height, width, 3).
        size: the side wanted, in pixels.

    Returns:
        uint8 of shape (size, size, 3); `rgb` itself if it already has that shape.
    """
    if rgb.shape[:2] == (size, size):
        return rgb
    shrinks = min(rgb.shape[:2]) >= size
    scaled = cv2.resize(rgb, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(scaled, dtype=np.uint8)


def jpeg_bytes(rgb: NDArray[np.uint8], quality: int = 85) -> bytes:
    """A picture as a JPEG file.

    Args:
        rgb: uint8 of shape (height, width, 3).
        quality: 1 to 100.
    """
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def write_image(path: Path, rgb: NDArray[np.uint8], image_format: str = "png", quality: int = 95) -> None:
    """Encode a picture and write it atomically.

    Args:
        path: the file; its name does not choose the format.
        rgb: uint8 of shape (height, width, 3).
        image_format: "png" or "jpg".
        quality: of a JPEG, 1 to 100.

    Raises:
        ValueError: the encoder refused the picture.
        OSError: the file could not be written completely.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if image_format == "jpg" else []
    done, content = cv2.imencode(f".{image_format}", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError(f"{path}: cannot be encoded as {image_format}. Received: shape {rgb.shape}")
    write_bytes(path, content.tobytes())
