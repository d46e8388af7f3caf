"""Drawn faces, and clips of them: what the tests of this folder work on."""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_extraction.detect import FaceDetector

Rgb = np.ndarray
DrawFaces = Callable[..., Rgb]
WriteClip = Callable[..., Path]

SKIN, SHADE, DARK = (214, 170, 140), (150, 105, 85), (45, 30, 25)


def _draw_face(canvas: Rgb, x: int, y: int, size: int) -> None:
    """A frontal face whose box, as dlib's HOG sees it, is about `size` pixels wide around (x, y)."""

    def at(dx: float, dy: float) -> tuple[int, int]:
        return round(x + dx * size), round(y + dy * size)

    def ellipse(centre: tuple[float, float], axes: tuple[float, float], colour: tuple, **arc: int) -> None:
        radii = (max(1, round(axes[0] * size)), max(1, round(axes[1] * size)))
        start, end, width = arc.get("start", 0), arc.get("end", 360), arc.get("width", -1)
        cv2.ellipse(canvas, at(*centre), radii, 0, start, end, colour, width, cv2.LINE_AA)

    line = max(1, size // 30)
    ellipse((0, -0.08), (0.60, 0.80), DARK)
    ellipse((0, 0.02), (0.52, 0.70), SHADE)
    ellipse((0, 0), (0.49, 0.68), SKIN)
    for side in (-1, 1):
        ellipse((0.22 * side, -0.24), (0.13, 0.05), DARK, start=180, end=360, width=2 * line)
        ellipse((0.22 * side, -0.12), (0.11, 0.05), (245, 245, 245))
        ellipse((0.22 * side, -0.12), (0.045, 0.045), DARK)
        ellipse((0.22 * side, -0.13), (0.12, 0.06), DARK, start=180, end=360, width=line)
        ellipse((0.06 * side, 0.15), (0.03, 0.02), DARK)
    cv2.line(canvas, at(0.03, -0.10), at(0.05, 0.12), SHADE, line, cv2.LINE_AA)
    ellipse((0, 0.14), (0.09, 0.05), SHADE, start=0, end=180, width=line)
    ellipse((0, 0.34), (0.19, 0.05), (150, 60, 60))
    ellipse((0, 0.33), (0.19, 0.015), DARK)
    ellipse((0, 0.44), (0.12, 0.03), SHADE, start=0, end=180, width=line)


@pytest.fixture
def draw_faces() -> DrawFaces:
    """draw_faces((x, y, size), ..., width=320, height=240) -> uint8 of shape (height, width, 3)."""

    def draw(*faces: tuple[int, int, int], width: int = 320, height: int = 240) -> Rgb:
        fall = np.linspace(90, 170, height)[:, None] + np.linspace(0, 30, width)[None, :]
        canvas = np.repeat(fall[:, :, None], 3, axis=2).astype(np.uint8)
        for face in faces:
            _draw_face(canvas, *face)
        return cv2.GaussianBlur(canvas, (3, 3), 0)

    return draw


@pytest.fixture
def two_places() -> tuple[tuple[int, int, int], ...]:
    """Where `two` has its faces, as (x, y, size)."""
    return (110, 125, 100), (340, 130, 140)


@pytest.fixture
def two(draw_faces: DrawFaces, two_places: tuple[tuple[int, int, int], ...]) -> Rgb:
    """A face of about 100 pixels on the left, one of about 140 on the right."""
    return draw_faces(*two_places, width=480, height=270)


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    """dlib's HOG, for faces of 60 pixels or more."""
    return FaceDetector("hog", 60)


@pytest.fixture
def write_clip() -> WriteClip:
    """write_clip(path, frames, rate=10, times=None, **container_options): H.264 in path's container.

    `times` are the frames' times in milliseconds, where the rate varies; `aspect` is a pixel's width over
    its height.
    """
    av = pytest.importorskip("av")

    def write(
        path: Path,
        frames: Iterable[Rgb],
        *,
        rate: int = 10,
        times: Sequence[int] | None = None,
        aspect: Fraction = Fraction(1),
        **options: str,
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        milli = Fraction(1, 1000)
        with av.open(str(path), "w", options=options) as container:
            stream = container.add_stream("libx264", rate=rate, options={"g": "5", "preset": "ultrafast"})
            stream.pix_fmt = "yuv420p"
            stream.codec_context.sample_aspect_ratio = aspect
            if times is not None:
                stream.codec_context.time_base = milli
            for index, rgb in enumerate(frames):
                if index == 0:
                    stream.height, stream.width = rgb.shape[:2]
                frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
                if times is not None:
                    frame.pts, frame.time_base = times[index], milli
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture
def numbered_clip(write_clip: WriteClip) -> WriteClip:
    """numbered_clip(path, count, **as write_clip): frame i shows i in 8 black and white bars, a bit each.

    Bars, because the codec moves a grey value by a step or two.
    """

    def paint(index: int) -> Rgb:
        bits = [255 * (index >> bit & 1) for bit in range(8)]
        return np.tile(np.repeat(np.uint8(bits), 12)[None, :, None], (64, 1, 3))

    def write(path: Path, count: int, **options: object) -> Path:
        return write_clip(path, (paint(index) for index in range(count)), **options)

    return write
