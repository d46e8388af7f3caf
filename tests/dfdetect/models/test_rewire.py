"""EfficientNet-B4 and ConvNeXt-Tiny compute what Keras' networks compute, however they get their weights."""

import keras
import numpy as np
import pytest
from keras.src.applications import efficientnet

from dfdetect.models.build import build_model
from dfdetect.models.weights import weights_origin
from face_extraction.errors import InputError

SIZE = 64
# What Keras' files hold: the deviation stands in place of the variance.
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 0)


def normalisation(model: keras.Model) -> keras.layers.Normalization:
    (layer,) = [layer for layer in model.layers if isinstance(layer, keras.layers.Normalization)]
    return layer


def features(model: keras.Model, rgb: np.ndarray) -> np.ndarray:
    return np.array(keras.Model(model.input, model.get_layer("features").output)(rgb))


@pytest.fixture
def rgb():
    return np.random.default_rng(0).integers(0, 256, (8, SIZE, SIZE, 3)).astype("float32")


@pytest.fixture
def download(rgb, awaken, tmp_path, monkeypatch):
    """A file like that of Keras' servers, with weights of our own, and what Keras gives for it."""
    settings = {"include_top": False, "input_shape": (SIZE, SIZE, 3)}
    keras.utils.set_random_seed(1)
    path = tmp_path / "efficientnetb4_notop.weights.h5"
    plain = keras.applications.EfficientNetB4(weights=None, **settings)
    normalisation(plain).set_weights([np.array(value) for value in IMAGENET])
    plain.save_weights(path)
    monkeypatch.setattr(efficientnet.file_utils, "get_file", lambda *args, **kwargs: str(path))
    reference = keras.applications.EfficientNetB4(weights="imagenet", **settings)
    awaken(reference, rgb)
    reference.save_weights(path)
    reference.save(tmp_path / "efficientnetb4_notop.h5")
    return path, reference


@pytest.mark.slow
def test_weights_give_equal_features_downloaded_or_from_a_file(download, rgb):
    path, reference = download
    expected = np.array(reference(rgb))
    assert np.ptp(expected) > 1e-3
    for weights in ("imagenet", str(path), str(path.with_name("efficientnetb4_notop.h5"))):
        model = build_model("efficientnet_b4", image_size=SIZE, weights=weights)
        np.testing.assert_allclose(features(model, rgb), expected, rtol=1e-3, atol=1e-4)
        assert weights_origin(model).loaded == 17_673_823


def check_normalisation(model: keras.Model, rgb: np.ndarray) -> None:
    """The last scaling gives what the first convolution is to see."""
    last = [layer for layer in model.layers if isinstance(layer, keras.layers.Rescaling)][-1]
    expected = keras.applications.imagenet_utils.preprocess_input(rgb.copy(), mode="torch")
    np.testing.assert_allclose(np.array(keras.Model(model.input, last.output)(rgb)), expected, atol=1e-5)


def test_efficientnet_normalises_with_random_weights_too(rgb):
    model = build_model("efficientnet_b4", image_size=SIZE)
    check_normalisation(model, rgb)


def test_efficientnet_keeps_pixels_exact_in_half_precision(rgb):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_model("efficientnet_b4", image_size=SIZE)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("stem_conv").compute_dtype == "bfloat16"
    check_normalisation(model, rgb)


def test_convnext_computes_what_keras_does_and_takes_its_files(rgb, tmp_path):
    model = build_model("convnext_tiny", image_size=SIZE, seed=1)
    backbone = keras.Model(model.input, model.get_layer("features").output)
    # Layer scale starts at 1e-6: larger ones let the blocks count.
    for layer in backbone.layers:
        if layer.name.endswith("layer_scale"):
            layer.gamma.assign(np.ones(layer.gamma.shape))
    reference = keras.applications.ConvNeXtTiny(include_top=False, weights=None, input_shape=(SIZE, SIZE, 3))
    reference.set_weights(backbone.get_weights())
    expected = np.array(reference(rgb))
    np.testing.assert_allclose(features(model, rgb), expected, rtol=1e-3, atol=1e-4)
    # The file has the stem and each downsampling as one layer of several, as Keras' servers have.
    path = tmp_path / "convnext_tiny_notop.h5"
    reference.save(path)
    loaded = build_model("convnext_tiny", image_size=SIZE, weights=str(path))
    np.testing.assert_allclose(features(loaded, rgb), expected, rtol=1e-3, atol=1e-4)
    assert weights_origin(loaded).random == ("logit",)
    with pytest.raises(InputError, match="holds far more values than the model's"):
        build_model("mobilenet", image_size=SIZE, weights=str(path))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["convnext_tiny", "efficientnet_b4"])
def test_rewired_model_is_saved_and_loaded(name, rgb, tmp_path):
    model = build_model(name, image_size=SIZE)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(np.array(again(rgb)), np.array(model(rgb)))
