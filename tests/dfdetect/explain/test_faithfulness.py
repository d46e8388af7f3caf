"""Deletion and insertion on a network whose logit is known by hand."""

import numpy as np
import pytest

from dfdetect.explain.faithfulness import SHARES, Faded, compare, fade
from dfdetect.explain.orders import BASELINES, baseline_maps, ranks_of
from dfdetect.explain.probe import probe_of
from dfdetect.explain.veil import veiled

from . import planted


@pytest.fixture(scope="module")
def faded():
    """The corner first, the corner last, and the baselines."""
    probe, faces = probe_of(planted.corner_network()), planted.noise(6).astype(np.float32)
    corner = np.zeros((6, planted.SIDE, planted.SIDE), np.float32)
    corner[:, *planted.CORNER] = 1
    maps = {"corner": corner, "rest": 1 - corner}
    maps |= {name: baseline_maps(name, 6, planted.SIDE, 0) for name in BASELINES}
    return {name: fade(probe, faces, veiled(faces), ranks_of(each, 0)) for name, each in maps.items()}


def test_all_curves_begin_and_end_at_the_face_and_the_veil(faded):
    probe, faces = probe_of(planted.corner_network()), planted.noise(6).astype(np.float32)
    whole, none = probe.scores(faces), probe.scores(veiled(faces))
    assert (whole - none).min() > 0.1
    for each in faded.values():
        for first, last, curve in ((whole, none, each.deletion), (none, whole, each.insertion)):
            np.testing.assert_allclose(curve[:, 0], first, atol=1e-5)
            np.testing.assert_allclose(curve[:, -1], last, atol=1e-5)


def test_without_the_corner_nothing_is_left_of_the_score(faded):
    """The corner is a sixteenth of the face, so that one step of a tenth takes it whole."""
    done = faded["corner"]
    assert np.abs(done.deletion[:, 1:] - done.deletion[:, -1:]).max() < 0.01
    assert np.abs(faded["rest"].deletion[:, :-2] - faded["rest"].deletion[:, :1]).max() < 0.01


def test_the_right_order_beats_both_baselines_and_the_wrong_one_neither(faded):
    found = compare(faded, np.arange(6))
    for baseline in BASELINES:
        for curve in ("deletion", "insertion"):
            assert found["corner"].gains[baseline][curve].low > 0
            assert found["rest"].gains[baseline][curve].high < 0.01
        assert found[baseline].gains == {}
    assert len(found["corner"].curves["deletion"]) == len(SHARES)


def test_areas_are_those_of_trapezoids():
    falling = np.array([[1.0, *[0.0] * (len(SHARES) - 1)]])
    areas = Faded(falling, np.full_like(falling, 0.25)).areas()
    assert areas["deletion"][0] == pytest.approx(0.5 / (len(SHARES) - 1))
    assert areas["insertion"][0] == pytest.approx(0.25)


def test_pixels_of_another_picture_can_take_their_place():
    """A fake of noise, repaired with a flat face, scores as the flat face does."""
    probe, faces = probe_of(planted.corner_network()), planted.noise(1).astype(np.float32)
    other = np.full_like(faces, 200)
    ranks = ranks_of(baseline_maps("random", 1, planted.SIDE, 0), 0)
    assert fade(probe, faces, other, ranks).deletion[0, -1] == pytest.approx(probe.scores(other)[0])
