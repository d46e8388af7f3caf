"""What files go through on their way to a reader: other cameras, sizes and codecs.

Both pictures of a pair go through it alike, so that it tells neither from the other. Each step draws its
numbers once and gives a function of one picture; the same function is then applied to the real picture and
to the fake.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import cast

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext

from dfdetect.fakes.registry import Rgb, Rng

Apply = Callable[[Rgb], Rgb]
Step = Callable[[Rng, int], Apply]

# Chroma subsampling of JPEG as cameras, phones and web sites use it: 4:2:0, 4:2:2, 4:4:4.
_SUBSAMPLING = (
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
)


def disturb(pictures: Sequence[Rgb], rng: Rng) -> list[Rgb]:
    """Colour, resize, blur, add noise and compress all pictures with the same numbers.

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


def recolour(rng: Rng, side: int) -> Apply:
    """Change brightness, contrast, gamma, the balance of the channels and the saturation."""
    levels = np.arange(256, dtype=np.float32)
    gain = rng.uniform(0.8, 1.2) * rng.uniform(0.94, 1.06, 3)
    offset, gamma, saturation = rng.uniform(-20, 20), rng.uniform(0.75, 1.35), rng.uniform(0.7, 1.3)
    curves = [255 * np.clip(((levels - 127.5) * g + 127.5 + offset) / 255, 0, 1) ** gamma for g in gain]
    table = np.rint(np.stack(curves, axis=1)).astype(np.uint8)[:, None]

    def apply(picture: Rgb) -> Rgb:
        toned = cv2.LUT(picture, table)
        grey = cv2.cvtColor(cv2.cvtColor(toned, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        return np.asarray(cv2.addWeighted(toned, saturation, grey, 1 - saturation, 0), np.uint8)

    return apply


def resize_chain(rng: Rng, side: int) -> Apply:
    """Scale down and up again, each by a way of interpolation of its own: a small or distant face."""
    small = max(8, round(side * rng.uniform(0.35, 0.95)))
    down = int(rng.choice((cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)))
    up = int(rng.choice((cv2.INTER_LINEAR, cv2.INTER_CUBIC)))

    def apply(picture: Rgb) -> Rgb:
        shrunk = cv2.resize(picture, (small, small), interpolation=down)
        return np.asarray(cv2.resize(shrunk, picture.shape[1::-1], interpolation=up), np.uint8)

    return apply


def blur(rng: Rng, side: int) -> Apply:
    """Blur by defocus (Gaussian) or by motion along a line."""
    if rng.random() < 0.6:
        sigma = rng.uniform(0.3, max(0.4, 0.01 * side))
        return lambda picture: np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)
    length = int(rng.integers(3, max(4, round(0.05 * side)) + 1))
    kernel = np.zeros((length, length), np.float32)
    angle, middle = rng.uniform(0, np.pi), (length - 1) / 2
    for along in np.linspace(-middle, middle, 4 * length):
        x, y = middle + along * np.cos(angle), middle + along * np.sin(angle)
        kernel[round(y), round(x)] += 1
    kernel /= kernel.sum()
    return lambda picture: np.asarray(cv2.filter2D(picture, -1, kernel), np.uint8)


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


def compress(rng: Rng, side: int) -> Apply:
    """Encode and decode: as JPEG, at times twice and with another grid, or as WebP."""
    if rng.random() < 0.12:
        quality = int(rng.integers(30, 96))
        return lambda picture: _coded(picture, ".webp", (cv2.IMWRITE_WEBP_QUALITY, quality))
    quality, sampling = int(rng.integers(30, 96)), int(rng.choice(_SUBSAMPLING, p=(0.7, 0.1, 0.2)))
    options = (cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling)
    if rng.random() < 0.75:
        return lambda picture: _coded(picture, ".jpg", options)
    first = (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(50, 96)))
    down, right = (int(value) for value in rng.integers(0, 8, 2))

    def twice(picture: Rgb) -> Rgb:
        shifted = np.roll(picture, (down, right), (0, 1))
        return _coded(np.roll(_coded(shifted, ".jpg", first), (-down, -right), (0, 1)), ".jpg", options)

    return twice


def _coded(picture: Rgb, suffix: str, options: Sequence[int]) -> Rgb:
    done, content = cv2.imencode(suffix, picture[:, :, ::-1], options)
    if not done:
        raise ValueError(f"cannot be encoded as {suffix}. Received: shape {picture.shape}")
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR_RGB), np.uint8)


# Fast and without threads: of three small frames the start of a codec is most of the time.
_X264 = {"preset": "ultrafast", "x264-params": "bframes=0:rc-lookahead=0:sync-lookahead=0:threads=1"}
_X265 = {
    "preset": "ultrafast",
    "x265-params": "pools=none:frame-threads=1:bframes=0:rc-lookahead=0:log-level=none",
}
_VIDEO_CODECS = {"libx264": ("h264", _X264), "libx265": ("hevc", _X265)}


def film(rng: Rng, side: int) -> Apply:
    """Encode a short video of the picture as it moves, as H.264 or HEVC, and give its last frame.

    What is lost follows from the codec's own prediction from frame to frame, with chroma at half the size.
    """
    name = "libx264" if rng.random() < 0.7 else "libx265"
    frames, crf = int(rng.integers(1, 5)), int(rng.integers(20, 39))
    if name == "libx265":
        frames = 1  # x265's predicted frames of small pictures differ from call to call (seen with PyAV 18.1)
    across, down = (int(value) for value in rng.integers(-3, 4, 2))

    def apply(picture: Rgb) -> Rgb:
        height, width = picture.shape[:2]
        even = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
        moving = [np.roll(even, (down * left, across * left), (0, 1)) for left in range(frames - 1, -1, -1)]
        return np.ascontiguousarray(_filmed(moving, name, crf)[:height, :width])

    return apply


def _filmed(frames: Sequence[Rgb], name: str, crf: int) -> Rgb:
    """The last of the frames, after all went through the encoder and the decoder."""
    reads, options = _VIDEO_CODECS[name]
    encoder = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
    encoder.height, encoder.width = frames[0].shape[:2]
    encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, 24)
    encoder.options = {"crf": str(crf), **options}
    decoder = cast(VideoCodecContext, av.CodecContext.create(reads, "r"))
    encoder.thread_count = decoder.thread_count = 1
    packets = []
    for number, picture in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
        frame.pts = number
        packets += encoder.encode(frame)
    decoded = [
        frame for packet in [*packets, *encoder.encode(None), None] for frame in decoder.decode(packet)
    ]
    return np.asarray(decoded[-1].to_ndarray(format="rgb24"), np.uint8)


_CHAIN: tuple[tuple[Step, float], ...] = (
    (recolour, 0.7),
    (resize_chain, 0.3),
    (blur, 0.25),
    (noise, 0.25),
    (film, 0.25),
    (compress, 0.6),
)
"""The steps and the share of the pairs that each is applied to, in the order in which pictures meet them."""
