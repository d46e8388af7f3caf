"""Combined models: their scores as computed by hand from the members'."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from dfdetect.models.build import build_model
from dfdetect.models.ensemble import combine_models


def logit(p_fake):
    clipped = np.clip(p_fake, 1e-7, 1 - 1e-7)
    return np.log(clipped / (1 - clipped))


@pytest.mark.parametrize("on_logits", [False, True])
def test_members_of_one_size_are_combined_to_the_digit_and_sure_ones_as_they_were_weighed(on_logits):
    """A single-precision p_fake is 1 from a logit of 17 on: a regression on scores knows no larger one."""
    models = [build_model("custom_cnn", image_size=32, seed=seed) for seed in (1, 2)]
    sure = models[0].get_layer("logit")
    sure.kernel.assign(300 * sure.kernel)
    rgb = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3)).astype("float32")
    p_fake = np.concatenate([np.array(model(rgb)) for model in models], axis=1)
    logits = keras.Model(models[0].input, sure.output)(rgb)
    assert np.abs(logits).max() > 20
    both = combine_models(models, on_logits=on_logits)
    both.get_layer("combine").set_weights([np.array([[0.3], [0.7]]), np.array([0.1 * on_logits])])
    expected = p_fake @ [0.3, 0.7]
    if on_logits:
        expected = 1 / (1 + np.exp(-(logit(p_fake) @ [0.3, 0.7] + 0.1)))
    # Near 0 and 1 a single-precision p_fake holds its logit to a twentieth.
    np.testing.assert_allclose(np.array(both(rgb))[:, 0], expected, atol=0.005 if on_logits else 1e-6)


def test_members_of_several_sizes_get_pixels_as_keras_scales_them_and_can_be_compiled():
    """On GPUs Keras has XLA compile the whole model, which TensorFlow's antialiased resizing does not."""
    models = [build_model("custom_cnn", image_size=size, seed=size) for size in (32, 48)]
    both = combine_models(models, on_logits=False)
    both.get_layer("combine").set_weights([np.array([[1.0], [0.0]]), np.zeros(1)])
    rgb = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3)).astype("float32")
    expected = np.array(models[0](keras.ops.image.resize(rgb, (32, 32), antialias=True)))
    np.testing.assert_allclose(np.array(both(rgb)), expected, atol=1e-5)
    compiled = tf.function(both, jit_compile=True)
    np.testing.assert_allclose(np.array(compiled(rgb)), expected, atol=1e-5)
