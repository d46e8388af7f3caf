"""Which faces of a picture count, and that they are cut as training expects them."""

import numpy as np
import pytest

from face_extraction.crop import CropSpec, crop_face
from face_extraction.cutting import choose_faces, cut_photo
from face_extraction.detect import Detection, FaceDetector
from face_extraction.images import Photo
from face_extraction.ledger import ItemFailed
from face_extraction.manifest import Box
from face_extraction.settings import ExtractionSettings


def cut(rgb, detector, policy="all", **crop):
    """The faces of an upright picture."""
    return cut_photo(
        Photo(rgb), detector, ExtractionSettings(policy=policy, rotations=False, crop=CropSpec(**crop))
    )


def _detections(*sides):
    return [Detection(Box(0, side, side, 0), 1.0, "hog") for side in sides]


@pytest.mark.parametrize(
    ("sides", "policy", "expected"),
    [
        ((90, 60, 59), "largest", [90]),
        ((90, 60, 59), "all", [90, 60]),
        ((90, 59), "exactly-one", [90]),
    ],
)
def test_the_policy_chooses_among_faces_that_are_large_enough(sides, policy, expected):
    chosen = choose_faces(_detections(*sides), FaceDetector("hog", 60), policy)

    assert [one.box.right for one in chosen] == expected


@pytest.mark.parametrize(
    ("sides", "policy", "reason", "detail"),
    [
        ((), "largest", "no_face", "hog found no face of 60 pixels or more"),
        ((), "all", "no_face", "hog found no face of 60 pixels or more"),
        ((59, 50), "all", "too_small", "largest face: 59 pixels; wanted: 60 or more"),
        ((90, 60), "exactly-one", "several_faces", "2 faces; wanted: exactly one"),
    ],
)
def test_frames_without_a_wanted_face_fail_with_a_reason(sides, policy, reason, detail):
    with pytest.raises(ItemFailed) as error:
        choose_faces(_detections(*sides), FaceDetector("hog", 60), policy)

    assert (error.value.reason, error.value.detail) == (reason, detail)


def test_a_face_just_below_the_smallest_is_seen_and_called_too_small(draw_faces):
    with pytest.raises(ItemFailed, match="too_small: largest face: 72 pixels; wanted: 80 or more"):
        cut(draw_faces((150, 120, 66)), FaceDetector("hog", 80), "largest")


def test_faces_are_cut_as_crop_face_cuts_them(detector, two):
    faces = cut(two, detector, size=64)

    assert [face.box for face in faces] == detector.detect(two)
    for face in faces:
        assert np.array_equal(face.crop, crop_face(two, face.box, CropSpec(size=64)))


def test_aligned_faces_are_cut_by_their_own_landmarks(detector, two):
    spec = CropSpec(size=64, align=True)

    for face in cut(two, detector, size=64, align=True):
        expected = crop_face(two, face.box, spec, detector.landmarks(two, face.box))
        assert np.array_equal(face.crop, expected)


@pytest.mark.parametrize(("quarters", "rotation"), [(1, 90), (2, 180), (3, 270)])
def test_a_photo_on_its_side_is_turned(detector, draw_faces, quarters, rotation):
    upright = draw_faces((120, 150, 110), width=420, height=300)
    lying = np.ascontiguousarray(np.rot90(upright, quarters))
    (expected,) = cut(upright, detector, size=64)

    (face,) = cut_photo(Photo(lying), detector, ExtractionSettings(policy="all", crop=CropSpec(size=64)))

    assert face.rotation == rotation
    assert np.array_equal(face.crop, expected.crop)
    box = face.box
    around = np.zeros(upright.shape[:2], bool)
    around[expected.box.top : expected.box.bottom, expected.box.left : expected.box.right] = True
    inside = np.rot90(around, quarters)
    assert inside[box.top : box.bottom, box.left : box.right].all()
    assert inside.sum() == box.area


def test_rotations_can_be_left_out(detector, draw_faces):
    lying = Photo(np.ascontiguousarray(np.rot90(draw_faces((150, 120, 110)))))

    with pytest.raises(ItemFailed, match=r"no_face: hog found no face of 60 pixels or more$"):
        cut_photo(lying, detector, ExtractionSettings(rotations=False))


def test_a_photo_without_a_face_has_none_however_it_is_turned(detector):
    with pytest.raises(ItemFailed, match=r"no_face: .*, however the photo is turned"):
        cut_photo(Photo(np.full((200, 300, 3), 90, np.uint8)), detector, ExtractionSettings())


def test_boxes_are_in_pixels_of_the_file(detector, draw_faces):
    rgb = draw_faces((150, 120, 110))
    (whole,) = cut_photo(Photo(rgb), detector, ExtractionSettings())

    (face,) = cut_photo(Photo(rgb, 2.0), detector, ExtractionSettings())

    assert face.box == tuple(2 * side for side in whole.box)
    assert np.array_equal(face.crop, whole.crop)


def test_a_doubtful_box_gives_way_to_a_sure_one(monkeypatch, detector, two):
    sure, doubtful = detector.search(two)
    found = [doubtful._replace(box=sure.box, confidence=0.1), sure._replace(box=doubtful.box)]
    monkeypatch.setattr(FaceDetector, "search", lambda *_: found)

    assert [face.box for face in cut(two, detector, "largest")] == [doubtful.box]
    assert [face.box for face in cut(two, detector, "exactly-one")] == [doubtful.box]
    assert [face.confidence for face in cut(two, detector)] == [0.1, sure.confidence]
    monkeypatch.setattr(FaceDetector, "search", lambda *_: found[:1])
    assert [face.box for face in cut(two, detector, "largest")] == [sure.box]
