"""Augmentations: deterministic by their generator, of the same shape, and each doing its one thing."""

import cv2
import numpy as np
import pytest

from dfdetect.data import augment as module
from dfdetect.data.augment import POLICIES, augment
from dfdetect.recipe import AUGMENTATIONS, PAIRED


@pytest.fixture
def face() -> np.ndarray:
    """A smooth picture with one sharp edge."""
    y, x = np.mgrid[0:64, 0:64]
    rgb = np.stack([3 * x, 3 * y, 255 - 2 * x], axis=2).clip(0, 255).astype(np.uint8)
    rgb[20:40, 20:40] = (250, 10, 30)
    return rgb


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_recipe_names_exactly_these_policies():
    assert set(AUGMENTATIONS) == {*POLICIES, PAIRED}  # pairs are drawn by their store


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_same_generator_same_image_and_the_input_is_left_alone(face, policy):
    before = face.copy()
    first, second = (augment(face, policy, rng(5)) for _ in range(2))
    assert first.shape == face.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(face, before)
    others = [augment(face, policy, rng(seed)) for seed in range(8)]
    assert any((other != face).any() for other in others) == (policy != "none")


@pytest.mark.parametrize("seed", range(8))
def test_policies_are_their_steps_in_order(face, seed):
    draw = rng(seed)
    np.testing.assert_array_equal(
        augment(face, "report-c", rng(seed)), module.transform(module.flip(face, draw), draw)
    )
    draw = rng(seed)
    framed = module.reframe(module.flip(face, draw), draw)
    np.testing.assert_array_equal(augment(face, "strong", rng(seed)), module.disturbed(framed, draw))


def test_flip_mirrors_half_of_the_images(face):
    mirrored = sum((module.flip(face, rng(seed)) == face[:, ::-1]).all() for seed in range(400))
    assert 160 < mirrored < 240


def test_transform_keeps_the_face_in_view(face):
    for seed in range(20):
        red = module.transform(face, rng(seed))[:, :, 0] > 240
        assert 0.75 * 400 < red.sum() < 1.3 * 400
        assert np.abs(np.argwhere(red).mean(axis=0) - 29.5).max() < 10


@pytest.mark.parametrize(("step", "smallest", "largest"), [("transform", 0.9, 1.1), ("reframe", 0.9, 1.25)])
def test_turns_and_scales_lie_within_their_bounds_and_reach_them(step, smallest, largest, face, monkeypatch):
    seen = []
    rotation = cv2.getRotationMatrix2D
    monkeypatch.setattr(cv2, "getRotationMatrix2D", lambda *how: [seen.append(how[1:]), rotation(*how)][1])
    for seed in range(300):
        getattr(module, step)(face, rng(seed))
    angles, scales = np.transpose(seen)
    assert (angles.min(), angles.max()) == pytest.approx((-10, 10), abs=0.3)
    assert (scales.min(), scales.max()) == pytest.approx((smallest, largest), abs=0.006)
