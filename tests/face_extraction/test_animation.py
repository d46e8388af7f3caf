"""Animated pictures are videos, whatever their name."""

import numpy as np
import pytest
from PIL import Image

from face_extraction.animation import is_animated
from face_extraction.frames import read_frames


def _animate(path, count=20):
    pictures = [Image.fromarray(np.full((48, 64, 3), 10 * index, np.uint8)) for index in range(count)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100, lossless=True)
    return path


@pytest.mark.parametrize("name", ["a.webp", "a.png", "a.gif"])
def test_all_kinds_give_the_same_frames(tmp_path, name):
    path = _animate(tmp_path / name)

    frames = list(read_frames(path, count=4))

    assert [frame.index for frame in frames] == [2, 7, 12, 17]
    assert [frame.time for frame in frames] == pytest.approx([0.2, 0.7, 1.2, 1.7], abs=0.02)
    assert [int(frame.rgb.mean()) for frame in frames] == pytest.approx([20, 70, 120, 170], abs=2)
    assert len(list(read_frames(path))) == 20
    assert [frame.index for frame in read_frames(path, first=True)] == [0]


@pytest.mark.parametrize(("count", "animated"), [(20, True), (1, False)])
@pytest.mark.parametrize("name", ["a.webp", "a.png"])
def test_a_photo_is_told_from_an_animation(tmp_path, name, count, animated):
    assert is_animated(_animate(tmp_path / name, count)) is animated
