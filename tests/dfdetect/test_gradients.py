"""Gradients against calculus, on the backend that runs, and on the other one."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from dfdetect.gradients import check_backend, minimiser, slopes_at
from face_extraction.errors import InputError


def linear(weights) -> keras.Model:
    """A model of one dense layer without a bias, (B, d) to (B, 1)."""
    model = keras.Sequential([keras.Input((len(weights),)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.array(weights, np.float32)[:, None]])
    return model


def test_the_slope_of_a_square_is_twice_the_point():
    point = ops.convert_to_tensor(np.array([[1.0, -2.0], [0.5, 3.0]], np.float32))
    found = slopes_at(lambda at: ops.sum(ops.square(at), axis=1), point)
    np.testing.assert_allclose(found, 2 * np.asarray(point))


def test_a_step_moves_the_trained_model_alone_against_its_gradient():
    trained, fixed = linear([1.0, 2.0]), linear([3.0, -1.0])

    def loss(x):
        wrong = ops.mean(trained(x) * fixed(x))
        return [wrong, ops.sum(x)]

    step = minimiser(loss, trained, keras.optimizers.SGD(0.1), [fixed])
    x = np.array([[1.0, 1.0], [2.0, 0.0]], np.float32)
    # (x w)(x v) is 3 * 2 in the first row and 2 * 6 in the second; by w it is the mean of x (x v).
    assert step(x) == pytest.approx([(6 + 12) / 2, 4])
    np.testing.assert_allclose(
        trained.get_weights()[0][:, 0], [1 - 0.1 * (2 + 12) / 2, 2 - 0.1 * (2 + 0) / 2]
    )
    np.testing.assert_array_equal(fixed.get_weights()[0][:, 0], [3, -1])
    fixed.set_weights([np.array([[0.0], [0.0]], np.float32)])
    assert step(x)[0] == 0  # the step sees the other model's present weights


def test_a_penalty_on_slopes_is_minimised():
    """The loss |w|^2, as the squared slope of x w by x, leads w to 0 by 2 w a step."""
    trained = linear([1.0, -3.0])

    def loss(x):
        return [ops.mean(ops.sum(ops.square(slopes_at(trained, x)), axis=1))]

    step = minimiser(loss, trained, keras.optimizers.SGD(0.25))
    assert step(np.ones((4, 2), np.float32)) == pytest.approx([10])
    np.testing.assert_allclose(trained.get_weights()[0][:, 0], [0.5, -1.5])


def test_other_backends_are_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(
        InputError, match="gradients on the backend 'torch'; accepted: KERAS_BACKEND tensorflow"
    ):
        check_backend()


def run_on_the_other(names: str) -> str:
    """What pytest prints of tests of these names on the other backend."""
    pytest.importorskip("jax")
    other = "tensorflow" if keras.backend.backend() == "jax" else "jax"
    gan = Path(__file__).parent / "fakes" / "gan"
    files = [__file__, str(gan / "test_losses.py"), str(gan / "test_training.py")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, "-k", names],
        env={**os.environ, "KERAS_BACKEND": other, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    return done.stdout


def test_the_other_backend():
    told = run_on_the_other("square or trained_model or on_slopes or linear_discriminator")
    assert "4 passed" in told, told


@pytest.mark.slow
def test_a_gan_on_the_other_backend():
    """JAX compiles each function of a training for seconds."""
    told = run_on_the_other("resumed")
    assert "1 passed" in told, told
