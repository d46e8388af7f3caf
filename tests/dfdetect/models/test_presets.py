"""keras-hub's presets: our graphs compute what its networks do, and what does not fit is refused."""

import hashlib
import json
import random
import re
import shutil
import sys

import kagglehub
import keras
import keras_hub
import numpy as np
import pytest

from dfdetect.models import registry
from dfdetect.models.build import build_model
from dfdetect.models.families import deit, dinov2, vit
from dfdetect.models.head import mark_features
from dfdetect.models.layers.transformer import embed, encode
from dfdetect.models.names import is_preset
from dfdetect.models.presets import Preset, load_preset
from dfdetect.models.registry import Backbone, Family, family
from dfdetect.models.weights import weights_origin
from dfdetect.recipe import Recipe
from dfdetect.runs.build import build_from_recipe
from face_extraction.errors import InputError

VIT = {"patch_size": (4, 4), "num_layers": 2, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 64}
DINOV2 = {
    "patch_size": 4,
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 16,
    "intermediate_dim": 64,
    "num_register_tokens": 3,
    "position_embedding_shape": (12, 12),
    "antialias_in_interpolation": True,
}
# As keras-hub's conversion writes it, with another epsilon than ours.
DEIT = {
    "patch_size": (4, 4),
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 16,
    "intermediate_dim": 64,
    "layer_norm_epsilon": 1e-12,
}


def save(kind: str, settings: dict, folder) -> keras.Model:
    """A network of keras-hub's with drawn weights, saved as a preset."""
    network = getattr(keras_hub.models, kind)(**settings)
    rng = np.random.default_rng(5)
    for weight in network.weights:
        if "seed_generator" not in weight.path:
            values = rng.normal(0, 0.2, weight.shape)
            weight.assign(np.abs(values) if weight.path.endswith("variance") else values)
    network.save_to_preset(str(folder))
    # DINOv2 saves other positions than it used so far.
    network.load_weights(folder / "model.weights.h5")
    return network


def tiny(scaled: bool, **settings) -> keras.Model:
    """Our graph of the tiny networks above, at 8 pixels."""
    image = keras.Input((8, 8, 3))
    x = encode(embed(image, patch=4, width=16, **settings), depth=2, heads=2, scaled=scaled)
    return keras.Model(image, mark_features(x), name="tiny")


@pytest.mark.parametrize(
    ("kind", "settings", "weights", "ours"),
    [
        ("ViTBackbone", VIT, vit._weights, {"scaled": False, "grid": 2}),
        ("DINOV2Backbone", DINOV2, dinov2._weights, {"scaled": True, "grid": 3, "registers": 3}),
        ("DeiTBackbone", DEIT, deit._weights, {"scaled": False, "grid": 2, "leading": 2}),
    ],
)
def test_tokens_are_those_of_keras_hub(kind, settings, weights, ours, tmp_path):
    settings = {**settings, "image_shape": (8, 8, 3)}
    network = save(kind, settings, tmp_path)
    model = tiny(**ours)
    load_preset(model, Preset("", kind, settings, weights), tmp_path)
    x = np.random.default_rng(0).normal(size=(3, 8, 8, 3)).astype("float32")
    expected = np.array(network({"images": x} if kind == "DINOV2Backbone" else x))
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(np.array(model(x)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Layer 'attn':UserWarning")
@pytest.mark.parametrize("name", ["vit_ti16", "deit_ti16", "swin_t", "dinov2_s14"])
def test_features_are_those_of_keras_hub_at_full_size(name, tmp_path):
    preset = family(name).preset
    settings = {**preset.settings, "image_shape": (224, 224, 3)}
    if name.startswith("dinov2"):
        settings["antialias_in_interpolation"] = True
    network = save(preset.backbone, settings, tmp_path)
    model = build_model(name, weights=str(tmp_path))
    normalised, features = (model.get_layer(part).output for part in ("normalise", "features"))
    rgb = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3)).astype("float32")
    x, given = (np.array(part) for part in keras.Model(model.input, [normalised, features])(rgb))
    expected = np.array(network({"images": x} if name.startswith("dinov2") else x))
    np.testing.assert_allclose(given.reshape(expected.shape), expected, rtol=1e-3, atol=1e-3)


@pytest.fixture(scope="module")
def resnet(tmp_path_factory):
    """keras-hub's ResNet-18 with drawn weights, and the folder of its preset."""
    folder = tmp_path_factory.mktemp("resnet")
    return save("ResNetBackbone", family("resnet18").preset.settings, folder), folder


# 75: where a side is odd, padding on two sides and on one differ.
@pytest.mark.parametrize("size", [64, 75])
def test_resnet18_is_that_of_keras_hub_with_torchvisions_pixels(resnet, size):
    network, folder = resnet
    model = build_model("resnet18", image_size=size, weights=str(folder))
    origin = weights_origin(model)
    assert (origin.loaded, origin.random) == (11_186_112, ("logit",))
    rgb = np.random.default_rng(0).integers(0, 256, (2, size, size, 3)).astype("float32")
    pixels = (rgb / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    expected = np.array(network(pixels.astype("float32")))
    given = np.array(keras.Model(model.input, model.get_layer("features").output)(rgb))
    # Drawn weights magnify what they are given from block to block.
    assert expected.std() > 1
    np.testing.assert_allclose(given / expected.std(), expected / expected.std(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("settings", dinov2.ALSO.items())
def test_presets_of_dinov2_may_be_as_keras_hubs_conversion_writes_them(tmp_path, monkeypatch, settings):
    """As of the published ones with registers: its normalisation is of outputs that are not ours."""
    name, (value,) = settings
    wanted = family("dinov2_s14").preset.settings
    config = {"class_name": "DINOV2Backbone", "config": {**wanted, name: value}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.weights.h5").write_bytes(b"none")
    with pytest.raises(InputError, match=r"model\.weights\.h5: does not fit dinov2_s14"):  # not config.json
        build_model("dinov2_s14", weights=str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"stackwise_num_blocks": [3, 4, 6, 3]},
            r"stackwise_num_blocks is \[3, 4, 6, 3\], not \[2, 2, 2, 2\]",
        ),
        ({"block_type": "bottleneck_block"}, "block_type is bottleneck_block, not basic_block"),
        ({"use_pre_activation": True}, "use_pre_activation is True, not False"),
    ],
)
def test_another_resnet_is_not_resnet18(resnet, tmp_path, settings, line):
    folder = shutil.copytree(resnet[1], tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    config["config"] |= settings
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=rf"config\.json: does not fit resnet18: {line}"):
        build_model("resnet18", weights=str(folder))


def test_each_family_refuses_the_preset_of_another_network(resnet, preset):
    with pytest.raises(InputError, match="a preset of ViTBackbone; resnet18 accepts ResNetBackbone"):
        build_model("resnet18", weights=str(preset))
    with pytest.raises(InputError, match="a preset of ResNetBackbone; tiny accepts ViTBackbone"):
        build_model("tiny", weights=str(resnet[1]))


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A preset of a tiny ViT with drawn weights."""
    folder = tmp_path_factory.mktemp("preset")
    save("ViTBackbone", {**VIT, "image_shape": (8, 8, 3)}, folder)
    return folder


@pytest.fixture
def copy(preset, tmp_path):
    """A copy of it, to break."""
    shutil.copytree(preset, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture(autouse=True)
def tiny_family(monkeypatch):
    """A family `tiny` that such presets fit."""

    def build(image):
        return Backbone(encode(embed(image, patch=4, width=16, grid=2), depth=2, heads=2))

    kind = Family(
        name="tiny",
        build=build,
        image_size=8,
        min_image_size=8,
        size_step=4,
        normalisation="tf",
        blocks=r"(block\d+)_",
        reference="",
        pretrained="imagenet",
        preset=Preset(
            "vit_base_patch16_224_imagenet", "ViTBackbone", {**VIT, "image_shape": (8, 8, 3)}, vit._weights
        ),
    )
    monkeypatch.setitem(registry._FAMILIES._things, "tiny", kind)


# The patches, the class token and five positions, two blocks, the last normalisation.
TINY = (48 + 1) * 16 + 6 * 16 + 2 * (4 * 17 * 16 + 17 * 64 + 65 * 16 + 64) + 32


def test_loading_a_preset_leaves_the_callers_random_state_alone(preset):
    random.seed(5)
    expected = random.random()
    random.seed(5)
    build_model("tiny", weights=str(preset))
    assert random.random() == expected


@pytest.mark.parametrize("size", [8, 16])
def test_preset_is_loaded_at_any_image_size_and_recorded(preset, size):
    model = build_model("tiny", image_size=size, weights=str(preset))
    origin = weights_origin(model)
    assert (origin.source, origin.random) == (str(preset), ("logit",))
    assert (origin.loaded, origin.total) == (TINY, TINY + 17)
    content = (preset / "model.weights.h5").read_bytes()
    assert origin.sha256 == hashlib.sha256(content).hexdigest()
    assert not np.any(np.array(build_model("tiny").get_layer("tokens").first))
    assert np.all(np.array(model.get_layer("tokens").first))


def test_recipe_takes_a_preset_and_still_a_run(preset, tmp_path):
    recipe = Recipe(model="tiny", image_size=8, weights=str(preset), trainable="norm")
    model = build_from_recipe(recipe)
    assert weights_origin(model).loaded == TINY
    # Five layer normalisations, and the head.
    assert sum(np.prod(w.shape) for w in model.trainable_variables) == 5 * 2 * 16 + 17
    with pytest.raises(InputError, match="not a run folder"):
        build_from_recipe(recipe.with_changes(weights=str(tmp_path)))


def test_preset_is_refused_where_a_whole_model_is_asked_for(preset):
    with pytest.raises(
        InputError, match=f"{preset}: a keras-hub preset.*tiny takes only weights of whole models"
    ):
        build_model("tiny", weights=str(preset), whole=True)


def test_family_without_presets_refuses_them(preset):
    with pytest.raises(
        InputError, match=f"{preset}: a keras-hub preset, which holds a backbone; meso4 takes none"
    ):
        build_model("meso4", weights=str(preset))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"num_heads": 4}, "num_heads is 4, not 2"),
        ({"patch_size": [2, 2]}, r"patch_size is \[2, 2\], not \[4, 4\]"),
        ({"layer_norm_epsilon": 1e-3}, "layer_norm_epsilon is 0.001, not 1e-06"),
    ],
)
def test_preset_of_another_form_is_refused(copy, change, line):
    config = json.loads((copy / "config.json").read_text())
    config["config"] |= change
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=rf"config\.json: does not fit tiny: {line}"):
        build_model("tiny", weights=str(copy))


def test_preset_of_another_network_is_refused(copy):
    text = (copy / "config.json").read_text().replace("ViTBackbone", "DeiTBackbone")
    (copy / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"config\.json: a preset of DeiTBackbone; tiny accepts ViTBackbone"):
        build_model("tiny", weights=str(copy))


@pytest.mark.parametrize("settings", [{"num_layers": 1}, {"hidden_dim": 8}, {"image_shape": (16, 16, 3)}])
def test_preset_of_other_weights_than_it_says_is_refused(copy, settings):
    save("ViTBackbone", {**VIT, "image_shape": (8, 8, 3), **settings}, copy / "other")
    shutil.copy(copy / "other" / "model.weights.h5", copy)
    with pytest.raises(InputError, match=r"model\.weights\.h5: does not fit tiny: ") as refused:
        build_model("tiny", weights=str(copy))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_broken_configuration_is_refused(copy, text):
    (copy / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"config\.json: not a preset's configuration"):
        build_model("tiny", weights=str(copy))


def test_preset_runs_no_code_of_its_own(copy):
    config = json.loads((copy / "config.json").read_text())
    config["module"], config["registered_name"] = "os", "system"
    (copy / "config.json").write_text(json.dumps(config))
    assert weights_origin(build_model("tiny", weights=str(copy))).loaded == TINY


def test_folder_without_weights_is_no_preset(copy):
    assert is_preset(copy)
    (copy / "model.weights.h5").unlink()
    assert not is_preset(copy)


def test_published_weights_are_fetched_by_name(preset, monkeypatch):
    asked = []

    def fetch(handle, path):
        asked.append((handle.rpartition("/")[0], path))
        return str(preset / path)

    monkeypatch.setattr(kagglehub, "model_download", fetch)
    origin = weights_origin(build_model("tiny", weights="imagenet"))
    assert (origin.source, origin.loaded, len(origin.sha256)) == ("imagenet", TINY, 64)
    handle = "keras/vit/keras/vit_base_patch16_224_imagenet"
    assert asked == [(handle, "config.json"), (handle, "model.weights.h5")]


@pytest.mark.parametrize(
    "name",
    ["resnet18", "vit_b16", "vit_l16", "deit_ti16", "deit_s16", "swin_t", "dinov2_s14", "dinov2_b14"],
)
def test_published_names_are_keras_hubs(name):
    preset = family(name).preset
    facts = getattr(keras_hub.models, preset.backbone).presets[preset.name]
    assert facts["kaggle_handle"].startswith("kaggle://")


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"layer_norm_epsilon": 1e-12}, ""),
        ({"layer_norm_epsilon": 1e-3}, "layer_norm_epsilon is 0.001, not 1e-06"),
        ({"hidden_dim": 384}, "hidden_dim is 384, not 192"),
    ],
)
def test_deit_takes_the_epsilon_of_keras_hubs_conversion_and_no_other(tmp_path, settings, line):
    config = {"patch_size": [16, 16], "num_layers": 12, "num_heads": 3, "intermediate_dim": 768}
    config |= {"image_shape": [224, 224, 3], "hidden_dim": 192, **settings}
    text = json.dumps({"class_name": "DeiTBackbone", "config": config})
    (tmp_path / "config.json").write_text(text)
    (tmp_path / "model.weights.h5").write_bytes(b"")
    # What is not refused by its configuration is by its empty weights.
    file = f"config.json: does not fit deit_ti16: {line}" if line else "model.weights.h5: does not fit"
    with pytest.raises(InputError, match=re.escape(file)):
        build_model("deit_ti16", image_size=32, weights=str(tmp_path))


@pytest.mark.parametrize("error", [ConnectionError("no route\nto host"), RuntimeError("no access")])
def test_failed_download_is_one_line_with_a_way_out(monkeypatch, error):
    def fail(*args):
        raise error

    monkeypatch.setattr(kagglehub, "model_download", fail)
    with pytest.raises(InputError, match=r"\(no (route to host|access)\)") as refused:
        build_model("tiny", weights="imagenet")
    assert str(refused.value).startswith("the published weights of tiny could not be downloaded (")
    assert str(refused.value).endswith("; give a file with --weights PATH or --weights none")
    assert "\n" not in str(refused.value)


def test_missing_keras_hub_names_the_extra(monkeypatch, preset):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    assert build_model("tiny")
    with pytest.raises(InputError, match=r"^tiny: its published weights .* pip install '\.\[hub\]'"):
        build_model("tiny", weights=str(preset))


def test_published_weights_have_the_name_of_their_data():
    with pytest.raises(InputError, match="dinov2_s14 has no ImageNet weights; accepted: lvd142m, none, or"):
        build_model("dinov2_s14", weights="imagenet")
    with pytest.raises(InputError, match="vit_ti16 has no ImageNet weights; accepted: none, or"):
        build_model("vit_ti16", weights="imagenet")
