"""Drawn faces that all differ, and sets of them with leaks planted."""

import cv2
import numpy as np
import pytest

from face_extraction.images import write_image
from face_extraction.manifest import FaceSample


def draw_face(seed: int, size: int = 96) -> np.ndarray:
    """A face-like picture: an oval, eyes and mouth as in every other, and structure of its own."""
    rng = np.random.default_rng(seed)
    rgb = cv2.resize(rng.integers(40, 200, (3, 3, 3)).astype(np.uint8), (size, size))
    unit = size / 96
    centre = (round((48 + rng.integers(-3, 4)) * unit), round(48 * unit))
    skin = tuple(int(value) for value in rng.integers(90, 220, 3))
    cv2.ellipse(rgb, centre, (round(30 * unit), round(40 * unit)), 0, 0, 360, skin, -1)
    for side in (-1, 1):
        eye = (centre[0] + round(side * 12 * unit), centre[1] - round(10 * unit))
        cv2.circle(rgb, eye, round(4 * unit), (20, 20, 30), -1)
    cv2.line(rgb, (centre[0] - 10, centre[1] + 20), (centre[0] + 10, centre[1] + 20), (120, 40, 50), 3)
    own = cv2.resize(rng.normal(0, 30, (12, 12, 3)), (size, size), interpolation=cv2.INTER_CUBIC)
    return np.clip(rgb + own, 0, 255).astype(np.uint8)


@pytest.fixture
def face():
    return draw_face


@pytest.fixture
def plant(tmp_path):
    """Writes a picture below the test's folder and gives a row for it."""

    def make(rgb: np.ndarray, name: str, split: str, **values) -> FaceSample:
        path = f"faces/{name}.png"
        write_image(tmp_path / path, rgb)
        return FaceSample(path, **{"label": 0, "split": split, "group": name, **values})

    return make
