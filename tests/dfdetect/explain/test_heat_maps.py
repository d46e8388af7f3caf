"""Heat maps of faces of any size, and how they are laid over them."""

import numpy as np
import pytest

from dfdetect import explain
from dfdetect.explain.heat_maps import STRENGTH, coloured
from dfdetect.models.build import build_model
from dfdetect.models.ensemble import combine_models

from . import planted


def test_a_map_has_the_size_of_its_face():
    face = np.random.default_rng(0).integers(0, 256, (100, 100, 3)).astype(np.uint8)
    heat = explain.heat_map(planted.corner_network(), face)
    assert (heat.shape, heat.dtype, heat.max()) == ((100, 100), np.float32, 1)
    row, column = np.unravel_index(np.argmax(heat), heat.shape)
    assert row < 25
    assert column >= 75


def test_where_nothing_raises_the_score_the_map_is_empty():
    model = planted.corner_network()
    kernel, bias = model.get_layer("logit").get_weights()
    model.get_layer("logit").set_weights([-kernel, bias])
    for method in ("grad_cam", "grad_cam_pp"):
        heat = explain.heat_map(model, planted.noise(1)[0], method)
        assert not heat.any(), method
        assert explain.is_empty(heat)
    assert not explain.is_empty(explain.heat_map(planted.corner_network(), planted.noise(1)[0]))


def test_what_is_no_face_is_refused():
    model = planted.corner_network()
    with pytest.raises(TypeError, match="uint8"):
        explain.heat_map(model, np.zeros((64, 64, 3)))
    with pytest.raises(ValueError, match="shape"):
        explain.heat_map(model, np.zeros((64, 64), np.uint8))


def test_an_overlay_leaves_cold_places_as_they_are():
    face = planted.noise(1)[0]
    heat = np.zeros(face.shape[:2], np.float32)
    heat[:10] = 1
    laid = explain.overlay(face, heat)
    assert laid.dtype == np.uint8
    assert np.array_equal(laid[10:], face[10:])
    expected = face[:10] * (1 - STRENGTH) + coloured(heat)[:10] * STRENGTH
    assert np.abs(laid[:10] - expected).max() <= 0.51
    levels = coloured(np.linspace(0, 1, 50, dtype=np.float32)[None])[0].astype(float) @ (0.299, 0.587, 0.114)
    assert (np.diff(levels) > 0).all()  # brighter means hotter, without colour too


def test_pages_show_occlusion_but_for_large_models_whose_map_takes_one_pass(monkeypatch):
    model, face = planted.corner_network(), planted.noise(1)[0]
    assert explain.default_method(model) == "occlusion"
    assert np.array_equal(explain.heat_map(model, face), explain.heat_map(model, face, "occlusion"))
    monkeypatch.setattr("dfdetect.explain.heat_maps.LARGE", model.count_params() - 1)
    assert explain.default_method(model) == "grad_cam"
    assert np.array_equal(explain.heat_map(model, face), explain.heat_map(model, face, "grad_cam"))


def test_a_large_model_without_a_map_is_explained_by_occlusion(monkeypatch):
    monkeypatch.setattr("dfdetect.explain.heat_maps.LARGE", 0)
    members = [build_model("meso4", image_size=32, seed=seed) for seed in (1, 2)]
    ensemble = combine_models(members, on_logits=False)
    ensemble.get_layer("combine").set_weights([np.full((2, 1), 0.5), np.zeros(1)])
    assert explain.default_method(members[0]) == "grad_cam"
    assert explain.default_method(ensemble) == "occlusion"
    assert explain.heat_map(ensemble, planted.noise(1)[0], "occlusion").shape == (64, 64)
