"""Yaw of landmarks that were projected from a head of known pose."""

import math

import numpy as np
import pytest

from dfdetect.evaluate.registry import Face, list_slices
from dfdetect.evaluate.slices.pose import HEAD, PLACES, yaw
from face_extraction.manifest import FaceSample


def turned(degrees, pitch=0.0, roll=0.0, scale=0.2):
    """The landmarks of the head, turned about the vertical, then seen without perspective."""
    y, x, z = (math.radians(each) for each in (degrees, pitch, roll))
    # The face looks along -z; a positive turn about y takes its look to +x, the picture's right.
    about_y = [[math.cos(y), 0, -math.sin(y)], [0, 1, 0], [math.sin(y), 0, math.cos(y)]]
    about_x = [[1, 0, 0], [0, math.cos(x), -math.sin(x)], [0, math.sin(x), math.cos(x)]]
    about_z = [[math.cos(z), -math.sin(z), 0], [math.sin(z), math.cos(z), 0], [0, 0, 1]]
    points = np.zeros((68, 2), np.float32)
    seen = HEAD @ (np.array(about_z) @ np.array(about_y) @ np.array(about_x)).T
    points[list(PLACES)] = scale * seen[:, :2] + [80, 60]
    return points


@pytest.mark.parametrize("degrees", [-60, -20, 0, 7, 45])
@pytest.mark.parametrize("pitch", [-15, 0, 20])
def test_the_yaw_of_a_known_pose_is_found(degrees, pitch):
    assert yaw(turned(degrees, pitch)) == pytest.approx(degrees, abs=0.1)


def test_size_and_place_in_the_picture_do_not_matter():
    assert yaw(turned(30, scale=0.05)) == pytest.approx(30, abs=0.1)
    assert yaw(turned(30, scale=3.0)) == pytest.approx(30, abs=0.1)


def test_both_sides_count_alike_and_a_drawn_face_looks_ahead(portrait, tmp_path):
    (pose,) = (each for each in list_slices() if each.name == "pose")

    def of(points):
        return pose.measure(Face(FaceSample("a.png", 0, "test", "g"), tmp_path / "a.png", 32, points))

    assert of(turned(-25)) == pytest.approx(of(turned(25)), abs=0.1)
    names, places = pose.bands.of([of(turned(5)), of(turned(20)), of(turned(-40))])
    assert (names, places) == (["up to 15°", "15 to 30°", "above 30°"], [0, 1, 2])
    assert of(portrait(1, 96)[1]) < 12
    assert of(None) is None
