"""Faces of a webcam: found once, then followed."""

import numpy as np
import pytest

from dfdetect.serve import following
from dfdetect.serve.following import Trail, glance


@pytest.fixture
def wanted(detector):
    return detector.wanted()


def test_a_face_is_found_and_followed_and_keeps_its_number(frames, as_jpeg, wanted, monkeypatch):
    whole, detect = [], following.FaceDetector.detect
    shape = frames[0].shape

    def noted(self, rgb, min_face=None):
        whole.append(rgb.shape == shape)
        return detect(self, rgb, min_face)

    monkeypatch.setattr(following.FaceDetector, "detect", noted)
    trail, searched = Trail(), []
    for number, frame in enumerate(frames[:5]):
        seen = glance(as_jpeg(frame), wanted, trail, now=0.3 * number)
        trail = seen.trail
        searched.append(seen.searched)
        assert [face.person for face in seen.look.faces] == [1]
        assert seen.look.crops.shape == (1, 32, 32, 3)
        assert seen.look.size == (frame.shape[1], frame.shape[0])
    assert searched == [True, False, False, False, True]  # a second after the first one
    assert sum(whole) == 2


def test_the_crop_is_the_face(frames, as_jpeg, wanted):
    seen = glance(as_jpeg(frames[0]), wanted, Trail(), 0.0)
    top, right, bottom, left = seen.look.faces[0].box
    inside = frames[0][top:bottom, left:right].mean(axis=(0, 1))
    assert np.abs(seen.look.crops[0, 8:24, 8:24].mean(axis=(0, 1)) - inside).max() < 40


def test_a_face_that_is_gone_leaves_no_box_and_comes_back_as_somebody_new(frames, as_jpeg, wanted):
    grey = np.full_like(frames[0], 128)
    first = glance(as_jpeg(frames[0]), wanted, Trail(), 0.0)
    gone = glance(as_jpeg(grey), wanted, first.trail, 0.1)
    assert (gone.look.faces, gone.look.reason, gone.searched) == ((), "no_face", False)
    soon = glance(as_jpeg(frames[0]), wanted, gone.trail, 0.2)
    assert not soon.searched
    later = glance(as_jpeg(frames[0]), wanted, gone.trail, 0.6)
    assert [face.person for face in later.look.faces] == [2]


def test_two_people_keep_their_numbers_when_they_are_found_in_another_order(frames, as_jpeg, wanted):
    width = frames[0].shape[1]
    both = np.concatenate([frames[0], frames[0][:, ::-1]], axis=1)
    seen = glance(as_jpeg(both), wanted, Trail(), 0.0)
    assert sorted(face.person for face in seen.look.faces) == [1, 2]
    sides = {face.person: face.box.left > width for face in seen.look.faces}
    places = tuple(reversed(seen.trail.places))
    again = glance(as_jpeg(both), wanted, following.replace(seen.trail, places=places), 5.0)
    assert {face.person: face.box.left > width for face in again.look.faces} == sides


@pytest.mark.parametrize("frame", [b"", b"words", b"\xff\xd8\xff no picture", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_jpeg_is_refused(frame, wanted):
    seen = glance(frame, wanted, Trail(people=3), 0.0)
    assert (seen.look.faces, seen.look.reason, seen.trail) == ((), "unreadable", Trail(people=3))


def test_a_frame_that_is_too_large_is_refused(as_jpeg, wanted):
    large = as_jpeg(np.zeros((2000, 2000, 3), np.uint8))
    assert "2000 x 2000 pixels" in glance(large, wanted, Trail(), 0.0).look.detail


def test_a_narrow_strip_is_a_frame_without_a_face(as_jpeg, wanted):
    """A fifth of its height is more than the largest smallest face that the detector takes."""
    seen = glance(as_jpeg(np.full((12_000, 40, 3), 128, np.uint8)), wanted, Trail(), 0.0)
    assert (seen.look.faces, seen.look.reason) == ((), "no_face")
