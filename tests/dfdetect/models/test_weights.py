"""Weights files: whole, partial, wrong; and what is recorded of them."""

import dataclasses
import hashlib
import json

import h5py
import keras
import numpy as np
import pytest

from dfdetect.models.blocks import backbone_layers
from dfdetect.models.build import build_model
from dfdetect.models.weights import weights_origin
from face_extraction.errors import InputError

MOBILENET = "weights/mobilenet_1_0_224_notop.weights.h5"
XCEPTION = "weights/xception_to_block13.fp16.weights.h5"


def cnn(**settings) -> keras.Model:
    return build_model("custom_cnn", image_size=32, **settings)


def until(model: keras.Model, layer: str) -> keras.Model:
    return keras.Model(model.input, model.get_layer(layer).output)


def kernel(model: keras.Model, layer: str) -> np.ndarray:
    return np.array(model.get_layer(layer).kernel)


@pytest.fixture
def save(tmp_path):
    def write(model: keras.Model, name: str = "some.weights.h5") -> str:
        path = tmp_path / name
        if name.endswith(".weights.h5"):
            model.save_weights(path)
        else:
            model.save(path)
        return str(path)

    return write


def test_without_weights_all_layers_are_recorded_as_random():
    origin = weights_origin(cnn())
    assert (origin.source, origin.sha256, origin.loaded) == ("none", "", 0)
    assert origin.total == 388_416 + 256 * 128 + 128 + 128 + 1
    assert origin.random == (*(f"stage{n}_conv" for n in (1, 2, 3, 4)), "top_dense", "logit")
    assert str(origin) == "random"


def test_whole_model_is_loaded(save):
    model = cnn(seed=1)
    path = save(model)
    again = cnn(seed=2, weights=path, whole=True)
    origin = weights_origin(again)
    assert (origin.source, origin.random) == (path, ())
    assert origin.loaded == origin.total == model.count_params()
    with open(path, "rb") as file:
        assert origin.sha256 == hashlib.sha256(file.read()).hexdigest()
    assert str(origin) == f"{path} (421,441 of 421,441 parameters; nothing left random)"
    assert json.loads(json.dumps(dataclasses.asdict(origin)))["total"] == 421_441
    for layer in ("stage1_conv", "top_dense", "logit"):
        np.testing.assert_array_equal(kernel(again, layer), kernel(model, layer))


def test_weights_of_a_trained_model_are_loaded_without_its_optimizer(save):
    model = cnn(seed=1, dropout=0.5)
    model.compile("adam", "binary_crossentropy")
    model.train_on_batch(np.zeros((2, 32, 32, 3)), np.array([0.0, 1.0]))
    again = cnn(weights=save(model), dropout=0.5, seed=2)
    np.testing.assert_array_equal(kernel(again, "logit"), kernel(model, "logit"))


def test_backbone_is_loaded_and_the_head_stays_random(save):
    model = cnn(seed=1)
    again = cnn(seed=2, weights=save(until(model, "features")))
    assert weights_origin(again).random == ("top_dense", "logit")
    assert weights_origin(again).loaded == 388_416
    np.testing.assert_array_equal(kernel(again, "stage4_conv"), kernel(model, "stage4_conv"))
    np.testing.assert_array_equal(kernel(again, "logit"), kernel(cnn(seed=2), "logit"))


def test_backbone_alone_is_refused_where_the_whole_is_asked_for(save):
    with pytest.raises(InputError, match="not the weights of a whole custom_cnn; missing: top_dense, logit"):
        cnn(weights=save(until(cnn(), "features")), whole=True)


@pytest.mark.parametrize("weights", ["none", "imagenet"])
def test_words_for_weights_are_refused_where_the_whole_is_asked_for(monkeypatch, weights):
    monkeypatch.setattr(keras.utils, "get_file", lambda *args, **kwargs: pytest.fail("it was fetched"))
    with pytest.raises(InputError, match=f"weights '{weights}' leave the head random; accepted: a weights"):
        build_model("mobilenet", weights=weights, whole=True)


def test_part_of_the_backbone_is_refused_and_says_what_is_missing(save):
    path = save(until(cnn(), "stage3_pool"))
    line = f"{path}: covers 93,248 of 388,416 parameters of custom_cnn; missing: stage4_conv; --partial"
    with pytest.raises(InputError) as refused:
        cnn(weights=path)
    assert str(refused.value).startswith(line)


def test_part_of_the_backbone_is_loaded_when_asked_for(save):
    model = cnn(seed=1)
    again = cnn(seed=2, weights=save(until(model, "stage3_pool")), partial_weights=True)
    origin = weights_origin(again)
    assert origin.random == ("stage4_conv", "top_dense", "logit")
    assert origin.loaded == 93_248
    np.testing.assert_array_equal(kernel(again, "stage3_conv"), kernel(model, "stage3_conv"))
    np.testing.assert_array_equal(kernel(again, "stage4_conv"), kernel(cnn(seed=2), "stage4_conv"))


def test_part_of_the_head_is_missing(save):
    with pytest.raises(InputError, match="missing: logit"):
        cnn(weights=save(until(cnn(), "top_dense")))


@pytest.mark.parametrize("partial", [False, True])
def test_layer_of_another_shape_is_refused(save, partial):
    with pytest.raises(
        InputError, match=r"layer top_dense has the shapes .*\(256, 128\).* file .*\(256, 9\)"
    ):
        cnn(weights=save(cnn(units=9)), partial_weights=partial)


@pytest.mark.parametrize("partial", [False, True])
def test_layer_too_many_is_refused(save, partial):
    model = cnn()
    longer = keras.Model(model.input, keras.layers.Dense(1)(model.output))
    with pytest.raises(InputError, match=r"which has no layer 'dense_2'"):
        cnn(weights=save(longer), partial_weights=partial)


@pytest.mark.parametrize("partial", [False, True])
def test_another_models_weights_are_refused(save, partial):
    path = save(build_model("meso4", image_size=32))
    with pytest.raises(InputError, match="does not fit custom_cnn"):
        cnn(weights=path, partial_weights=partial)


def test_value_missing_inside_a_layer_is_refused(save):
    path = save(cnn())
    with h5py.File(path, "a") as file:
        del file["layers/conv2d_1/vars/1"]
    with pytest.raises(InputError, match="layer stage2_conv has the shapes"):
        cnn(weights=path, partial_weights=True)


def test_keras_2_format_is_loaded_in_the_layers_order(save, caplog):
    model = cnn(seed=1)
    for part, left in ((until(model, "features"), ("top_dense", "logit")), (model, ())):
        again = cnn(seed=2, weights=save(part, "old.h5"))
        assert weights_origin(again).random == left
        np.testing.assert_array_equal(kernel(again, "stage4_conv"), kernel(model, "stage4_conv"))
    np.testing.assert_array_equal(kernel(again, "logit"), kernel(model, "logit"))


def test_own_mesonet_in_keras_2_format_keeps_its_polarity(save):
    model = build_model("meso4", image_size=32, seed=1)
    again = build_model("meso4", image_size=32, seed=2, weights=save(model, "old.h5"))
    np.testing.assert_array_equal(kernel(again, "logit"), kernel(model, "logit"))


def test_keras_2_format_of_another_model_is_refused(save):
    path = save(build_model("meso4", image_size=32), "old.h5")
    with pytest.raises(InputError, match="does not fit custom_cnn: Layer count mismatch"):
        cnn(weights=path, partial_weights=True)
    path = save(cnn(units=9), "other.h5")
    with pytest.raises(InputError, match=r"does not fit custom_cnn: Shape mismatch .*top_dense"):
        cnn(weights=path)


def test_suffix_and_format_must_agree(save, tmp_path):
    save(cnn())
    (tmp_path / "some.weights.h5").rename(tmp_path / "new.h5")
    with pytest.raises(InputError, match=r"new.h5: in Keras 3's format; rename it to \*.weights.h5"):
        cnn(weights=str(tmp_path / "new.h5"))
    save(cnn(), "old.h5")
    (tmp_path / "old.h5").rename(tmp_path / "old.weights.h5")
    with pytest.raises(InputError, match=r"old.weights.h5: in Keras 2's format; rename it to \*.h5"):
        cnn(weights=str(tmp_path / "old.weights.h5"))


def test_file_that_is_none_is_refused_in_one_line(tmp_path):
    path = tmp_path / "some.weights.h5"
    for line in (
        "no such weights file; accepted: none, or a file",
        "torn, or not a weights file; accepted: HDF5",
    ):
        with pytest.raises(InputError) as refused:
            cnn(weights=str(path))
        assert str(refused.value).startswith(f"{path}: {line}")
        assert "\n" not in str(refused.value)
        path.write_bytes(b"text")


def test_file_without_layers_is_refused(tmp_path):
    with h5py.File(tmp_path / "some.weights.h5", "w") as file:
        file["other"] = [1, 2]
    with pytest.raises(InputError, match="holds no layer's weights"):
        cnn(weights=str(tmp_path / "some.weights.h5"), partial_weights=True)


def test_model_without_imagenet_weights_says_so():
    with pytest.raises(InputError, match="meso4 has no ImageNet weights; accepted: none, or a weights file"):
        build_model("meso4", weights="imagenet")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Exception("URL fetch failure on https://a.b/c.h5: None -- no\nroute"), "URL fetch failure on .* no"),
        (ValueError("Incomplete or corrupted file detected."), "Incomplete or corrupted file detected."),
        (TimeoutError("timed out"), "timed out"),
    ],
)
def test_failed_download_is_one_line_with_a_way_out(monkeypatch, error, text):
    def fail(**kwargs):
        raise error

    monkeypatch.setattr(keras.applications, "Xception", fail)
    with pytest.raises(InputError, match=text) as refused:
        build_model("xception", weights="imagenet")
    assert str(refused.value).startswith("the published weights of xception could not be downloaded (")
    assert str(refused.value).endswith("; give a file with --weights PATH or --weights none")
    assert "\n" not in str(refused.value)


def test_mistake_in_a_family_is_no_failed_download(monkeypatch):
    def fail(**kwargs):
        raise TypeError("a mistake")

    monkeypatch.setattr(keras.applications, "Xception", fail)
    with pytest.raises(TypeError, match="a mistake"):
        build_model("xception", weights="imagenet")


def test_imagenet_weights_are_recorded(monkeypatch):
    original = keras.applications.MobileNet
    asked = []

    def offline(*, weights, **settings):
        asked.append(weights)
        return original(weights=None, **settings)

    monkeypatch.setattr(keras.applications, "MobileNet", offline)
    origin = weights_origin(build_model("mobilenet", image_size=64, weights="imagenet"))
    assert asked == ["imagenet"]
    assert (origin.source, origin.loaded, origin.random) == ("imagenet", 3_228_864, ("logit",))


@pytest.mark.shared
def test_mobilenet_file_covers_the_backbone(shared):
    path = str(shared / MOBILENET)
    origin = weights_origin(build_model("mobilenet", image_size=64, weights=path))
    assert (origin.loaded, origin.random) == (3_228_864, ("logit",))


@pytest.mark.shared
def test_mobilenet_features_are_those_of_keras(shared):
    path = str(shared / MOBILENET)
    reference = keras.applications.MobileNet(include_top=False, weights=path, input_shape=(96, 96, 3))
    ours = until(build_model("mobilenet", image_size=96, weights=path), "features")
    rgb = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3)).astype("float32")
    expected = reference(keras.applications.mobilenet.preprocess_input(rgb.copy()))
    np.testing.assert_allclose(np.array(ours(rgb)), np.array(expected), atol=1e-4)


@pytest.mark.shared
def test_xception_file_covers_all_but_the_last_block(shared):
    path = str(shared / XCEPTION)
    missing = ("block14_sepconv1", "block14_sepconv1_bn", "block14_sepconv2", "block14_sepconv2_bn")
    with pytest.raises(InputError, match=f"missing: {', '.join(missing)}; --partial-weights"):
        build_model("xception", image_size=71, weights=path)
    model = build_model("xception", image_size=71, weights=path, partial_weights=True)
    origin = weights_origin(model)
    assert origin.random == (*missing, "logit")
    assert origin.loaded == 20_861_480 - 4_755_968
    reference = keras.applications.Xception(include_top=False, weights=None, input_shape=(71, 71, 3))
    cut = [layer for layer in reference.layers if isinstance(layer, keras.layers.Add)][-1]
    reference = keras.Model(reference.input, cut.output)
    reference.load_weights(path)
    add = [layer for layer in backbone_layers(model) if isinstance(layer, keras.layers.Add)][-1]
    rgb = np.random.default_rng(0).integers(0, 256, (2, 71, 71, 3)).astype("float32")
    np.testing.assert_allclose(
        np.array(until(model, add.name)(rgb)), np.array(reference(rgb / 127.5 - 1)), rtol=1e-3, atol=1e-3
    )
