"""A still face set in motion, so that videos can be made of it: the real one and its fakes.

The head sways, tilts and comes nearer, and the features move a little, along smooth curves. It is no talking
face; it moves as much as a codec needs, and its landmarks move with it.
"""

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.fakes.masks import MOUTH, eye_distance
from dfdetect.fakes.registry import Face, Points, Rgb, Rng
from dfdetect.fakes.warps import identity_map, warp_rgb
from face_extraction.atomic import atomic_path

FPS = 24


def moving(face: Face, rng: Rng, count: int) -> Iterator[Face]:
    """Frames of the face as it moves, each with its landmarks.

    Args:
        face: a square picture and its landmarks.
        rng: the only source of chance.
        count: the number of frames.
    """
    side = face.picture.shape[0]
    time = np.arange(count) / FPS
    shift_x, shift_y = _sway(time, 0.03 * side, rng), _sway(time, 0.02 * side, rng)
    angle, zoom = _sway(time, 4.0, rng), 1 + _sway(time, 0.03, rng)
    mouth = np.clip(_sway(time, 0.06, rng, 1.0, 3.0), 0, None) * eye_distance(face.points)
    for x, y, turn, scale, opened in zip(shift_x, shift_y, angle, zoom, mouth, strict=True):
        spoken = _opened(face, float(opened))
        matrix = cv2.getRotationMatrix2D((side / 2, side / 2), float(turn), float(scale))
        matrix[:, 2] += (x, y)
        picture = cv2.warpAffine(
            spoken.picture, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        points = spoken.points @ matrix[:, :2].T + matrix[:, 2]
        yield Face(np.asarray(picture, np.uint8), points.astype(np.float32))


def _sway(
    time: NDArray[np.float64], reach: float, rng: Rng, slow: float = 0.15, fast: float = 0.6
) -> NDArray[np.float64]:
    """A sum of two sines about 0, of random pace (in turns a second) and start."""
    paces, starts = rng.uniform(slow, fast, 2), rng.uniform(0, 2 * np.pi, 2)
    waves = [np.sin(2 * np.pi * pace * time + start) for pace, start in zip(paces, starts, strict=True)]
    return np.asarray(reach * (0.7 * waves[0] + 0.3 * waves[1]))


def _opened(face: Face, pixels: float) -> Face:
    """The face with its chin and lower lip drawn down by some pixels."""
    points = face.points
    side = face.picture.shape[0]
    place = identity_map(side, side)
    middle, reach = points[8], eye_distance(points)
    lip = points[MOUTH].mean(axis=0)[1]
    near = np.exp(-((place - middle) ** 2).sum(axis=2) / (2 * (0.8 * reach) ** 2))
    below = np.clip((place[:, :, 1] - lip) / max(1.0, 0.3 * reach), 0, 1)
    place[:, :, 1] -= (pixels * near * below).astype(np.float32)
    moved: Points = points.copy()
    at = np.exp(-((points - middle) ** 2).sum(axis=1) / (2 * (0.8 * reach) ** 2))
    moved[:, 1] += pixels * at * np.clip((points[:, 1] - lip) / max(1.0, 0.3 * reach), 0, 1)
    return Face(warp_rgb(face.picture, place), moved)


def write_video(path: Path, frames: list[Rgb], crf: int = 23) -> None:
    """Write frames as an H.264 video, atomically.

    Args:
        path: the file; its suffix chooses the container.
        frames: uint8 of one shape (H, W, 3) each, of even sides.
        crf: x264's quality: 18 hardly loses anything, 23 is its default, 40 is coarse.

    Raises:
        OSError: the file cannot be written (PyAV's errors are of this kind).
    """
    with atomic_path(path) as temporary, av.open(str(temporary), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": str(crf)})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode(None))
