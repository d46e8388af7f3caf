"""Masks, blending and warps."""

import numpy as np
import pytest

from dfdetect.fakes.masks import blend, eye_distance, face_mask, fill_hulls, soften
from dfdetect.fakes.warps import identity_map, landmark_map, warp_rgb


def test_a_face_blended_with_itself_is_the_face(portrait):
    picture, points = portrait(1)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        mask = soften(face_mask(picture.shape, points, rng), rng, eye_distance(points))
        np.testing.assert_array_equal(blend(picture, picture.copy(), mask).picture, picture)


def test_masks_lie_on_the_face_and_are_of_several_shapes(portrait):
    picture, points = portrait(1)
    hull = fill_hulls(picture.shape, [points])
    sizes = [face_mask(picture.shape, points, np.random.default_rng(seed)).sum() for seed in range(40)]
    assert min(sizes) < 0.6 * hull.sum()
    assert max(sizes) > 0.9 * hull.sum()


def test_a_soft_mask_has_no_steps_and_reaches_one(portrait):
    picture, points = portrait(1)
    hard = fill_hulls(picture.shape, [points])
    soft = soften(hard, np.random.default_rng(0), eye_distance(points))
    assert soft.max() == pytest.approx(1)
    assert np.abs(np.diff(soft, axis=1)).max() < 0.6 < np.abs(np.diff(hard, axis=1)).max()


def test_an_empty_mask_stays_empty():
    empty = np.zeros((20, 20), np.float32)
    assert not soften(empty, np.random.default_rng(0), 10).any()


def test_the_landmark_map_brings_each_landmark_of_the_donor_onto_the_targets(portrait):
    target, donor = portrait(1)[1], portrait(2)[1] * np.float32(0.9) + 3
    found = landmark_map(96, 96, target, donor)
    for (x, y), there in zip(np.rint(target).astype(int), donor, strict=True):
        assert np.hypot(*(found[y, x] - there)) < 2


def test_a_map_onto_itself_moves_nothing(portrait):
    picture, points = portrait(1)
    found = landmark_map(96, 96, points, points)
    np.testing.assert_allclose(found, identity_map(96, 96), atol=0.01)
    assert np.abs(warp_rgb(picture, found).astype(int) - picture).max() <= 1
