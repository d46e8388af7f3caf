"""A randomised model must change the map (Adebayo et al. 2018); what ignores the model does not."""

import keras
import numpy as np
import pytest

from dfdetect.explain.heat_maps import heat_maps, suiting
from dfdetect.explain.randomising import STAGES, correlations, layers_of, shuffled
from dfdetect.models.build import build_model

from . import planted


@pytest.fixture(scope="module")
def model():
    """A network of several layers; what it has learned is told by its random weights."""
    return build_model("meso4", image_size=planted.SIDE, seed=3)


def test_shuffling_keeps_the_numbers_and_ends_with_the_block(model):
    before = model.get_weights()
    layers = layers_of(model, 1.0)
    with shuffled(layers, 0):
        during = model.get_weights()
        assert any(not np.array_equal(*pair) for pair in zip(before, during, strict=True))
        for old, new in zip(before, during, strict=True):
            assert np.array_equal(np.sort(old, axis=None), np.sort(new, axis=None))
    with pytest.raises(KeyboardInterrupt), shuffled(layers, 0):
        raise KeyboardInterrupt
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.array_equal(old, new)


def test_stages_go_from_the_last_layer_to_all(model):
    named = {stage: [layer.name for layer in layers_of(model, share)] for stage, share in STAGES.items()}
    assert named["last layer"] == ["logit"]
    assert named["last quarter"][:2] == ["logit", "top_dense"]
    assert named["all layers"][-1] == "stage1_conv"
    assert len(named["last half"]) == len(named["all layers"]) / 2
    assert sum(bool(layer.weights) for layer in model.layers) == len(named["all layers"])


@pytest.mark.parametrize("method", ["grad_cam_pp", "integrated_gradients", "occlusion"])
def test_the_map_changes_with_the_weights(model, method):
    assert method in suiting(model)
    faces = planted.noise(6)
    alike = correlations(model, lambda: heat_maps(model, faces, method), "all layers", 1)
    assert alike.shape == (6,)
    assert np.nanmean(alike) < 0.5


def test_what_ignores_the_model_stays_the_same(model):
    """Edges of the face, which Adebayo et al. show beside maps that look convincing."""
    faces = planted.noise(2)
    edges = np.abs(np.diff(faces.astype(np.float32).mean(axis=-1), axis=1))
    assert correlations(model, lambda: edges, "all layers", 1) == pytest.approx(1)
    empty = np.zeros_like(edges)
    assert np.isnan(correlations(model, lambda: empty, "all layers", 1)).all()


def test_the_models_weights_are_followed_by_compiled_gradients():
    model = planted.corner_network()
    faces = planted.noise(1)
    before = heat_maps(model, faces, "integrated_gradients")
    with shuffled(layers_of(model, 1.0), 2):
        during = heat_maps(model, faces, "integrated_gradients")
        fresh = keras.models.clone_model(model)
        fresh.set_weights(model.get_weights())
        np.testing.assert_allclose(during, heat_maps(fresh, faces, "integrated_gradients"), atol=1e-4)
    assert not np.allclose(before, during)
