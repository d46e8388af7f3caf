"""Faces followed from frame to frame, and people told apart."""

import numpy as np
import pytest

from face_extraction.detect import Detection, FaceDetector
from face_extraction.frames import Frame, read_frames
from face_extraction.ledger import ItemFailed
from face_extraction.manifest import Box
from face_extraction.settings import CropSpec
from face_extraction.video import People, VideoFinder

SPEC = CropSpec(size=32)


class _Counting(FaceDetector):
    """A detector that counts the pixels it searches."""

    def __init__(self, min_face=60):
        super().__init__("hog", min_face)
        self.pixels = []

    def search(self, rgb, min_face=None):
        self.pixels.append(rgb.shape[0] * rgb.shape[1])
        return super().search(rgb, min_face)


def _faces(finder, pictures, step):
    """What is found in pictures that are `step` seconds apart; None where that is nothing."""
    found = []
    for index, rgb in enumerate(pictures):
        try:
            found.append(finder.faces(Frame(index, index * step, rgb)))
        except ItemFailed:
            found.append(None)
    return found


@pytest.mark.parametrize("policy", ["largest", "all", "exactly-one"])
def test_a_moving_face_is_followed_without_searching_the_whole_frame(draw_faces, policy):
    places = [150 + 6 * index for index in range(10)]
    pictures = [draw_faces((x, 200, 100), width=640, height=400) for x in places]
    detector = _Counting()

    found = _faces(VideoFinder(detector, policy, SPEC), pictures, 0.04)

    searched = list(detector.pixels)
    for rgb, faces in zip(pictures, found, strict=True):
        (face,), (whole,) = faces, detector.detect(rgb)
        assert face.box.overlap(whole) > 0.6
        assert face.person == 1
    assert sum(pixels == 640 * 400 for pixels in searched) <= 2
    assert len(searched) >= 10


def test_frames_far_apart_are_searched_wholly(draw_faces):
    pictures = [draw_faces((160, 120, 100))] * 4
    detector = _Counting()

    _faces(VideoFinder(detector, "all", SPEC), pictures, 0.6)

    assert detector.pixels == [320 * 240] * 4


def test_a_newcomer_is_seen_within_a_second(draw_faces):
    alone, both = (110, 125, 100), (340, 130, 140)
    pictures = [draw_faces(alone, width=480)] * 5 + [draw_faces(alone, both, width=480)] * 40

    for policy in ("all", "largest"):
        found = _faces(VideoFinder(FaceDetector("hog", 60), policy, SPEC), pictures, 0.04)
        seen = [index for index, faces in enumerate(found) if any(face.box.left > 240 for face in faces)]
        assert 5 <= seen[0] <= 25
        assert seen == list(range(seen[0], 45))


def test_a_face_that_leaves_is_not_seen_any_more(draw_faces):
    pictures = [draw_faces((160, 120, 100))] * 3 + [draw_faces()] * 2 + [draw_faces((160, 120, 100))]

    found = _faces(VideoFinder(FaceDetector("hog", 60), "all", SPEC), pictures, 0.04)

    assert [bool(faces) for faces in found] == [True] * 3 + [False] * 2 + [True]


@pytest.mark.parametrize("size", [70, 100, 200])
def test_the_search_from_large_to_small_finds_what_the_whole_search_finds(draw_faces, size):
    rgb = draw_faces((400, 250, size), width=900, height=500)
    detector = FaceDetector("hog", 60)

    (whole,), (coarse, *_) = detector.detect(rgb), detector.largest(rgb)

    assert coarse.box.overlap(whole) > 0.6


class _Known:
    """An encoder for which the picture's first pixel is the person."""

    def __init__(self):
        self.encoded = 0

    def chip(self, rgb, box):
        return rgb[box.top : box.top + 1, box.left : box.left + 1]

    def encode(self, chip):
        self.encoded += 1
        return np.array([chip[0, 0, 0] / 100])


def _seen(values, time=0.0):
    """A frame and its faces."""
    rgb = np.zeros((10, 40, 3), np.uint8)
    boxes = [Box(0, 10 * place + 10, 10, 10 * place) for place in range(len(values))]
    for box, value in zip(boxes, values, strict=True):
        rgb[0, box.left] = value
    return Frame(0, time, rgb), boxes


def test_people_keep_their_numbers_over_a_cut():
    people = People(_Known())

    def name(*values):
        people.forget_places()
        return people.name(*_seen(values))

    assert name(0, 200) == [1, 2]
    assert name(210, 10) == [2, 1]
    assert name(100) == [3]
    assert name(20, 30) == [1, 4]  # Two faces of one frame are two people.


def test_in_one_scene_the_place_tells_and_nothing_is_encoded():
    encoder = _Known()
    people = People(encoder)

    for value in (0, 250, 100):
        assert people.name(*_seen([value])) == [1]
    assert encoder.encoded == 0


def test_a_place_tells_for_two_seconds_since_a_face_was_there():
    people = People(_Known())

    # The second looks like somebody else, but stands there within two seconds.
    seen = [(0, 0.0), (90, 1.5), (200, 8.0), (90, 9.5), (30, 12.0)]

    assert [people.name(*_seen([value], time)) for value, time in seen] == [[1], [1], [2], [2], [1]]


def test_who_was_only_ever_seen_alone_is_known_by_the_place_for_five_seconds():
    encoder = _Known()
    people = People(encoder)

    assert [people.name(*_seen([0], time), steady=True) for time in (0, 3, 7.5)] == [[1]] * 3
    assert encoder.encoded == 0
    assert people.name(*_seen([250], 8), steady=False) == [1]
    assert people.name(*_seen([250], 14), steady=True) == [2]


def test_who_was_only_ever_seen_alone_may_move_further():
    encoder = _Known()
    people = People(encoder)
    rgb = np.zeros((10, 40, 3), np.uint8)
    rgb[0, 30] = 250

    # Two boxes 10 pixels wide share 3 columns: 30 of the 170 pixels that they cover, or .18.
    assert people.name(Frame(0, 0.0, rgb), [Box(0, 10, 10, 0)]) == [1]
    assert people.name(Frame(1, 1.0, rgb), [Box(0, 17, 10, 7)], steady=True) == [1]
    assert encoder.encoded == 0
    assert people.name(Frame(2, 2.0, rgb), [Box(0, 17, 10, 7), Box(0, 40, 10, 30)]) == [1, 2]
    assert people.name(Frame(3, 3.0, rgb), [Box(0, 10, 10, 0)], steady=True) == [1]
    assert encoder.encoded > 0


def test_who_is_followed_is_remembered_by_faces_of_several_moments():
    """The first face alone lies .7 from the last, further than one person's may; the mean lies .43."""
    encoder = _Known()
    people = People(encoder)
    for time, value in ((0, 0), (0.1, 250), (0.5, 40), (1, 40)):
        assert people.name(*_seen([value], time)) == [1]
    people.forget_places()
    assert people.name(*_seen([70], 1.1)) == [1]
    assert encoder.encoded == 4  # What comes sooner than half a second after another is not kept.
    for time in range(2, 100):
        people.name(*_seen([70], time))
    people.forget_places()
    assert people.name(*_seen([250], 100)) == [2]
    assert encoder.encoded == 4 + 1  # Three faces and the one recognised are enough; and the newcomer's.


def _detections(*boxes):
    return [Detection(box, 1.0, "placed") for box in boxes]


class _Placed(_Known):
    """A detector that finds a face at one place wherever the last pixel is not 0."""

    told, min_face, is_quick = "placed", 4, False
    place = Box(0, 20, 10, 10)

    def search(self, rgb, min_face=None):
        return _detections(self.place) if rgb[-1, -1, 0] else []

    def near(self, rgb, box):
        return _detections(self.place)[0] if rgb[-1, -1, 0] else None


def test_of_two_places_that_find_one_face_the_others_faces_stay():
    class Merging(_Placed):
        """Three faces, of which two are later found at one place."""

        places = (Box(0, 10, 10, 0), Box(0, 16, 10, 6), Box(0, 40, 10, 30))

        def search(self, rgb, min_face=None):
            return _detections(*self.places)

        def near(self, rgb, box):
            return _detections(self.places[0] if box == self.places[1] else box)[0]

    finder = VideoFinder(Merging(), "all", SPEC)
    frames = [Frame(index, 0.04 * index, np.zeros((20, 40, 3), np.uint8)) for index in range(2)]

    assert len(finder.faces(frames[0])) == 3
    assert [face.box for face in finder.faces(frames[1])] == [Merging.places[0], Merging.places[2]]


def test_faces_that_are_followed_come_largest_first():
    class Growing(_Placed):
        """Two faces, of which the smaller is the larger once it is followed."""

        def search(self, rgb, min_face=None):
            return _detections(Box(0, 10, 10, 0), Box(0, 28, 8, 20))

        def near(self, rgb, box):
            return _detections(Box(0, 40, 20, 20) if box.left == 20 else box)[0]

    finder = VideoFinder(Growing(), "all", SPEC)
    found = _faces(finder, [np.zeros((20, 40, 3), np.uint8)] * 2, 0.04)

    boxes = [[face.box for face in faces] for faces in found]
    assert boxes == [[Box(0, 10, 10, 0), Box(0, 28, 8, 20)], [Box(0, 40, 20, 20), Box(0, 10, 10, 0)]]


def test_where_a_face_is_lost_the_whole_frame_is_searched_after_half_a_second():
    class Losing(_Placed):
        """A detector that does not find a face again near its last place."""

        def __init__(self):
            super().__init__()
            self.searched = []

        def search(self, rgb, min_face=None):
            self.searched.append(int(rgb[-1, -1, 0]))
            return _detections(self.place)

        def near(self, rgb, box):
            return None

    detector, pictures = Losing(), [np.zeros((20, 40, 3), np.uint8) for _ in range(5)]
    for index, rgb in enumerate(pictures):
        rgb[-1, -1] = index

    found = _faces(VideoFinder(detector, "all", SPEC), pictures, 0.25)

    assert detector.searched == [0, 2, 4]
    assert [bool(faces) for faces in found] == [True, False, True, False, True]


def test_a_cut_to_a_frame_without_a_face_parts_two_people():
    def picture(person, ground, face):
        rgb = np.full((20, 40, 3), ground, np.uint8)
        rgb[0, 10], rgb[-1, -1] = person, face
        return rgb

    finder = VideoFinder(_Placed(), "all", SPEC)
    scene = [picture(0, 20, 1), picture(200, 120, 0), picture(200, 120, 1)]

    assert finder.faces(Frame(0, 0.0, scene[0]))[0].person == 1
    with pytest.raises(ItemFailed, match="no_face"):
        finder.faces(Frame(1, 0.04, scene[1]))
    assert finder.faces(Frame(30, 1.2, scene[2]))[0].person == 2


def test_a_clip_whose_frames_become_smaller_is_searched_anew(draw_faces):
    large = draw_faces((500, 300, 100), width=640, height=400)
    small = draw_faces((160, 120, 100))

    found = _faces(VideoFinder(FaceDetector("hog", 60), "all", SPEC), [large, small], 0.04)

    centres = [
        ((face.box.left + face.box.right) / 2, (face.box.top + face.box.bottom) / 2) for (face,) in found
    ]
    assert centres[0] == pytest.approx((500, 300), abs=25)
    assert centres[1] == pytest.approx((160, 120), abs=25)


@pytest.mark.shared
@pytest.mark.parametrize("count", [16, 25, 64])
def test_a_real_clip_with_a_cut_has_two_people(shared, count):
    # Seen by eye: a man from frame 82 to 203, then an old woman in the dark.
    clip = shared / "data/videos/real/fr_short_hamilton_clip.mp4"
    finder = VideoFinder(FaceDetector("hog", 50), "all", SPEC)
    people = {}
    for frame in read_frames(clip, count=count):
        try:
            people[frame.index] = [face.person for face in finder.faces(frame)]
        except ItemFailed:
            continue
    assert {person for index, found in people.items() if index < 210 for person in found} == {1}
    assert {person for index, found in people.items() if index > 210 for person in found} == {2}


def test_two_faces_where_one_was_are_two_people():
    people = People(_Known())
    assert people.name(*_seen([0])) == [1]
    rgb = np.zeros((10, 40, 3), np.uint8)

    assert people.name(Frame(1, 0.04, rgb), [Box(0, 10, 10, 0), Box(0, 12, 10, 2)]) == [1, 2]
