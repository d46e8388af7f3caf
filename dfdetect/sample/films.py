"""Short videos of drawn people: how they move, what the camera adds, and the files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.sample.canvas import Array, Pixels
from dfdetect.sample.features import Expression
from dfdetect.sample.people import Person, Pose
from dfdetect.sample.scene import FRAME
from face_extraction.atomic import atomic_path
from face_extraction.errors import InputError

FPS = 24
_SPARE = 80


@dataclass(frozen=True, eq=False)
class Film:
    """A filmed person.

    Attributes:
        frames: RGB pictures, uint8, (320, 320, 3).
        landmarks: for each frame the points (59, 2) of `Person.landmarks`, in pixels.
    """

    frames: Sequence[Pixels]
    landmarks: Sequence[Array]


def film(person: Person, rng: np.random.Generator, count: int) -> Film:
    """Film `person` for `count` frames, swaying, blinking and speaking at random."""
    moments = perform(rng, count)
    grain = _grain(rng)
    frames, landmarks = [], []
    for pose, expression in moments:
        picture = person.frame(pose, expression)
        top, left = rng.integers(_SPARE, size=2)
        noise = grain[top : top + FRAME, left : left + FRAME]
        frames.append(np.asarray(cv2.add(picture, noise, dtype=cv2.CV_8U), np.uint8))
        landmarks.append(person.landmarks(pose, expression))
    return Film(frames, landmarks)


def _grain(rng: np.random.Generator) -> NDArray[np.int16]:
    """The noise of a sensor, larger than a frame so that each frame gets another part; mostly grey."""
    deviation = rng.uniform(1.2, 2.8)
    grey, tint = (rng.standard_normal((FRAME + _SPARE, FRAME + _SPARE, n), np.float32) for n in (1, 3))
    return np.round(deviation * (0.85 * grey + 0.5 * tint)).astype(np.int16)


def perform(rng: np.random.Generator, count: int) -> list[tuple[Pose, Expression]]:
    """`count` moments of a person in front of the camera, 24 a second."""
    time = np.arange(count) / FPS

    def sway(middle: float, reach: float, slow: float = 0.15, fast: float = 0.5) -> Array:
        pace, start = rng.uniform(slow, fast), rng.uniform(0, 2 * np.pi)
        return np.asarray(middle + reach * np.sin(2 * np.pi * pace * time + start), np.float32)

    yaw = sway(rng.normal(0, 0.06), rng.uniform(0.05, 0.14))
    pitch = sway(rng.normal(0, 0.03), rng.uniform(0.02, 0.06))
    roll = sway(rng.normal(0, 0.03), rng.uniform(0.01, 0.05))
    x, y = 22 * yaw + sway(rng.normal(0, 4), 2), 16 * pitch + sway(rng.normal(0, 2), 1.5)
    scale = sway(rng.uniform(68, 75), rng.uniform(0.3, 1.2))
    gaze = sway(0, 0.5, 0.3, 1.2) - 1.5 * yaw
    blinks = rng.uniform(0.2, 1.4) + np.cumsum([0, *rng.uniform(1.2, 3.0, 1 + count // FPS)])
    lids = 1 - np.exp(-(((time[:, None] - blinks) / 0.07) ** 2)).max(axis=1)
    talk = rng.choice([0.0, 0.5, 0.9])
    mouth = np.clip(sway(0, 0.5, 2.2, 3.4) + sway(0.05, 0.5, 1.0, 1.8), 0, 1) * talk
    smile = np.clip(sway(rng.uniform(0.0, 0.8), 0.2), 0, 1)
    poses = (Pose(*map(float, row)) for row in zip(x, y, scale, roll, yaw, pitch, strict=True))
    faces = (Expression(*map(float, row)) for row in zip(lids, gaze, mouth, smile, strict=True))
    return list(zip(poses, faces, strict=True))


def write_video(path: Path, frames: Sequence[Pixels]) -> list[Pixels]:
    """Write RGB frames (H, W, 3) as an MP4 video (MPEG-4 part 2), atomically.

    Returns:
        The frames as read back, after the codec's losses.

    Raises:
        InputError: the video cannot be written, or does not hold all frames when read back.
    """
    height, width = frames[0].shape[:2]
    with atomic_path(path) as temporary:
        writer = cv2.VideoWriter(str(temporary), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (width, height))
        if not writer.isOpened():
            raise InputError(f"{path}: OpenCV cannot write an MP4 video here")
        for frame in frames:
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        writer.release()
        # On a full disk, OpenCV writes a short file and reports no error.
        written = read_video(temporary)
        if len(written) != len(frames):
            raise InputError(
                f"{path}: {len(written)} of {len(frames)} frames were written; is the disk full?"
            )
    return written


def read_video(path: Path) -> list[Pixels]:
    """All frames of a video, RGB (H, W, 3); none if it cannot be read."""
    reader = cv2.VideoCapture(str(path))
    frames: list[Pixels] = []
    while True:
        more, frame = reader.read()
        if not more:
            reader.release()
            return frames
        frames.append(np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8))
