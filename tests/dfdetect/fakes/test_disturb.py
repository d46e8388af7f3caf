"""Disturbances: the same for both pictures of a pair, and each doing its one thing."""

import numpy as np
import pytest

from dfdetect.fakes import disturb as module


@pytest.fixture
def picture(portrait):
    return portrait(1, 64)[0]


STEPS = [module.recolour, module.resize_chain, module.blur, module.noise, module.compress]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_does_the_same_to_equal_pictures_and_leaves_them_alone(step, picture):
    before = picture.copy()
    changed = 0
    for seed in range(12):
        apply = step(np.random.default_rng(seed), 64)
        one, other = apply(picture), apply(picture.copy())
        assert (one.dtype, one.shape) == (np.uint8, picture.shape)
        np.testing.assert_array_equal(one, other)
        changed += (one != picture).any()
    assert changed >= 10
    np.testing.assert_array_equal(picture, before)


def test_all_pictures_of_a_call_get_the_same_numbers(picture):
    for seed in range(20):
        one, other = module.disturb([picture, picture.copy()], np.random.default_rng(seed))
        np.testing.assert_array_equal(one, other)


def test_compression_in_colour_does_not_swap_channels():
    red = np.zeros((32, 32, 3), np.uint8)
    red[:, :, 0] = 200
    for seed in range(30):
        coded = module.compress(np.random.default_rng(seed), 32)(red).mean(axis=(0, 1))
        assert coded[0] > 180
        assert coded[2] < 30


def test_noise_is_stronger_where_it_is_brighter():
    picture = np.full((64, 64, 3), 20, np.uint8)
    picture[32:] = 200
    spreads = []
    for seed in range(20):
        noisy = module.noise(np.random.default_rng(seed), 64)(picture).astype(float)
        spreads.append((noisy[:30].std(), noisy[34:].std()))
    dark, bright = np.mean(spreads, axis=0)
    assert bright > 1.3 * dark


def test_blur_keeps_the_mean_and_takes_detail(picture):
    for seed in range(20):
        blurred = module.blur(np.random.default_rng(seed), 64)(picture).astype(float)
        assert abs(blurred.mean() - picture.mean()) < 2
        assert np.abs(np.diff(blurred, axis=1)).mean() <= np.abs(np.diff(picture.astype(float), axis=1)).mean()
