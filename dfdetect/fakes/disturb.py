"""What files go through on their way to a reader: other cameras, sizes and codecs.

Both pictures of a pair go through it alike, so that it tells neither from the other. Each step draws its
numbers once and gives a function of one picture; the same function is then applied to the real picture and
to the fake.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.fakes.codecs import H264, HEVC, coded, filmed
from dfdetect.fakes.colours import sharpened
from dfdetect.fakes.lights import expose, light, log_uniform, shade, shine
from dfdetect.fakes.registry import Apply, Rgb, Rng
from dfdetect.fakes.warps import elastic_map, warp_rgb

Step = Callable[[Rng, int], Apply]

# Chroma subsampling of JPEG as cameras, phones and web sites use it: 4:2:0, 4:2:2, 4:4:4.
_SUBSAMPLING = (
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
)


def disturb(pictures: Sequence[Rgb], rng: Rng) -> list[Rgb]:
    """Cover, colour, resize, blur, add noise to and compress all pictures with the same numbers.

    Args:
        pictures: uint8 of one shape (S, S, 3) each.
        rng: the only source of chance.
    """
    done = list(pictures)
    for step, share in _CHAIN:
        if rng.random() < share:
            apply = step(rng, done[0].shape[1])
            done = [apply(picture) for picture in done]
    return done


def bend(rng: Rng, side: int) -> Apply:
    """Give the face another shape: other people, other expressions."""
    sources = elastic_map(side, side, rng, side * log_uniform(rng, 0.003, 0.02), int(rng.integers(4, 8)))
    return lambda picture: warp_rgb(picture, sources)


def occlude(rng: Rng, side: int) -> Apply:
    """Put something in front of the face, plain or patterned: a hand, a mask, a sticker, a bar of text."""
    area = side**2 * log_uniform(rng, 0.01, 0.25)
    stretch = np.exp(rng.uniform(-1, 1))
    width, height = np.sqrt(area) * stretch, np.sqrt(area) / stretch
    place = (rng.uniform(0, side, 2).tolist(), (width, height), rng.uniform(0, 180))
    cover = np.zeros((side, side), np.uint8)
    if rng.random() < 0.5:
        cv2.ellipse(cover, place, 1, cv2.FILLED)
    else:
        cv2.fillPoly(cover, [np.rint(cv2.boxPoints(place)).astype(np.int32)], 1)
    patches = int(rng.choice((1, 2, 5, 16)))
    pattern = rng.integers(0, 256, (patches, patches, 3)).astype(np.uint8)
    how = int(rng.choice((cv2.INTER_NEAREST, cv2.INTER_LINEAR)))
    front = cv2.resize(pattern, (side, side), interpolation=how)
    return lambda picture: np.where(cover[:, :, None] > 0, front, picture)


def recolour(rng: Rng, side: int) -> Apply:
    """Change brightness, contrast, gamma, the balance of the channels and the saturation."""
    levels = np.arange(256, dtype=np.float32)
    gain = rng.uniform(0.8, 1.2) * rng.uniform(0.94, 1.06, 3)
    offset, gamma, saturation = rng.uniform(-20, 20), rng.uniform(0.75, 1.35), rng.uniform(0.7, 1.3)
    # Some pictures are pale or flat, some are grey.
    if rng.random() < 0.25:
        gain, saturation = gain * rng.uniform(0.3, 1), rng.uniform(0, 1)
    curves = [255 * np.clip(((levels - 127.5) * g + 127.5 + offset) / 255, 0, 1) ** gamma for g in gain]
    table = np.rint(np.stack(curves, axis=1)).astype(np.uint8)[:, None]

    def apply(picture: Rgb) -> Rgb:
        toned = cv2.LUT(picture, table)
        grey = cv2.cvtColor(cv2.cvtColor(toned, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        return np.asarray(cv2.addWeighted(toned, saturation, grey, 1 - saturation, 0), np.uint8)

    return apply


def resize_chain(rng: Rng, side: int) -> Apply:
    """Scale down and up again, each by a way of interpolation of its own: a small or distant face."""
    small = max(8, round(side * log_uniform(rng, 0.2, 0.95)))
    down = int(rng.choice((cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)))
    up = int(rng.choice((cv2.INTER_LINEAR, cv2.INTER_CUBIC)))

    def apply(picture: Rgb) -> Rgb:
        shrunk = cv2.resize(picture, (small, small), interpolation=down)
        return np.asarray(cv2.resize(shrunk, picture.shape[1::-1], interpolation=up), np.uint8)

    return apply


def blur(rng: Rng, side: int) -> Apply:
    """Blur by defocus (Gaussian) or by motion along a line."""
    if rng.random() < 0.6:
        sigma = log_uniform(rng, 0.3, max(0.4, 0.05 * side))
        return lambda picture: np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)
    length = int(rng.integers(3, max(4, round(0.1 * side)) + 1))
    kernel = line_kernel(length, rng.uniform(0, np.pi))
    return lambda picture: np.asarray(cv2.filter2D(picture, -1, kernel), np.uint8)


def line_kernel(length: int, angle: float) -> NDArray[np.float32]:
    """The mean along a line, as a kernel to filter with: motion blur.

    Args:
        length: of the line and of the kernel's sides, in pixels.
        angle: of the line, in radians.
    """
    kernel = np.zeros((length, length), np.float32)
    middle = (length - 1) / 2
    for along in np.linspace(-middle, middle, 4 * length):
        x, y = middle + along * np.cos(angle), middle + along * np.sin(angle)
        kernel[round(y), round(x)] += 1
    kernel /= kernel.sum()
    return kernel


def noise(rng: Rng, side: int) -> Apply:
    """A sensor's noise: stronger where the picture is brighter, and partly smoothed as cameras do."""
    field = rng.standard_normal((side, side, 3), dtype=np.float32)
    if rng.random() < 0.5:
        field = cv2.GaussianBlur(field, (0, 0), 0.6) * 2.0
    read, shot = rng.uniform(0, 5), rng.uniform(0, 0.35)

    def apply(picture: Rgb) -> Rgb:
        values = picture.astype(np.float32)
        values += field * np.sqrt(read**2 + shot**2 * values)
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)

    return apply


def develop(rng: Rng, side: int) -> Apply:
    """Do what phones do: sharpen, smooth away noise but not edges, or even out the light."""
    chance = rng.random()
    if chance < 0.5:
        sigma, share = rng.uniform(0.6, 2), rng.uniform(0.3, 1.8)
        return lambda picture: sharpened(picture, sigma, share)
    if chance < 0.8:
        levels = rng.uniform(10, 45)
        return lambda picture: np.asarray(cv2.bilateralFilter(picture, 5, levels, 3), np.uint8)
    local = cv2.createCLAHE(rng.uniform(1.2, 3.5), (4, 4))

    def evened(picture: Rgb) -> Rgb:
        lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
        lab[:, :, 0] = local.apply(np.ascontiguousarray(lab[:, :, 0]))
        return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.uint8)

    return evened


def compress(rng: Rng, side: int) -> Apply:
    """Encode and decode: as JPEG, at times twice and with another grid, or as WebP."""
    if rng.random() < 0.12:
        quality = int(rng.integers(30, 96))
        return lambda picture: coded(picture, ".webp", (cv2.IMWRITE_WEBP_QUALITY, quality))
    quality, sampling = int(rng.integers(30, 96)), int(rng.choice(_SUBSAMPLING, p=(0.7, 0.1, 0.2)))
    options = (cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling)
    if rng.random() < 0.75:
        return lambda picture: coded(picture, ".jpg", options)
    first = (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(50, 96)))
    down, right = (int(value) for value in rng.integers(0, 8, 2))

    def twice(picture: Rgb) -> Rgb:
        shifted = np.roll(picture, (down, right), (0, 1))
        return coded(np.roll(coded(shifted, ".jpg", first), (-down, -right), (0, 1)), ".jpg", options)

    return twice


def film(rng: Rng, side: int) -> Apply:
    """Encode a short video of the picture as it moves, as H.264 or HEVC, and give its last frame."""
    codec = H264 if rng.random() < 0.7 else HEVC
    frames, crf = int(rng.integers(1, 5)), int(rng.integers(20, 39))
    across, down = (int(value) for value in rng.integers(-3, 4, 2))
    return lambda picture: filmed(picture, codec, crf, frames, (across, down))


_CHAIN: tuple[tuple[Step, float], ...] = (
    (bend, 0.25),
    (light, 0.35),
    (shade, 0.15),
    (shine, 0.1),
    (expose, 0.15),
    (occlude, 0.15),
    (recolour, 0.7),
    (resize_chain, 0.3),
    (blur, 0.3),
    (noise, 0.25),
    (develop, 0.25),
    (film, 0.25),
    (compress, 0.6),
)
"""The steps and the share of the pairs that each is applied to, in the order in which pictures meet them."""
