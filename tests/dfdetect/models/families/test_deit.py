"""DeiT: both tokens are read, and nothing else of the last layer."""

import keras
import numpy as np

from dfdetect.models.build import build_model


def test_the_score_is_read_from_the_mean_of_class_and_distillation_token():
    model = build_model("deit_ti16", image_size=32)
    features = model.get_layer("features").output
    head = keras.Model(features, model.get_layer("logit").output)
    kernel, bias = model.get_layer("logit").get_weights()
    tokens = np.random.default_rng(1).normal(size=(3, 2 + 4, 192)).astype("float32")
    expected = (tokens[:, 0] + tokens[:, 1]) / 2 @ kernel + bias
    np.testing.assert_allclose(np.array(head(tokens)), expected, rtol=1e-4, atol=1e-5)
