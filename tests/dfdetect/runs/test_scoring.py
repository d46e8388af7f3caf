"""Scores of crops in memory."""

import keras
import numpy as np
import pytest

from dfdetect.runs.scoring import BATCH, score_crops


@pytest.fixture
def mean_model():
    """A model whose score is a crop's mean brightness."""
    rgb = keras.Input((4, 4, 3))
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(rgb))
    return keras.Model(rgb, keras.ops.mean(mean, axis=1, keepdims=True))


@pytest.mark.parametrize("compiled", [True, False])
def test_crops_are_scored_in_their_order_with_and_without_a_compiled_function(mean_model, compiled):
    grey = np.arange(BATCH + 9, dtype=np.uint8)
    crops = np.broadcast_to(grey[:, None, None, None], (len(grey), 4, 4, 3))

    scores = score_crops(mean_model, crops, compiled=compiled)

    assert scores == pytest.approx(grey / 255, abs=1e-6)
    if keras.backend.backend() == "tensorflow":
        assert (mean_model.predict_function is not None) == compiled
