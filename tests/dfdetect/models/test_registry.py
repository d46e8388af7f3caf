"""The registry: names without Keras, wrong input in one line, and the head's parts."""

import random
import subprocess
import sys

import keras
import numpy as np
import pytest

from dfdetect.models.blocks import set_trainable
from dfdetect.models.build import build_model
from dfdetect.models.head import mark_features
from dfdetect.models.layers.normalise import MODES, Normalize
from dfdetect.models.registry import Backbone, family, list_models, register
from dfdetect.recipe import Recipe
from dfdetect.runs.build import build_from_recipe
from face_extraction.errors import InputError


def test_listing_names_imports_no_keras():
    code = (
        "import sys, dfdetect.models.registry as m; names = m.list_models(); m.family(names[0]);"
        "print(*names, *{'keras', 'tensorflow', 'h5py', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == list_models()


def test_models_are_found():
    assert set(list_models()) >= {
        *("alexnet", "alexnet_rnn", "convnext_tiny", "efficientnet_b4", "resnet18", "resnet50_plus"),
        *("custom_cnn", "densenet121", "inception_v3", "meso4", "mesoinception4"),
        *("mobilenet", "resnet50", "vgg16", "xception"),
        *("deit_ti16", "deit_s16"),
        *("vit_ti16", "vit_s16", "vit_b16", "vit_l16", "vit_s14", "swin_t", "dinov2_s14", "dinov2_b14"),
    }


def test_unknown_model_names_the_nearest():
    with pytest.raises(InputError, match=r"unknown model 'xeption' \(nearest: xception\)"):
        family("xeption")


def test_a_name_cannot_be_taken_twice():
    with pytest.raises(ValueError, match="two families are named 'meso4'"):
        register("meso4")(lambda image: Backbone(image))


def test_unknown_option_names_those_there_are():
    with pytest.raises(InputError, match=r"unknown option of custom_cnn 'unit' \(nearest: units\)"):
        build_model("custom_cnn", unit=3)
    with pytest.raises(InputError, match="option of vgg16 'weighs'; accepted: none"):
        build_model("vgg16", weighs=3)


@pytest.mark.parametrize("units", [0, -1, 2.5, "abc", True])
def test_an_option_of_another_kind_or_size_is_refused(units):
    with pytest.raises(
        InputError, match=r"alexnet: option units .*; accepted: a whole number from 1 to 65,536"
    ):
        build_model("alexnet", units=units)


@pytest.mark.parametrize("share", [2, 1.0, -0.1, float("nan"), "half", False])
def test_a_share_is_within_0_and_1(share):
    with pytest.raises(InputError, match=r"swin_t: option drop_path .*; accepted: a number from 0 to"):
        build_model("swin_t", drop_path=share)
    family("swin_t").check_options({"drop_path": 0})


def test_option_reaches_the_family():
    assert build_model("custom_cnn", units=5).get_layer("top_dense").units == 5


def test_every_kind_of_normalisation_is_trained_with_norm_and_nothing_else_before_the_head():
    x = image = keras.Input((4, 4, 8))
    for kind in ("Conv2D", "BatchNormalization", "LayerNormalization", "GroupNormalization"):
        arguments = {"Conv2D": {"filters": 8, "kernel_size": 1}, "GroupNormalization": {"groups": 2}}
        x = getattr(keras.layers, kind)(**arguments.get(kind, {}), name=kind)(x)
    x = keras.layers.GlobalAveragePooling2D()(mark_features(x))
    model = keras.Model(image, keras.layers.Dense(1, name="logit")(x))
    set_trainable(model, family("custom_cnn"), "norm")
    trained = [layer.name for layer in model.layers if layer.trainable_variables]
    assert trained == ["BatchNormalization", "LayerNormalization", "GroupNormalization", "logit"]


@pytest.mark.parametrize("text", ["last:0", "last:", "last:-1", "last:1.5", "first:1", ""])
def test_unknown_trainable_is_refused(text):
    with pytest.raises(InputError, match="accepted: all, head, norm, or last:N with N from 1 to 4"):
        build_model("meso4", trainable=text)


@pytest.mark.parametrize("size", [None, 0])
def test_image_size_is_the_familys_by_default(size):
    assert build_model("meso4", image_size=size).input_shape == (None, 256, 256, 3)


def test_normalisation_is_another_where_it_is_asked_for(faces):
    """Report B takes every model's pixels to -1..1, Report D to ImageNet's mean and deviation."""
    rgb = faces("custom_cnn")[0].astype("float32")
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    for mode, expected in (("tf", rgb / 127.5 - 1), ("torch", (rgb / 255 - mean) / deviation)):
        model = build_model("custom_cnn", image_size=64, normalisation=mode)
        graph = keras.Model(model.input, model.get_layer("normalise").output)
        np.testing.assert_allclose(np.array(graph(rgb)), expected, atol=1e-5)
    with pytest.raises(InputError, match=r"unknown normalisation 'tensor'.*accepted: caffe, own"):
        build_model("custom_cnn", normalisation="tensor")
    with pytest.raises(InputError, match="efficientnet_b4: normalisation 'tf'; accepted: own"):
        build_model("efficientnet_b4", normalisation="tf")


def test_head_has_the_layers_asked_for():
    model = build_model("mobilenet", image_size=64, dense_units=7, dropout=0.25)
    assert model.get_layer("head_dense").units == 7
    assert model.get_layer("head_dense").activation is keras.activations.relu
    assert model.get_layer("head_dropout").rate == 0.25
    plain = build_model("mobilenet", image_size=64)
    assert "head_dense" not in [layer.name for layer in plain.layers]
    assert plain.get_layer("logit").kernel.shape == (1024, 1)


def test_what_a_recipe_says_of_its_model_reaches_it(faces):
    fields = {
        "image_size": 64,
        "dense_units": 7,
        "dropout": 0.25,
        "bn_momentum": 0.8,
        "trainable": "last:2",
        "normalisation": "torch",
        "l2": 0.01,
        "seed": 3,
    }
    rgb, _ = faces("meso4")
    model = build_from_recipe(Recipe(model="meso4", weights="none", **fields))
    expected = build_model("meso4", **fields)
    np.testing.assert_array_equal(np.array(model(rgb)), np.array(expected(rgb)))
    assert len(model.losses) == len(expected.losses) > 0
    for layer, other in zip(model.layers, expected.layers, strict=True):
        assert layer.trainable is other.trainable
    assert model.get_layer("head_dropout").rate == 0.25
    momenta = {each.momentum for each in model.layers if isinstance(each, keras.layers.BatchNormalization)}
    assert momenta == {0.8}


def test_building_leaves_the_callers_random_state_alone():
    random.seed(5)
    expected = random.random()
    random.seed(5)
    build_model("custom_cnn", image_size=32, seed=1)
    assert random.random() == expected


def test_seed_decides_dropout(faces):
    rgb, _ = faces("meso4")
    first, same, other = (
        np.array(build_model("meso4", image_size=64, dropout=0.5, seed=seed)(rgb, training=True))
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_mixed_precision_keeps_pixels_and_output_exact(faces):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_model("mobilenet", image_size=64)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("conv1").compute_dtype == "bfloat16"
    assert model.get_layer("normalise").output.dtype == "float32"
    assert model.output.dtype == "float32"
    assert np.array(model(faces("mobilenet")[0])).dtype == np.float32


@pytest.mark.parametrize("mode", MODES)
def test_normalise_is_saved_with_the_model(mode, tmp_path):
    image = keras.Input((2, 2, 3))
    model = keras.Model(image, Normalize(mode)(image))
    model.save(tmp_path / "model.keras")
    rgb = np.arange(12, dtype="float32").reshape(1, 2, 2, 3)
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(np.array(again(rgb)), np.array(model(rgb)))


def test_unknown_normalisation_is_refused():
    with pytest.raises(InputError, match=r"unknown normalisation 'coffee'.*nearest: caffe"):
        Normalize("coffee")


def test_whole_model_is_saved_and_loaded(faces, tmp_path):
    model = build_model("mobilenet", image_size=64, dropout=0.1)
    model.save(tmp_path / "model.keras")
    rgb, _ = faces("mobilenet")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(np.array(again(rgb)), np.array(model(rgb)))
