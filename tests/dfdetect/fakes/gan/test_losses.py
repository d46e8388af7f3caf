"""The losses, against sums by hand."""

import keras
import numpy as np
import pytest
from keras import ops

from dfdetect.fakes.gan.augmenting import draw_disturbance
from dfdetect.fakes.gan.losses import discriminator_loss, follow, generator_loss, penalty
from dfdetect.fakes.gan.networks import Networks

SIDE = 4


def flat(weights, bias=0.0) -> keras.Model:
    """A linear discriminator: the sum of pixels times weights (4, 4, 3), and a bias."""
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.set_weights([np.reshape(weights, (-1, 1)).astype(np.float32), np.array([bias], np.float32)])
    return model


def networks(discriminator) -> Networks:
    """With a generator that makes its noise, (B, 48), into a face."""
    noise = keras.Input((48,))
    generator = keras.Model([noise], keras.layers.Reshape((SIDE, SIDE, 3))(noise))
    return Networks(generator, discriminator, generator)


def undisturbed(count):
    """A disturbance that changes nothing."""
    eye = np.repeat(np.eye(SIDE, dtype=np.float32)[None], count, axis=0)
    return [np.float32([[0, 1, 1]] * count), eye, eye, np.ones((count, SIDE, SIDE, 1), np.float32)]


def test_r1_of_a_linear_discriminator_is_the_squared_norm_of_its_weights():
    weights = np.random.default_rng(0).normal(size=48)
    faces = ops.convert_to_tensor(np.zeros((3, SIDE, SIDE, 3), np.float32))
    assert float(penalty(flat(weights), faces)) == pytest.approx(np.square(weights).sum(), rel=1e-5)


def test_the_discriminators_loss_is_non_saturating_and_has_the_penalty_with_half_its_weight():
    weights = np.zeros(48)
    weights[0] = 1.0
    real, noise = np.zeros((2, SIDE, SIDE, 3), np.float32), np.zeros((2, 48), np.float32)
    real[:, 0, 0, 0] = (0.5, 1.0)
    noise[:, 0] = (-0.5, 2.0)
    given = [real, *undisturbed(2), *undisturbed(2), noise]
    wrong = np.mean(np.log1p(np.exp([-0.5, -1.0]))) + np.mean(np.log1p(np.exp([-0.5, 2.0])))
    plain = discriminator_loss(networks(flat(weights)), 0.0)(*map(ops.convert_to_tensor, given))
    assert [float(each) for each in plain] == pytest.approx([wrong, wrong, 0])
    penalised = discriminator_loss(networks(flat(weights)), 6.0)(*map(ops.convert_to_tensor, given))
    assert [float(each) for each in penalised] == pytest.approx([wrong + 3.0, wrong, 1.0])


def test_the_generators_loss_falls_where_its_faces_look_real():
    weights = np.zeros(48)
    weights[0] = 1.0
    for looks in (-3.0, 0.0, 3.0):
        noise = np.full((2, 48), looks, np.float32)
        given = map(ops.convert_to_tensor, [*undisturbed(2), noise])
        (found,) = generator_loss(networks(flat(weights)))(*given)
        assert float(found) == pytest.approx(np.log1p(np.exp(-looks)), rel=1e-5)


def test_both_sorts_of_faces_are_disturbed():
    rng = np.random.default_rng(0)
    drawn = draw_disturbance(rng, 2, SIDE)
    judged = flat(rng.normal(size=48))
    real, noise = rng.normal(size=(2, SIDE, SIDE, 3)).astype(np.float32), np.zeros((2, 48), np.float32)

    def loss(for_real, for_fake):
        given = [real, *for_real, *for_fake, noise]
        return float(discriminator_loss(networks(judged), 0.0)(*map(ops.convert_to_tensor, given))[0])

    calm = undisturbed(2)
    assert len({round(loss(*each), 6) for each in ((calm, calm), (drawn, calm), (calm, drawn))}) == 3


def test_the_average_follows_by_hand():
    average, latest = flat(np.full(48, 2.0), 1.0), flat(np.full(48, 4.0), 0.0)
    follow(average, latest, 0.75)
    follow(average, latest, 0.75)
    # 2 -> 2.5 -> 2.875, and 1 -> .75 -> .5625
    np.testing.assert_allclose(average.get_weights()[0], 2.875)
    np.testing.assert_allclose(average.get_weights()[1], 0.5625)
    np.testing.assert_array_equal(latest.get_weights()[0], 4.0)
