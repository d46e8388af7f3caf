"""The network that proposes places."""

from itertools import pairwise

import numpy as np
import pytest

from face_extraction.blazeface import BlazeFace, _as_hog, _levels
from face_extraction.detect import FaceDetector
from face_extraction.manifest import Box

FACES = ((160, 150, 110), (470, 170, 140))


def test_the_drawn_faces_are_proposed_where_hog_sees_them(draw_faces):
    rgb = draw_faces(*FACES, width=640, height=360)

    (level,) = BlazeFace().levels(rgb, 60)

    boxes = FaceDetector("hog", 60).detect(rgb)
    assert len(boxes) == 2
    for box in boxes:
        assert max(one.box.overlap(box) for one in level) > 0.5


def test_a_picture_without_a_face_has_no_proposal():
    rng = np.random.default_rng(0)
    assert list(BlazeFace().levels(rng.integers(0, 256, (200, 300, 3), np.uint8), 60)) == [[]]


def test_a_small_face_in_a_large_picture_is_proposed_by_a_finer_level_alone(draw_faces):
    rgb = draw_faces((1400, 700, 50), width=1920, height=1080)

    levels = [[one.box for one in level] for level in BlazeFace().levels(rgb, 60)]

    box = Box(675, 1425, 725, 1375)
    assert [any(one.overlap(box) > 0.4 for one in level) for level in levels] == [False, True]


@pytest.mark.parametrize("shape", [(1, 1), (1080, 1920), (1920, 1080), (360, 640), (3000, 4000), (40, 9000)])
def test_tiles_cover_the_picture_and_overlap_by_what_the_coarser_level_sees(shape):
    before = max(shape)
    for level in _levels(shape, 60):
        seen = np.zeros(shape, np.uint8)
        for tile in level:
            seen[tile.top : tile.bottom, tile.left : tile.right] = 1
        assert seen.all()
        rows = sorted({(tile.top, tile.bottom) for tile in level})
        for (_, end), (start, _) in pairwise(rows):
            # A face as wide as this fills 16 of the 192 pixels of the coarser level's tiles.
            assert end - start >= 0.9 * before / 12
        before = max(tile.longer_side for tile in level)
    assert before <= 1.25 * 1.25 * 60 * 16


def test_a_box_is_shifted_and_shrunk_to_where_hog_would_draw_it():
    # The first box is 100 pixels wide, around (200, 100): its centre moves by .9 and 1.1, and 90.9 are left.
    assert _as_hog(np.array([200.0, 100.0, 100.0]), (300, 400)) == Box(56, 246, 147, 155)
    assert _as_hog(np.array([10.0, 290.0, 100.0]), (300, 400)) == Box(246, 56, 300, 0)
