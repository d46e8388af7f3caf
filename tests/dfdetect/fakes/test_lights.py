"""Uneven light: it keeps what a face looks like, changes brightness slowly, and adds no detail of its own."""

import numpy as np
import pytest

from dfdetect.fakes import lights

GREY = np.full((96, 96, 3), 100, np.uint8)


def seen(step, seed, picture=GREY):
    return step(np.random.default_rng(seed), 96)(picture).astype(float)


def test_light_changes_across_the_face_and_keeps_its_mean():
    ratios = []
    for seed in range(60):
        lit = seen(lights.light, seed).mean(axis=2)
        assert abs(lit.mean() - 100) < 8
        ratios.append(np.percentile(lit, 98) / np.percentile(lit, 2))
    assert np.min(ratios) > 1.05
    assert 1.3 < np.median(ratios) < 3


def test_light_has_no_edge():
    for seed in range(60):
        lit = seen(lights.light, seed)
        assert max(np.abs(np.diff(lit, axis=0)).max(), np.abs(np.diff(lit, axis=1)).max()) < 40


def test_some_lights_are_coloured():
    def colour(lit):
        return np.ptp(lit / lit.mean(axis=(0, 1)), axis=2).max()

    coloured = [colour(seen(lights.light, seed)) > 0.1 for seed in range(100)]
    assert 0.15 < np.mean(coloured) < 0.45


def test_a_shadow_only_darkens_and_leaves_light_beside_it():
    covered = []
    for seed in range(60):
        shaded = seen(lights.shade, seed)
        assert shaded.max() <= 100
        assert shaded.min() >= 0.3 * 100
        covered.append((shaded.mean(axis=2) < 97).mean())
    assert 0.1 < np.mean(covered) < 0.8


def test_spots_only_brighten():
    for seed in range(60):
        spotted = seen(lights.shine, seed)
        assert spotted.min() >= 100
    assert seen(lights.shine, 0, np.full((96, 96, 3), 250, np.uint8)).max() == 255


def test_exposure_changes_all_alike_from_far_too_dark_to_too_bright():
    means = []
    for seed in range(200):
        exposed = seen(lights.expose, seed)
        assert np.ptp(exposed.reshape(-1, 3), axis=0).max() == 0
        means.append(exposed.mean())
    assert min(means) < 30
    assert max(means) > 150


@pytest.mark.parametrize("side", [32, 97])
def test_any_size_will_do(side):
    picture = np.full((side, side, 3), 100, np.uint8)
    for step in (lights.light, lights.shade, lights.shine, lights.expose):
        assert step(np.random.default_rng(0), side)(picture).shape == picture.shape
