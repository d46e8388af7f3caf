"""Attacks on a linear model, whose loss of score is known exactly."""

import numpy as np
import pytest

from dfdetect.stress.attacks import ATTACKS, Bound, Target, fgsm, pgd

WEIGHTS = np.random.default_rng(1).normal(0, 0.01, (6, 6, 3)).astype(np.float32)
WEIGHTS[0, 0] = 0  # a pixel that does not count


def logits(faces):
    return (faces.astype(np.float64) * WEIGHTS).sum(axis=(1, 2, 3))


def target(low=60, high=190, labels=(0, 1, 0, 1)):
    faces = np.random.default_rng(2).integers(low, high, (4, 6, 6, 3)).astype(np.uint8)
    sources = [np.random.default_rng(number) for number in range(4)]
    return Target(faces, np.array(labels), lambda x: np.broadcast_to(WEIGHTS, x.shape), sources)


@pytest.mark.parametrize("epsilon", [1, 4, 8])
def test_one_step_moves_the_score_by_epsilon_times_the_l1_norm(epsilon):
    victim = target()
    change = logits(fgsm(victim, Bound(epsilon))) - logits(victim.faces)
    norm = np.abs(WEIGHTS.astype(np.float64)).sum()
    np.testing.assert_allclose(change, epsilon * norm * np.array([1, -1, 1, -1]), rtol=1e-6)


@pytest.mark.parametrize("epsilon", [1, 2, 8])
def test_many_steps_reach_as_far_and_stay_within_epsilon(epsilon):
    victim = target()
    forged = pgd(victim, Bound(epsilon, steps=10))
    assert np.abs(forged.astype(int) - victim.faces).max() == epsilon
    counting = np.broadcast_to(WEIGHTS != 0, forged.shape)
    np.testing.assert_array_equal(forged[counting], fgsm(victim, Bound(epsilon))[counting])
    np.testing.assert_array_equal(forged, pgd(target(), Bound(epsilon, steps=10)))


@pytest.mark.parametrize("attack", ATTACKS.values())
def test_forged_pixels_are_whole_and_from_black_to_white(attack):
    victim = target(0, 256)
    forged = attack(victim, Bound(8, steps=3))
    assert (forged.dtype, forged.shape) == (np.uint8, victim.faces.shape)
    assert np.abs(forged.astype(int) - victim.faces).max() <= 8
    assert (np.sign(logits(forged) - logits(victim.faces)) == [1, -1, 1, -1]).all()
