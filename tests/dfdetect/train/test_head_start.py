"""The head's start by logistic regression: what it computes, and when it is used."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from dfdetect.data.faces import FaceStore, Pass
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe
from dfdetect.train.head_start import STRENGTH, fit_head, start_head
from face_extraction.errors import InputError
from face_extraction.manifest import read_manifest


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    labels = np.repeat([0.0, 1.0], 50).astype("float32")
    return rng.normal(labels[:, None], [1.0, 20.0, 0.1], (100, 3)) + np.array([0, 300, -7]), labels


def test_the_logit_is_that_of_the_regression_on_standardised_features(features):
    values, labels = features
    kernel, bias = fit_head(values, labels)
    standardised = (values - values.mean(axis=0)) / values.std(axis=0)
    expected = LogisticRegression(C=STRENGTH).fit(standardised, labels).decision_function(standardised)
    np.testing.assert_allclose((values @ kernel + bias)[:, 0], expected, atol=1e-3)


def test_a_constant_feature_gets_no_weight_and_spoils_nothing(features):
    values, labels = features
    kernel, bias = fit_head(np.concatenate([values, np.full((100, 1), 3.0)], axis=1), labels)
    without, alone = fit_head(values, labels)
    np.testing.assert_allclose(kernel[:, 0], [*without[:, 0], 0], atol=1e-6)
    np.testing.assert_allclose(bias, alone, atol=1e-6)


def test_the_models_own_output_tells_the_classes_apart_and_the_backbone_is_unchanged(
    make_model, make_manifest
):
    manifest = make_manifest(train=30)
    samples = [sample for sample in read_manifest(manifest) if sample.split == "train"]
    store = FaceStore(manifest.parent, samples, 16)
    model = make_model()
    before = [np.array(weight) for weight in model.weights[:-2]]
    start_head(model, Pass(store, np.random.default_rng(0).permutation(len(store)), 8))
    for old, new in zip(before, model.weights[:-2], strict=True):
        np.testing.assert_array_equal(old, np.array(new))
    faces = np.stack([store.load(index) for index in range(len(store))])
    p_fake = np.asarray(model.predict_on_batch(faces))[:, 0]
    known = Predictions(samples, p_fake)
    assert known.p_fake[store.labels == 1].mean() > known.p_fake[store.labels == 0].mean() + 0.02


def test_it_needs_a_head_of_one_layer():
    with pytest.raises(InputError, match="head_start logistic with dense_units 8; accepted: dense_units 0"):
        Recipe(head_start="logistic", dense_units=8)
