import importlib.util
from dataclasses import replace
from pathlib import Path

import cv2
import dlib
import numpy as np
import pytest

from dfdetect.sample.features import Expression
from dfdetect.sample.films import film, perform
from dfdetect.sample.head import HEAD, light_on
from dfdetect.sample.identity import draw_identity
from dfdetect.sample.people import BROWS, EYES, JAW, MOUTH, NOSE, Person, Pose

DETECTOR = dlib.get_frontal_face_detector()
CALM = Expression()


def person(seed: int) -> Person:
    return Person(draw_identity(np.random.default_rng(seed)))


@pytest.fixture(scope="module")
def somebody() -> Person:
    return person(3)


@pytest.fixture(scope="module")
def crowd():
    """Clips of eight people."""
    return [film(person(seed), np.random.default_rng(seed), 12) for seed in range(8)]


def test_equal_seeds_draw_equal_people_and_others_differ(somebody):
    picture = somebody.frame(Pose(), CALM)
    assert picture.shape == (320, 320, 3)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, person(3).frame(Pose(), CALM))
    difference = np.abs(picture.astype(int) - person(4).frame(Pose(), CALM))
    assert difference.mean() > 10


def test_people_are_diverse():
    people = [draw_identity(np.random.default_rng(seed)) for seed in range(40)]
    assert len({one.style for one in people}) >= 7
    assert np.ptp([one.skin.mean() for one in people]) > 0.4
    assert {one.feminine > 0.5 for one in people} == {True, False}
    assert sum(one.glasses for one in people) in range(1, 20)


def test_dlib_finds_exactly_one_face(crowd):
    counts = [len(DETECTOR(clip.frames[index], 0)) for clip in crowd for index in (0, 5, 11)]
    assert np.mean(np.array(counts) == 1) >= 0.95


def test_dlib_puts_its_landmarks_where_the_features_were_drawn(crowd):
    package = importlib.util.find_spec("face_recognition_models").submodule_search_locations[0]
    predictor = dlib.shape_predictor(str(Path(package) / "models/shape_predictor_68_face_landmarks.dat"))
    misses = []
    for clip in crowd:
        drawn, picture = clip.landmarks[5], clip.frames[5]
        found = predictor(picture, DETECTOR(picture, 0)[0])
        seen = np.array([(point.x, point.y) for point in found.parts()])
        left, right = seen[36:42].mean(axis=0), seen[42:48].mean(axis=0)
        eyes = drawn[EYES]
        pairs = [(left, eyes[:6].mean(axis=0)), (right, eyes[6:].mean(axis=0))]
        pairs.append((seen[48:60].mean(axis=0), drawn[MOUTH].mean(axis=0)))
        pairs.append((seen[31:36].mean(axis=0), drawn[NOSE][4:].mean(axis=0)))
        misses.append([np.linalg.norm(one - other) / np.linalg.norm(right - left) for one, other in pairs])
    assert np.max(np.median(misses, axis=0)) < 0.08


def test_landmarks_follow_the_pose(somebody):
    still = somebody.landmarks(Pose(), CALM)
    moved = somebody.landmarks(Pose(x=10, y=-4), CALM)
    np.testing.assert_allclose(moved - still, np.tile([10, -4], (59, 1)), atol=1e-3)
    rolled = somebody.landmarks(Pose(roll=0.2), CALM)
    across = rolled[EYES][6:].mean(axis=0) - rolled[EYES][:6].mean(axis=0)
    assert np.arctan2(across[1], across[0]) == pytest.approx(0.2, abs=0.01)
    turned = somebody.landmarks(Pose(yaw=0.1), CALM) - still
    assert turned[NOSE, 0].mean() > 2 * turned[JAW, 0][[0, -1]].mean() + 1
    assert len(still[BROWS]) == 10


def test_the_picture_moves_with_its_landmarks(somebody):
    pose = Pose(x=6, y=3, roll=0.06, yaw=0.12, pitch=-0.04)
    patches = []
    for each in (Pose(), pose):
        picture = somebody.frame(each, CALM)
        x, y = somebody.landmarks(each, CALM)[EYES][:6].mean(axis=0)
        patches.append(cv2.getRectSubPix(picture, (31, 21), (float(x), float(y))).astype(float).ravel())
    assert np.corrcoef(*patches)[0, 1] > 0.9


def test_eyes_shut_and_mouths_open(somebody):
    def differs(part: slice, expression: Expression) -> np.ndarray:
        change = np.abs(somebody.frame(Pose(), expression).astype(int) - somebody.frame(Pose(), CALM))
        x, y = somebody.landmarks(Pose(), CALM)[part][:6].mean(axis=0).astype(int)
        return change[y - 6 : y + 7, x - 8 : x + 9].mean()

    shut, speaking = replace(CALM, lids=0.0), replace(CALM, mouth=1.0)
    assert differs(EYES, shut) > 15 > differs(MOUTH, shut) == 0
    assert differs(MOUTH, speaking) > 10 > differs(EYES, speaking) == 0


def test_a_flat_surface_gets_light_from_its_front_only():
    light = np.array([0.6, 0.0, 0.8], np.float32)
    diffuse, gloss = light_on(np.zeros((HEAD.height, HEAD.width), np.float32), light)
    assert diffuse.mean() == pytest.approx((0.8 + 0.25) / 1.25, abs=1e-5)
    assert gloss.std() == pytest.approx(0, abs=1e-6)
    slope = np.broadcast_to(-HEAD.x, (HEAD.height, HEAD.width))  # faces right, towards the light
    assert light_on(slope, light)[0][200, 200] > diffuse[200, 200]


def test_people_blink_and_sway():
    moments = perform(np.random.default_rng(0), 96)
    lids = np.array([expression.lids for _, expression in moments])
    yaw = np.array([pose.yaw for pose, _ in moments])
    assert lids.min() < 0.2
    assert np.median(lids) > 0.9
    assert np.ptp(yaw) > 0.05
    assert np.abs(np.diff(yaw)).max() < 0.02
