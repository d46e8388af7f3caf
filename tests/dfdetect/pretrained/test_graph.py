"""The graph that ships beside the weights."""

import numpy as np
import pytest

from dfdetect.models.build import build_model
from dfdetect.models.light import open_onnx
from dfdetect.models.shipped import list_pretrained, pretrained_folder
from dfdetect.predict import detector as detectors
from dfdetect.predict.detector import Detector
from dfdetect.pretrained.graph import write_graph
from dfdetect.pretrained.shipping import halve
from dfdetect.runs.exported import open_graph
from dfdetect.runs.folder import Run
from face_extraction.errors import InputError

pytest.importorskip("tf2onnx")


@pytest.fixture
def made(tmp_path):
    """A run's folder with weights in half precision, and its model, with drawn running statistics."""
    model = build_model("custom_cnn", image_size=32, dropout=0.5, seed=1)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "moving" in weight.path:
            weight.assign(rng.uniform(0.5, 2, weight.shape))
    run = Run(tmp_path)
    model.save_weights(tmp_path / "whole.weights.h5")
    halve(tmp_path / "whole.weights.h5", run.weights)
    model.load_weights(run.weights)
    return run, model


def test_it_scores_as_keras_does_with_the_same_weights(made):
    run, model = made
    before = [np.array(weight) for weight in model.weights]
    assert write_graph(run, model) < 1e-5
    assert all(np.array_equal(old, new) for old, new in zip(before, model.weights, strict=True))
    assert run.graph.stat().st_size < 60_000 < run.weights.stat().st_size
    rgb = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3))
    expected = np.asarray(model.predict_on_batch(rgb.astype("float32")))
    assert np.ptp(expected) > 1e-4
    np.testing.assert_allclose(open_graph(run).predict_on_batch(rgb), expected, atol=1e-5)
    with pytest.raises(InputError, match="not an ONNX model that can run here"):
        open_onnx(run.graph)  # without the weights
    other = build_model("custom_cnn", image_size=32, dense_units=3)
    other.save_weights(run.weights)
    with pytest.raises(InputError, match=r"graph\.onnx: not an ONNX model"):
        open_graph(run)


@pytest.mark.parametrize("name", list_pretrained())
def test_what_ships_gives_the_verdict_that_keras_gives(name, monkeypatch):
    light = Detector.default(name, whole=True)
    assert light.model.backend == "onnxruntime"
    monkeypatch.setattr(detectors, "has_onnx", lambda: False)
    full = Detector.default(name, whole=True)
    rgb = np.random.default_rng(0).integers(0, 256, (150, 140, 3), dtype=np.uint8)
    (ours,), (theirs,) = light.predict_image(rgb), full.predict_image(rgb)
    assert ours.score == pytest.approx(theirs.score, abs=1e-3)
    assert ours.level == theirs.level
    ours, theirs = light.record(), full.record()
    assert (ours.model_sha256, ours.cuts, ours.skill) == (theirs.model_sha256, theirs.cuts, theirs.skill)
    assert pretrained_folder(name).name == light.name
