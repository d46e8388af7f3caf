"""Orders of pixels, and the maps that know nothing."""

import numpy as np
import pytest

from dfdetect.explain.orders import BASELINES, CENTRE, RANDOM, baseline_maps, ranks_of


def test_the_hottest_pixel_comes_first():
    ranks = ranks_of(np.array([[[0.1, 0.9], [0.5, 0.2]]], np.float32), 0)
    assert ranks.tolist() == [[[3, 0], [1, 2]]]


def test_equal_heat_is_ordered_by_chance_and_the_same_again():
    flat = np.zeros((40, 8, 8), np.float32)
    ranks = ranks_of(flat, 0)
    assert np.array_equal(np.sort(ranks.reshape(40, -1), axis=1), np.tile(np.arange(64), (40, 1)))
    # By rows, the mean rank of the first row would be 3.5.
    assert ranks[:, 0].mean() == pytest.approx(31.5, abs=4)
    assert np.array_equal(ranks, ranks_of(flat, 0))
    assert not np.array_equal(ranks, ranks_of(flat, 1))


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_run_from_0_to_1_and_are_the_same_again(name):
    maps = baseline_maps(name, 3, 32, 5)
    assert (maps.shape, maps.dtype) == ((3, 32, 32), np.float32)
    assert maps.min() >= 0
    assert maps.max() <= 1
    assert np.array_equal(maps, baseline_maps(name, 3, 32, 5))


def test_random_maps_differ_and_the_blob_lies_in_the_centre():
    noise = baseline_maps(RANDOM, 200, 32, 0)
    assert np.abs(np.corrcoef(noise.reshape(200, -1)) - np.eye(200)).mean() < 0.15
    assert np.ptp(noise.mean(axis=0)) < 0.25  # no place is hot in all of them
    (blob,) = baseline_maps(CENTRE, 1, 33, 0)
    assert np.unravel_index(np.argmax(blob), blob.shape) == (16, 16)
    np.testing.assert_allclose(blob, blob[::-1, ::-1])
