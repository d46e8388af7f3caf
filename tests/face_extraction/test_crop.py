"""The square that is cut around a face."""

import cv2
import numpy as np
import pytest

from face_extraction.crop import CropSpec, crop_face, crop_side
from face_extraction.errors import InputError
from face_extraction.manifest import Box


@pytest.fixture
def ramp():
    """Red tells the column, green the row: each pixel names its place."""
    rgb = np.zeros((100, 120, 3), np.uint8)
    rgb[:, :, 0] = np.arange(120)
    rgb[:, :, 1] = np.arange(100)[:, None]
    return rgb


@pytest.mark.parametrize(
    ("box", "margin", "side"),
    [
        (Box(0, 100, 100, 0), 0.3, 130),
        (Box(10, 50, 30, 10), 0, 40),
        (Box(10, 30, 60, 10), 0.5, 75),
        (Box(5, 5, 5, 5), 0, 1),
    ],
)
def test_the_side_is_the_longer_one_and_the_margin(box, margin, side):
    assert crop_side(box, CropSpec(margin=margin)) == side


def test_a_square_around_the_centre_of_the_box_is_cut(ramp):
    # Centre (x 60, y 45), side 40 * 1.5 = 60: columns 30..89, rows 15..74.
    crop = crop_face(ramp, Box(35, 80, 55, 40), CropSpec(size=60, margin=0.5))

    assert np.array_equal(crop, ramp[15:75, 30:90])


def test_beyond_the_frame_the_picture_is_mirrored(ramp):
    # Centre (x 10, y 95), side 40: columns -10..29, rows 75..114; mirrored at 0 and at 99.
    crop = crop_face(ramp, Box(75, 30, 115, -10), CropSpec(size=40, margin=0))

    assert crop[0, :, 0].tolist() == [*range(10, 0, -1), *range(30)]
    assert crop[:, 0, 1].tolist() == [*range(75, 100), *range(98, 83, -1)]


def test_beyond_one_edge_only_that_axis_is_mirrored(ramp):
    # Centre (x 60, y 95), side 40: columns 40..79, rows 75..114.
    crop = crop_face(ramp, Box(75, 80, 115, 40), CropSpec(size=40, margin=0))

    assert crop[0, :, 0].tolist() == [*range(40, 80)]
    assert crop[:, 0, 1].tolist() == [*range(75, 100), *range(98, 83, -1)]


def test_a_crop_does_not_keep_its_frame_in_memory(ramp):
    crop = crop_face(ramp, Box(20, 60, 60, 20), CropSpec(size=40, margin=0))

    assert not np.shares_memory(crop, ramp)


def test_a_square_far_larger_than_the_frame_is_filled(ramp):
    crop = crop_face(ramp[:2, :1], Box(0, 8, 8, 0), CropSpec(size=16, margin=1))

    assert crop.shape == (16, 16, 3)
    assert set(np.unique(crop[:, :, 1])) == {0, 1}


@pytest.mark.parametrize("size", [16, 224])
@pytest.mark.parametrize("align", [False, True])
def test_the_crop_has_the_size_asked_for(ramp, size, align):
    points = np.array([[70, 40], [66, 40], [50, 40], [54, 40], [60, 50]], float)

    crop = crop_face(ramp, Box(20, 90, 80, 30), CropSpec(size=size, align=align), points)

    assert crop.shape == (size, size, 3)
    assert crop.dtype == np.uint8


def _eyes(angle):
    """A picture with two white eyes on a line falling by `angle` degrees, and their 5 and 68 landmarks."""
    rgb = np.full((300, 300, 3), 40, np.uint8)
    turn = np.deg2rad(angle)
    across = np.array([np.cos(turn), np.sin(turn)])
    left, right = 150 - 40 * across, 150 + 40 * across
    for eye in (left, right):
        cv2.circle(rgb, tuple(int(v) for v in np.rint(eye)), 6, (255, 255, 255), -1)
    five = np.array([right + 5, right - 5, left - 5, left + 5, (150, 170)])
    many = np.zeros((68, 2))
    many[36:42], many[42:48] = left, right
    return rgb, five, many


@pytest.mark.parametrize("angle", [-30, 0, 20, 45])
@pytest.mark.parametrize("points", [5, 68])
def test_alignment_levels_the_eyes(angle, points):
    rgb, five, many = _eyes(angle)
    spec = CropSpec(size=200, margin=0, align=True)

    crop = crop_face(rgb, Box(50, 250, 250, 50), spec, five if points == 5 else many)

    rows, columns = np.nonzero(crop[:, :, 0] > 150)
    left, right = columns < 100, columns >= 100
    assert columns[left].mean() == pytest.approx(60, abs=1.5)
    assert columns[right].mean() == pytest.approx(140, abs=1.5)
    assert rows[left].mean() == pytest.approx(rows[right].mean(), abs=1.5)
    assert rows.mean() == pytest.approx(100, abs=1.5)


def test_alignment_of_level_eyes_is_the_plain_crop():
    rgb, five, _ = _eyes(0)
    box = Box(50, 250, 250, 50)

    aligned = crop_face(rgb, box, CropSpec(size=200, margin=0, align=True), five)

    assert np.array_equal(aligned, crop_face(rgb, box, CropSpec(size=200, margin=0)))


def test_alignment_needs_landmarks(ramp):
    with pytest.raises(ValueError, match="landmarks are needed"):
        crop_face(ramp, Box(0, 9, 9, 0), CropSpec(align=True))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": 0}, "size 0; accepted: 16 to 2,048 pixels"),
        ({"margin": -0.1}, "margin -0.1; accepted: 0 to 4"),
        ({"margin": float("nan")}, "margin nan"),
    ],
)
def test_a_wrong_spec_is_refused(values, message):
    with pytest.raises(InputError, match=message):
        CropSpec(**values)
