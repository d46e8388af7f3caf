"""Optimizers: their steps, computed by hand."""

import dataclasses

import keras
import numpy as np
import pytest

from dfdetect.recipe import OPTIMIZERS, Recipe
from dfdetect.train.fitting import phases, start_phase
from dfdetect.train.optimization import averaged, make_optimizer
from dfdetect.train.schedule import Schedule

RECIPE = Recipe(epochs=4, batch_size=8, learning_rate=0.02, augment="report-c", weight_decay=0.01)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_leaves_biases_and_normalisation_alone(name):
    recipe = Recipe(optimizer=name, weight_decay=0.5, learning_rate=0.1)
    optimizer = make_optimizer(recipe, Schedule("constant", 0.1, 10))
    kernel = keras.Variable(np.ones(2, "float32"), name="kernel")
    others = [keras.Variable(np.ones(2, "float32"), name=name) for name in ("bias", "gamma", "beta")]
    optimizer.apply([keras.ops.zeros(2)] * 4, [kernel, *others])
    np.testing.assert_allclose(kernel.numpy(), 1 - 0.1 * 0.5, rtol=1e-5)
    for other in others:
        np.testing.assert_array_equal(other.numpy(), 1)


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        # SGD: the second step is that of the momentum alone.
        ("sgd", 0.1, 0.09),
        # Adam: .1 (.09 / .19) / sqrt(.000999 / .001999).
        ("adam", 0.1, 0.067006),
        ("adamw", 0.1, 0.067006),
        # Nadam: the momentum of steps 1 to 3 is .468, .48528, .501869; the slope's part of it is ahead.
        ("nadam", 0.106279, 0.007211),
    ],
)
def test_steps_of_each_optimizer_after_slopes_of_1_and_0_are_those_computed_by_hand(name, first, second):
    optimizer = make_optimizer(Recipe(optimizer=name), Schedule("constant", 0.1, 10))
    kernel = keras.Variable(np.zeros(1, "float32"))
    seen = [0.0]
    for slope in (1.0, 0.0):
        optimizer.apply([keras.ops.array([slope])], [kernel])
        seen.append(float(kernel.numpy()[0]))
    assert -np.diff(seen) == pytest.approx([first, second], rel=1e-4)


@pytest.mark.parametrize(("bound", "factor"), [(0.0, 1), (1.0, 1 / 5), (50.0, 1)])
def test_gradients_are_cut_by_their_norm_together(bound, factor):
    """Of (3, 0) and (0, 4) it is 5; by its own each would become 1 long."""
    optimizer = make_optimizer(Recipe(optimizer="sgd", clip_norm=bound), Schedule("constant", 0.1, 10))
    kernels = [keras.Variable(np.zeros(2, "float32")) for _ in range(2)]
    optimizer.apply([keras.ops.array([3.0, 0.0]), keras.ops.array([0.0, 4.0])], kernels)
    np.testing.assert_allclose(kernels[0].numpy(), [-0.3 * factor, 0], rtol=1e-5)
    np.testing.assert_allclose(kernels[1].numpy(), [0, -0.4 * factor], rtol=1e-5)


def test_without_a_step_there_is_no_average(make_model):
    """Under float16 the steps of a short epoch may all overflow, and be left out."""
    recipe = dataclasses.replace(RECIPE, ema=0.9)
    model = make_model()
    trained = start_phase(model, recipe, *phases(recipe), 1)
    trained.optimizer.build(trained.trainable_variables)
    before = [weight.numpy() for weight in model.weights]
    with averaged(trained, recipe):
        for left, right in zip(before, model.weights, strict=True):
            np.testing.assert_array_equal(left, right.numpy())
