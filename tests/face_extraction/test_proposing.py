"""The default detector: what BlazeFace proposes and dlib's HOG confirms."""

import numpy as np
import pytest

from face_extraction.blazeface import BlazeFace, Proposal
from face_extraction.crop import CropSpec
from face_extraction.cutting import cut_photo
from face_extraction.detect import Detection, FaceDetector
from face_extraction.errors import InputError
from face_extraction.frames import Frame, read_frames
from face_extraction.images import Photo
from face_extraction.ledger import ItemFailed
from face_extraction.manifest import Box
from face_extraction.proposing import ProposingDetector, detector_for, make_detector
from face_extraction.settings import DETECTORS, ExtractionSettings
from face_extraction.video import VideoFinder

PLACES = ((110, 125, 100), (340, 130, 140))


@pytest.fixture
def two(draw_faces):
    return draw_faces(*PLACES, width=480, height=270)


@pytest.fixture(scope="module")
def hog():
    return FaceDetector("hog", 60)


@pytest.fixture
def detector(hog):
    """The default detector, with a HOG that is loaded already: that takes most of a second."""
    made = ProposingDetector("blazeface", 60)
    made._hog = hog
    return made


def cut(rgb, detector, policy):
    """The faces of an upright picture."""
    settings = ExtractionSettings(policy=policy, rotations=False, crop=CropSpec(size=32))
    return cut_photo(Photo(rgb), detector, settings)


@pytest.fixture
def propose(monkeypatch):
    """propose([(box, score), ...], ...): what each level of BlazeFace gives instead."""

    def set_levels(*levels):
        found = [[Proposal(*one) for one in level] for level in levels]
        monkeypatch.setattr(BlazeFace, "levels", lambda *_: iter(found))

    return set_levels


@pytest.mark.parametrize("kind", DETECTORS)
def test_each_kind_has_its_detector(kind):
    assert make_detector(kind, 70).kind == kind
    assert make_detector(kind, 70).min_face == 70


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match=r"unknown detector 'blaze' \(nearest: blazeface\)"):
        make_detector("blaze")
    with pytest.raises(InputError, match="unknown detector 'blazeface'; accepted: cnn, hog"):
        FaceDetector("blazeface")


def test_hog_sets_the_boxes_of_faces_that_both_find(hog, detector, two):
    found = detector.search(two)

    for one, alone in zip(found, hog.search(two), strict=True):
        side = alone.box.longer_side
        assert one.found_by == "hog"
        assert one.confidence > 0.5
        assert one.box.overlap(alone.box) > 0.65
        # dlib's boxes come in steps of 1.2, and a box may lie on the next step.
        assert 0.8 < one.box.longer_side / side < 1.25
        assert abs(one.box.left + one.box.right - alone.box.left - alone.box.right) / 2 < 0.14 * side
        assert abs(one.box.top + one.box.bottom - alone.box.top - alone.box.bottom) / 2 < 0.14 * side


def test_a_sure_proposal_that_hog_does_not_confirm_is_marked(detector, propose, two):
    # On the ground between the faces, where HOG finds nothing.
    lonely = Box(200, 260, 260, 200)
    propose([(lonely, 0.6)])

    (face,) = cut(two, detector, "all")

    assert (face.box, face.found_by, face.confidence) == (lonely, "blazeface", 0.0)


def test_where_nothing_is_proposed_hog_searches_the_whole_picture(hog, detector, propose, two):
    searched, largest = hog.search(two), hog.largest(two)
    for nothing in ([], [(Box(200, 260, 260, 200), 0.4), (Box(0, 20, 20, 0), 0.9)]):
        propose(nothing)
        assert detector.search(two) == searched
    assert detector.largest(two) == largest


def test_without_any_face_the_reason_names_both_detectors(detector):
    with pytest.raises(ItemFailed, match="no_face: blazeface and hog found no face of 60 pixels or more"):
        cut(np.full((200, 300, 3), 90, np.uint8), detector, "all")


def test_a_face_that_was_not_confirmed_gives_way_to_one_that_was(hog, detector, propose, two):
    near = hog.search(two)[0].box
    large = Box(0, 480, 60, 0)
    propose([(large, 0.9), (near, 0.9)])

    for policy in ("largest", "exactly-one"):
        (face,) = cut(two, detector, policy)
        assert face.found_by == "hog"
        finder = VideoFinder(detector, policy, CropSpec(size=32))
        (face,) = finder.faces(Frame(0, 0.0, two))
        assert face.found_by == "hog"
    faces = cut(two, detector, "all")
    assert [face.found_by for face in faces] == ["blazeface", "hog"]


def test_the_search_for_the_largest_face_stops_at_the_first_level_with_one(
    hog, detector, propose, two, monkeypatch
):
    large, small = (one.box for one in hog.search(two))
    propose([(large, 0.9)], [(small, 0.9)])

    assert len(detector.largest(two)) == 1
    assert len(detector.search(two)) == 2


def test_one_face_proposed_twice_is_one_face(hog, detector, propose, two):
    box = hog.search(two)[0].box
    propose([(box, 0.9), (Box(box.top + 9, box.right + 9, box.bottom + 9, box.left + 9), 0.8)], [(box, 0.7)])

    assert len(detector.search(two)) == 1


def test_a_face_that_hog_loses_is_searched_at_once_in_a_video(propose, two):
    class Losing(ProposingDetector):
        def near(self, rgb, box):
            return None

        def search(self, rgb, min_face=None):
            return [Detection(Box(0, 100, 100, 0), 0.0, "blazeface")]

    finder = VideoFinder(Losing(), "all", CropSpec(size=32))

    for index in range(4):
        (face,) = finder.faces(Frame(index, 0.04 * index, two))
        assert (face.found_by, face.person) == ("blazeface", 1)


@pytest.mark.shared
def test_crops_of_real_faces_lie_where_hog_alone_puts_them(hog, detector, shared):
    """Measured over 19 videos, 10 frames each: overlaps from .67 to .98, the middle one .86."""
    overlaps = []
    for name in ("real/lp_d12.mp4", "real/ffpp23_original_519.mp4", "fake/uadfv_0017_fake.mp4"):
        for frame in read_frames(shared / "data/videos" / name, count=2):
            (alone,) = hog.detect(frame.rgb)[:1]
            (one,) = detector.largest(frame.rgb)[:1]
            assert one.found_by == "hog"
            overlaps.append(one.box.overlap(alone))
    assert min(overlaps) > 0.65
    assert np.median(overlaps) > 0.75


def test_the_detector_of_equal_settings_is_loaded_once():
    kept = detector_for(ExtractionSettings(min_face=70, policy="all"))
    assert detector_for(ExtractionSettings(min_face=70)) is kept
    assert (type(kept), kept.min_face) == (ProposingDetector, 70)
    assert type(detector_for(ExtractionSettings(detector="hog"))) is FaceDetector
