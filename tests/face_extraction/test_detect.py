"""dlib's detector, and that it does what face_recognition does."""

import importlib.util
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from face_extraction import detect
from face_extraction.crop import CropSpec, crop_face
from face_extraction.detect import FaceDetector, _scaled
from face_extraction.errors import InputError
from face_extraction.images import read_rgb
from face_extraction.manifest import Box


def test_boxes_lie_on_the_faces_largest_first(detector, two, two_places):
    large, small = detector.detect(two)

    for box, (x, y, size) in zip((small, large), two_places, strict=True):
        assert (box.left + box.right) / 2 == pytest.approx(x, abs=0.1 * size)
        assert (box.top + box.bottom) / 2 == pytest.approx(y, abs=0.2 * size)
        assert box.right - box.left == pytest.approx(size, rel=0.25)


def test_threads_may_share_a_detector(detector, two):
    # One of dlib's own objects, shared, ends the process: "free(): invalid pointer".
    frames = [np.ascontiguousarray(two[: 180 + 6 * step, : 320 + 10 * step]) for step in range(16)]

    def search(rgb):
        boxes = detector.detect(rgb)
        return boxes, [detector.encode(detector.chip(rgb, box)).tolist() for box in boxes[:1]]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(search, frames)) == [search(rgb) for rgb in frames]


def test_the_smallest_face_decides_the_resolution(draw_faces):
    small = draw_faces((150, 120, 40))

    assert FaceDetector("hog", 80).detect(small) == []
    (box,) = FaceDetector("hog", 36).detect(small)
    assert (box.left + box.right) / 2 == pytest.approx(150, abs=6)
    assert box.right - box.left == pytest.approx(45, abs=10)


def test_a_large_smallest_face_shrinks_the_search_and_maps_boxes_back(draw_faces):
    (box,) = FaceDetector("hog", 160).detect(draw_faces((300, 250, 200), width=600, height=500))

    assert ((box.left + box.right) / 2, (box.top + box.bottom) / 2) == pytest.approx((300, 250), abs=24)
    assert box.right - box.left == pytest.approx(200, rel=0.25)


@pytest.mark.parametrize("min_face", [60, 80])
def test_boxes_are_clipped_to_the_frame(draw_faces, min_face):
    whole = draw_faces((200, 150, 120), width=400, height=300)
    cut = np.ascontiguousarray(whole[:205, 150:])

    boxes = FaceDetector("hog", min_face).detect(cut)

    assert boxes
    for box in boxes:
        assert 0 <= box.top < box.bottom <= cut.shape[0]
        assert 0 <= box.left < box.right <= cut.shape[1]


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 300, 3)])
def test_a_picture_smaller_than_any_face_has_none(detector, shape):
    assert detector.detect(np.zeros(shape, np.uint8)) == []


@pytest.mark.parametrize(
    ("kind", "min_face", "message"),
    [
        ("hogg", 80, r"unknown detector 'hogg' \(nearest: hog\); accepted: cnn, hog"),
        ("hog", 5, "min_face 5; accepted: 20 to 2,000 pixels"),
    ],
)
def test_wrong_settings_are_refused(kind, min_face, message):
    with pytest.raises(InputError, match=message):
        FaceDetector(kind, min_face)


@pytest.mark.parametrize("part", [3, 5])
def test_a_large_picture_is_searched_in_parts(detector, draw_faces, monkeypatch, part):
    places = ((120, 130, 80), (420, 160, 110), (700, 330, 250), (130, 420, 90), (370, 420, 75))
    rgb = draw_faces(*places, width=900, height=560)
    whole = detector.search(rgb)
    monkeypatch.setitem(detect._MOST_SEARCHED, "hog", 900 * 560 * 16 // 9 // part)
    largest = []
    monkeypatch.setattr(detect, "_scaled", lambda *a: largest.append((s := _scaled(*a)).size // 3) or s)

    parts = detector.search(rgb)

    assert len(whole) == len(places)
    assert len(largest) > 4
    assert max(largest) < 900 * 560 * 16 // 9 // part * 1.1
    assert len(parts) == len(whole)
    for one in whole:
        near = max(parts, key=lambda other: one.box.overlap(other.box))
        assert one.box.overlap(near.box) > 0.6
        assert 0 <= near.box.top < near.box.bottom <= 560


@pytest.mark.parametrize("quarters", [0, 1])
def test_a_long_thin_picture_is_searched_in_parts(detector, draw_faces, monkeypatch, quarters):
    # dlib wrote past its memory, and the process died, at 200 x 60,000 pixels.
    rgb = draw_faces((300, 70, 80), (2150, 70, 80), width=2400, height=140)
    whole = detector.search(rgb)
    monkeypatch.setitem(detect._MOST_SEARCHED, "hog", 1000 * 1000)
    longest = []
    monkeypatch.setattr(detect, "_scaled", lambda *a: longest.append(max((s := _scaled(*a)).shape)) or s)

    parts = detector.search(rgb)
    detector.search(np.rot90(rgb, quarters))

    assert max(longest) <= 2000
    assert [one.box.area for one in parts] == [pytest.approx(one.box.area, rel=0.3) for one in whole]
    assert len(parts) == 2


def test_the_cnn_is_shown_no_more_than_fits_its_memory(monkeypatch):
    detector = FaceDetector("cnn", 60)
    shown = []
    # In place of dlib's network, which takes minutes for a photo of 12 megapixels.
    monkeypatch.setattr(detector, "_search", lambda rgb, _: shown.append(rgb.shape) or [])

    assert detector.search(np.zeros((3000, 4000, 3), np.uint8)) == []

    assert max(height * width for height, width, _ in shown) < 850_000
    assert sum(height * width for height, width, _ in shown) < 3 * 12_000_000 * (80 / 60) ** 2


def test_a_face_where_two_parts_meet_is_one_face(detector, draw_faces, monkeypatch):
    monkeypatch.setitem(detect._MOST_SEARCHED, "hog", 420 * 420)
    for x in range(200, 520, 40):
        (box,) = detector.detect(draw_faces((x, 200, 85), width=720, height=400))
        assert (box.left + box.right) / 2 == pytest.approx(x, abs=12)


@pytest.mark.parametrize("view", [lambda rgb: rgb[..., ::-1], np.rot90, lambda rgb: rgb[::2, ::2]])
def test_views_are_pictures_too(detector, draw_faces, view):
    rgb = view(draw_faces((300, 240, 200), width=640, height=480))
    box = Box(20, 120, 120, 20)

    copy = np.ascontiguousarray(rgb)

    assert detector.detect(rgb) == detector.detect(copy)
    assert np.array_equal(detector.chip(rgb, box), detector.chip(copy, box))
    assert np.array_equal(detector.landmarks(rgb, box), detector.landmarks(copy, box))


@pytest.mark.parametrize(
    "wrong", [np.zeros((90, 90, 3)), np.zeros((90, 90), np.uint8), np.zeros((3, 90, 90), np.uint8)]
)
def test_a_wrong_array_is_no_picture_without_a_face(detector, wrong):
    box = Box(0, 9, 9, 0)
    for call in (
        lambda: detector.search(wrong),
        lambda: detector.chip(wrong, box),
        lambda: detector.landmarks(wrong, box),
        lambda: crop_face(wrong, box, CropSpec()),
    ):
        with pytest.raises((TypeError, ValueError), match=r"uint8 of shape \(H, W, 3\)"):
            call()


@pytest.mark.parametrize(
    ("points", "eyes"), [(5, (slice(2, 4), slice(0, 2))), (68, (slice(36, 42), slice(42, 48)))]
)
def test_landmarks_lie_on_the_drawn_eyes(detector, draw_faces, points, eyes):
    rgb = draw_faces((160, 120, 110))
    (box,) = detector.detect(rgb)

    landmarks = detector.landmarks(rgb, box, points)

    assert landmarks.shape == (points, 2)
    assert landmarks.dtype == np.float64
    left, right = (landmarks[eye].mean(axis=0) for eye in eyes)
    assert left == pytest.approx((160 - 0.22 * 110, 120 - 0.12 * 110), abs=8)
    assert right == pytest.approx((160 + 0.22 * 110, 120 - 0.12 * 110), abs=8)


@pytest.mark.shared
def test_encodings_tell_one_person_from_another(detector, shared):
    folder = shared / "data/face_photos/face_recognition"

    def encode(name):
        rgb = read_rgb(folder / name)
        return detector.encode(detector.chip(rgb, detector.detect(rgb)[0]))

    obama, again, biden = encode("obama.jpg"), encode("obama2.jpg"), encode("biden.jpg")

    assert obama.shape == (128,)
    assert np.linalg.norm(obama - again) < 0.6 < np.linalg.norm(obama - biden)


def test_the_package_of_models_is_not_imported(detector, two):
    detector.landmarks(two, detector.detect(two)[0])

    assert "face_recognition_models" not in sys.modules


def test_missing_models_are_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(
        InputError, match=r"shape_predictor_5\w+\.dat is not installed; .*face_recognition_models"
    ):
        FaceDetector().landmarks(np.zeros((9, 9, 3), np.uint8), Box(0, 9, 9, 0))


# In a process of its own: importing face_recognition changes Pillow for the whole process, warns,
# and leaves Python altogether where pkg_resources is missing.
_REFERENCE = """
import sys, json, warnings
warnings.simplefilter("ignore")
import numpy as np, face_recognition
rgb, kind = np.load(sys.argv[1]), sys.argv[2]
boxes = face_recognition.face_locations(rgb, number_of_times_to_upsample=0, model=kind)
codes = face_recognition.face_encodings(rgb, boxes)
print(json.dumps([boxes, [code.tolist() for code in codes]]))
"""


def _check_parity(tmp_path, rgb, kind, count):
    if importlib.util.find_spec("face_recognition") is None:
        pytest.skip("face_recognition is not installed (pip install '.[face-recognition]')")
    np.save(tmp_path / "rgb.npy", rgb)
    command = [sys.executable, "-c", _REFERENCE, str(tmp_path / "rgb.npy"), kind]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    boxes, codes = json.loads(done.stdout)
    detector = FaceDetector(kind, 80)

    assert len(boxes) == count
    assert sorted(detector.detect(rgb)) == sorted(Box(*box) for box in boxes)
    for box, code in zip(boxes, codes, strict=True):
        assert np.allclose(detector.encode(detector.chip(rgb, Box(*box))), code, atol=1e-6)


def test_drawn_faces_are_found_and_encoded_as_face_recognition_does(tmp_path, two):
    _check_parity(tmp_path, two, "hog", 2)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [("two_people.jpg", "hog", 2), ("obama_small.jpg", "hog", 1), ("obama_small.jpg", "cnn", 1)],
)
def test_photos_are_found_and_encoded_as_face_recognition_does(tmp_path, shared, name, kind, count):
    rgb = read_rgb(shared / "data/face_photos/face_recognition" / name)

    _check_parity(tmp_path, rgb, kind, count)
