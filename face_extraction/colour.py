"""Turn pictures of every mode into what a viewer shows: upright sRGB of 8 bits."""

import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from face_extraction.gamma import in_srgb
from face_extraction.hdr import NO_TAGS, in_standard, is_hdr, is_wide, wide_tags

_ORIENTATION = 0x0112
# EXIF's orientation number to the change of rows and columns that makes the picture upright.
_TURNS = {
    2: lambda rgb: rgb[:, ::-1],
    3: lambda rgb: rgb[::-1, ::-1],
    4: lambda rgb: rgb[::-1],
    5: lambda rgb: rgb.transpose(1, 0, 2),
    6: lambda rgb: np.rot90(rgb, -1),
    7: lambda rgb: rgb[::-1, ::-1].transpose(1, 0, 2),
    8: lambda rgb: np.rot90(rgb),
}
# The colour space that a profile must have for pixels of each mode.
_SPACES = {"RGB": "RGB", "CMYK": "CMYK", "L": "GRAY"}
_MAX_PROFILE = 2**22
# Colours of all kinds, and by how much sRGB's profiles of different makers change them.
_SWATCH = np.mgrid[0:256:51, 0:256:51, 0:256:51].T.astype(np.uint8).reshape(12, 18, 3)
_SAME = 2
# How the colours are named in the head of a PNG and of an AVIF, and the bytes of each number.
_NAMED = ((b"\0\0\0\x04cICP", 1), (b"colrnclx", 2))


class NoRange(ValueError):
    """Nothing tells which numbers are black and white; the text says why."""


def orientation_of(image: Image.Image) -> int:
    """EXIF's orientation of a picture, 1 to 8; 1 if EXIF is missing or damaged, which harms no pixel."""
    try:
        number = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # Pillow's EXIF parsers raise many kinds.
        return 1
    return number if number in _TURNS else 1


def turn_upright(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn a picture as EXIF's `orientation` asks: a new array, uint8 of shape (height, width, 3)."""
    turn = _TURNS.get(orientation)
    return np.ascontiguousarray(turn(rgb)) if turn else rgb


def shrink(image: Image.Image, max_pixels: int) -> Image.Image:
    """Divide a picture's sides by the smallest whole number that leaves at most `max_pixels` pixels."""
    factor = 1
    while (image.width // factor) * (image.height // factor) > max_pixels:
        factor += 1
    return image.reduce(factor) if factor > 1 else image


def plain_mode(image: Image.Image) -> Image.Image:
    """The picture in a mode such as L, LA, RGB, RGBA or CMYK, with 8 bits a channel.

    Raises:
        NoRange: the pixels are floating point, or have 32 bits a channel.
    """
    if image.mode in ("F", "I"):
        raise NoRange("pixels of floating point or 32 bits have no defined range")
    if image.mode.startswith("I"):
        # convert("RGB") would clip 16-bit values at 255, which turns the picture white.
        values = np.asarray(image)
        clear = image.info.get("transparency")
        grey = Image.fromarray((values >> 8).astype(np.uint8))
        if isinstance(clear, int):
            grey.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
        return grey
    if image.mode in ("L", "LA", "La"):
        return image.convert("LA") if image.has_transparency_data else image
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert({"1": "L", "P": "RGB"}.get(image.mode, image.mode))


def tags_of(head: bytes) -> tuple[int, int]:
    """The primaries and the curve, by H.273, that the head of a PNG or AVIF file names."""
    for mark, size in _NAMED:
        at = head.find(mark) + len(mark)
        if at >= len(mark) and at + 2 * size <= len(head):
            return wide_tags(
                int.from_bytes(head[at : at + size]), int.from_bytes(head[at + size : at + 2 * size])
            )
    return NO_TAGS


class Colours(NamedTuple):
    """What a file says about its colours.

    Attributes:
        profile: its ICC profile; a damaged profile, or one of another colour space, is ignored.
        tags: its primaries and curve, by H.273. Without HDR, a profile counts instead.
        gamma: the exponent from light to code, such as .45455, if nothing else is told; 0 for none.
        chromaticity: x and y of white, red, green and blue, which go with `gamma`.
    """

    profile: bytes = b""
    tags: tuple[int, int] = NO_TAGS
    gamma: float = 0.0
    chromaticity: Sequence[float] = ()


UNTOLD = Colours()
"""The file says nothing: they are taken for sRGB."""


def to_rgb(image: Image.Image, colours: Colours = UNTOLD) -> NDArray[np.uint8]:
    """A picture of a plain mode as sRGB, transparent parts over white.

    Args:
        image: from `plain_mode`.
        colours: what its file says about its colours.

    Returns:
        uint8 of shape (height, width, 3).
    """
    if image.mode not in ("LA", "RGBA"):
        return _in_srgb(image, colours)
    # White is white of sRGB, so the colours are brought there before they are laid over it.
    shown = Image.fromarray(_in_srgb(image.convert(image.mode[:-1]), colours))
    shown.putalpha(image.getchannel("A"))
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(shown)
    return np.array(white.convert("RGB"))


def _in_srgb(image: Image.Image, colours: Colours) -> NDArray[np.uint8]:
    tags, profile = colours.tags, colours.profile
    if is_hdr(tags[1]) or (is_wide(*tags) and not profile):
        return in_standard(np.asarray(image.convert("RGB")), *tags)
    rgb = np.array(_managed(image, profile).convert("RGB"))
    if colours.gamma and not profile and tags == NO_TAGS:
        return in_srgb(rgb, colours.gamma, colours.chromaticity)
    return rgb


def _managed(image: Image.Image, profile: bytes) -> Image.Image:
    space = _SPACES.get(image.mode)
    if not space or not 0 < len(profile) <= _MAX_PROFILE:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != space:
            return image
        change = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), image.mode, "RGB")
        shown = None if _changes_nothing(change, image.mode) else ImageCms.applyTransform(image, change)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return shown or image


def _changes_nothing(change: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether it turns colours into themselves: a profile's name does not tell whether it is sRGB's."""
    if mode != "RGB":
        return False
    shown = np.asarray(ImageCms.applyTransform(Image.fromarray(_SWATCH), change))
    return bool(np.abs(shown.astype(int) - _SWATCH).max() <= _SAME)
