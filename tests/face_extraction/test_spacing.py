"""What is evenly spaced."""

import numpy as np
import pytest

from face_extraction.spacing import middles, middles_in_time


@pytest.mark.parametrize(("total", "count", "expected"), [(40, 4, [5, 15, 25, 35]), (3, 9, [0, 1, 2])])
def test_middles_of_equal_parts(total, count, expected):
    assert middles(total, count).tolist() == expected


def test_a_steady_rate_gives_the_middles_by_number():
    for total in range(1, 60):
        for count in range(1, total + 1):
            times = 512 * np.arange(total)
            assert middles_in_time(times, 512 * total, count).tolist() == middles(total, count).tolist()


def test_frames_are_different_ones_wherever_time_stands_still():
    rng = np.random.default_rng(0)
    for _ in range(200):
        times = np.cumsum(rng.choice([1, 5, 10_000], rng.integers(2, 40)))
        count = int(rng.integers(1, len(times) + 1))
        found = middles_in_time(times, int(times[-1]) + 1, count)
        assert len(set(found.tolist())) == count
        assert (np.diff(found) > 0).all()
        assert found[0] >= 0
        assert found[-1] < len(times)
