"""The contract that every registered model keeps; a new family is tested here by itself."""

import re

import keras
import numpy as np
import pytest

from dfdetect.models.blocks import NORMALISATIONS, backbone_layers, blocks, set_trainable
from dfdetect.models.build import build_model
from dfdetect.models.names import PUBLISHED
from dfdetect.models.registry import family
from dfdetect.recipe import Recipe
from dfdetect.train.optimization import make_optimizer
from face_extraction.errors import InputError

# Parameters of the backbone up to `features`: the published ones of the networks without top.
PARAMETERS = {
    # Torchvision's convolutions (2,469,696), and four values of batch normalisation a channel.
    "alexnet": 2_469_696 + 4 * (64 + 192 + 384 + 256 + 256),
    "alexnet_rnn": 2_469_696 + 4 * (64 + 192 + 384 + 256 + 256),
    "convnext_tiny": 27_820_128,
    "custom_cnn": 896 + 18496 + 73856 + 295168,
    # Those of keras-hub's presets: a ViT's, and two tokens of each width more, one a position.
    "deit_s16": 21_666_432,
    "deit_ti16": 5_524_800,
    "densenet121": 7_037_504,
    # Those of keras-hub's presets, less what a detector does not use: the mask token, and the second
    # table of positions, which it resamples.
    "dinov2_b14": 87_635_712 - 768 - 1370 * 768,
    "dinov2_s14": 22_584_192 - 384 - 1370 * 384,
    "efficientnet_b4": 17_673_823,
    "inception_v3": 21_802_784,
    "mobilenet": 3_228_864,
    # Torchvision counts what is trained; the moving means and variances of 4800 channels come on top.
    "resnet18": 11_176_512 + 2 * 4800,
    "resnet50": 23_587_712,
    "resnet50_plus": 23_587_712,
    # Torchvision's 28,288,354, less the classifier; keras-hub's preset counts the same.
    "swin_t": 28_288_354 - 769 * 1000,
    "vgg16": 14_714_688,
    # timm's 5,717,416 and 22,050,664, torchvision's 86,567,656 and 304,326,632, less the classifiers.
    "vit_b16": 86_567_656 - 769 * 1000,
    "vit_l16": 304_326_632 - 1025 * 1000,
    "vit_s16": 22_050_664 - 385 * 1000,
    # The published 22,056,576 of DINOv2-S, less its mask token.
    "vit_s14": 22_056_576 - 384,
    "vit_ti16": 5_717_416 - 193 * 1000,
    "xception": 20_861_480,
}
# Blocks of each stage of EfficientNet-B4: those of B0 times 1.8, rounded up.
REPEATS = (2, 4, 4, 6, 6, 8, 2)


def transformer(depth, width, extra=0):
    """Blocks of a ViT; the second: four maps of attention, two dense layers, two normalisations."""
    parameters = 4 * (width + 1) * width + (width + 1) * 4 * width + (4 * width + 1) * width + 4 * width
    return (["stem", *(f"block{n}" for n in range(1, depth + 1))], "block2", parameters + extra)


# Names and number of blocks, and parameters of one of them by hand: a shortcut or a branch that falls
# into the wrong block changes them.
BLOCKS = {
    "alexnet": ([f"stage{n}" for n in range(1, 6)], "stage2", 25 * 64 * 192 + 192 + 4 * 192),
    "alexnet_rnn": ([f"stage{n}" for n in range(1, 6)], "stage1", 121 * 3 * 64 + 64 + 4 * 64),
    "convnext_tiny": (
        1 + 3 + 3 + 9 + 3 + 3,
        # With the layer normalisation that closes the network.
        "stage_3_block_2",
        (49 * 768 + 768) + 2 * 768 + 2 * 4 * 768 * 768 + (4 * 768 + 768) + 768 + 2 * 768,
    ),
    "custom_cnn": (["stage1", "stage2", "stage3", "stage4"], "stage2", 9 * 32 * 64 + 64),
    "deit_s16": transformer(12, 384),
    "deit_ti16": transformer(12, 192),
    "densenet121": (1 + 6 + 12 + 24 + 16 + 3, "pool2", 4 * 256 + 256 * 128),
    # With the scale of each branch.
    "dinov2_b14": transformer(12, 768, 2 * 768),
    "dinov2_s14": transformer(12, 384, 2 * 384),
    "efficientnet_b4": (
        ["stem", *(f"block{n}{'abcdefgh'[m]}" for n, k in enumerate(REPEATS, 1) for m in range(k)), "top"],
        "block1a",
        9 * 48 + 4 * 48 + (48 * 12 + 12) + (12 * 48 + 48) + 48 * 24 + 4 * 24,
    ),
    "inception_v3": (
        ["stem", *(f"mixed{n}" for n in range(11))],
        "mixed0",
        # Weights of the seven convolutions, and three values of batch normalisation a channel.
        192 * (64 + 48 + 64 + 32)
        + 25 * 48 * 64
        + 9 * (64 * 96 + 96 * 96)
        + 3 * (64 + 48 + 64 + 64 + 96 * 2 + 32),
    ),
    "meso4": (["stage1", "stage2", "stage3", "stage4"], "stage1", 27 * 8 + 8 + 4 * 8),
    "mesoinception4": (
        ["stage1", "stage2", "stage3", "stage4"],
        "stage1",
        (3 * 11 + 11) + (9 * (16 + 16 + 4) + 10) + 4 * 11,
    ),
    "mobilenet": (
        ["stem", *(f"conv_{n}" for n in range(1, 14))],
        "conv_1",
        9 * 32 + 4 * 32 + 32 * 64 + 4 * 64,
    ),
    "resnet18": (
        ["stem", *(f"conv{n}_block{m}" for n in range(2, 6) for m in (1, 2))],
        "conv3_block1",
        9 * 64 * 128 + 9 * 128 * 128 + 64 * 128 + 3 * 4 * 128,
    ),
    "resnet50": (
        1 + 3 + 4 + 6 + 3,
        "conv2_block1",
        (64 * 64 + 64) + (9 * 64 * 64 + 64) + 2 * (64 * 256 + 256) + 4 * (64 + 64 + 256 + 256),
    ),
    "resnet50_plus": (
        1 + 3 + 4 + 6 + 3,
        "conv2_block1",
        (64 * 64 + 64) + (9 * 64 * 64 + 64) + 2 * (64 * 256 + 256) + 4 * (64 + 64 + 256 + 256),
    ),
    "swin_t": (
        [
            "stem",
            *(
                name
                for n, depth in enumerate((2, 2, 6, 2), 1)
                for name in (*(f"stage{n}_block{m}" for m in range(1, depth + 1)), f"stage{n}_merge")
            ),
        ][:-1],
        # A ViT's block, and the bias of 13 * 13 relative positions for each of three heads.
        "stage1_block2",
        transformer(1, 96)[2] + 169 * 3,
    ),
    "vgg16": (13, "block1_conv2", 9 * 64 * 64 + 64),
    "vit_b16": transformer(12, 768),
    "vit_l16": transformer(24, 1024),
    "vit_s14": transformer(12, 384, 2 * 384),
    "vit_s16": transformer(12, 384),
    "vit_ti16": transformer(12, 192),
    "xception": (
        [f"block{n}" for n in range(1, 15)],
        "block2",
        9 * 64 + 64 * 128 + 9 * 128 + 128 * 128 + 64 * 128 + 3 * 4 * 128,
    ),
}
APPLICATIONS = {
    "densenet121": keras.applications.densenet,
    "efficientnet_b4": keras.applications.efficientnet,
    "inception_v3": keras.applications.inception_v3,
    "mobilenet": keras.applications.mobilenet,
    "resnet50": keras.applications.resnet,
    "resnet50_plus": keras.applications.resnet,
    "vgg16": keras.applications.vgg16,
    "xception": keras.applications.xception,
}
# Mean and deviation of RGB in 0..1, as published with the weights.
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
STATISTICS = {
    **dict.fromkeys(("alexnet", "alexnet_rnn", "resnet18", "convnext_tiny"), IMAGENET),
    **dict.fromkeys(("deit_s16", "deit_ti16", "dinov2_b14", "dinov2_s14", "swin_t", "vit_s14"), IMAGENET),
    **dict.fromkeys(("vit_b16", "vit_l16", "vit_s16", "vit_ti16"), HALF),
}


def values(variables):
    return [np.array(variable) for variable in variables]


def one_step(model, rgb, labels, learning_rate=0.1):
    """Train one step without a graph, which takes longer to make than the step; returns the loss."""
    optimizer = make_optimizer(Recipe(optimizer="sgd"), learning_rate)
    model.compile(optimizer, "binary_crossentropy", run_eagerly=True)
    return model.train_on_batch(rgb, labels)


def test_output_is_a_probability_of_each_image(model, scores, any_name, faces):
    rgb, _ = faces(any_name)
    _, p_fake = scores
    assert p_fake.shape == (8, 1)
    assert p_fake.dtype == np.float32
    assert np.all((p_fake > 0) & (p_fake < 1))
    assert len(np.unique(p_fake)) == 8
    alone = np.array(model(rgb[:1]))
    np.testing.assert_allclose(alone, p_fake[:1], atol=1e-4)
    np.testing.assert_allclose(np.array(model(rgb[:1].astype("float32"))), alone, atol=1e-6)


def test_layers_have_the_names_that_others_rely_on(model, any_name):
    assert model.name == any_name
    assert model.output is model.get_layer("p_fake").output
    assert model.get_layer("logit").units == 1
    assert model.get_layer("logit").compute_dtype == "float32"
    assert model.get_layer("p_fake").compute_dtype == "float32"
    assert len(model.get_layer("features").output.shape) in (3, 4)
    assert not [layer.name for layer in model.layers if isinstance(layer, keras.Model)]


def test_logit_depends_on_features_alone(model, any_name):
    # What heat maps need: the head can be run on the features.
    assert keras.Model(model.get_layer("features").output, model.get_layer("logit").output).layers


def test_p_fake_is_the_sigmoid_of_the_logit(scores):
    logit, p_fake = scores
    np.testing.assert_allclose(p_fake, 1 / (1 + np.exp(-logit)), atol=1e-6)


def test_normalisation_is_the_familys(model, any_name, faces):
    rgb = faces(any_name)[0].astype("float32")
    graph = keras.Model(model.input, model.get_layer("normalise").output)
    if any_name in APPLICATIONS:
        expected = APPLICATIONS[any_name].preprocess_input(rgb.copy())
    elif any_name in STATISTICS:
        mean, deviation = STATISTICS[any_name]
        expected = (rgb / 255 - mean) / deviation
    elif family(any_name).normalisation == "unit":
        expected = rgb / 255
    else:
        mode = family(any_name).normalisation
        expected = keras.applications.imagenet_utils.preprocess_input(rgb.copy(), mode=mode)
    np.testing.assert_allclose(np.array(graph(rgb)), expected, atol=1e-5)


def test_blocks_hold_each_weighted_layer_of_the_backbone_once(model, any_name):
    backbone = [layer for layer in backbone_layers(model) if layer.weights]
    found = blocks(model, family(any_name))
    assert [layer for block in found.values() for layer in block] == backbone
    assert found


def test_blocks_are_the_architectures(model, any_name):
    if any_name not in BLOCKS:
        pytest.skip("no blocks are pinned for this family")
    found = blocks(model, family(any_name))
    names, one, parameters = BLOCKS[any_name]
    if isinstance(names, int):
        assert len(found) == names
    else:
        assert list(found) == names
    assert sum(layer.count_params() for layer in found[one]) == parameters


def test_parameters_are_the_published_ones(model, any_name):
    if any_name not in PARAMETERS:
        pytest.skip("no published number is pinned for this family")
    assert sum(layer.count_params() for layer in backbone_layers(model)) == PARAMETERS[any_name]


def test_default_size_is_not_below_the_smallest(any_name):
    kind = family(any_name)
    assert kind.image_size >= kind.min_image_size
    assert kind.image_size % kind.size_step == kind.min_image_size % kind.size_step == 0
    assert kind.default_weights == (kind.pretrained or "none")
    assert kind.pretrained in ("", *PUBLISHED)


def test_image_below_the_smallest_is_refused(any_name):
    least = family(any_name).min_image_size
    with pytest.raises(InputError, match=f"{any_name}: image size {least - 1}; accepted: {least} or more"):
        build_model(any_name, image_size=least - 1)


@pytest.mark.parametrize(("name", "size", "step"), [("vit_s16", 230, 16), ("swin_t", 208, 32)])
def test_image_that_patches_do_not_tile_is_refused(name, size, step):
    with pytest.raises(InputError, match=f"{name}: image size {size}; accepted: multiples of {step}"):
        build_model(name, image_size=size)


@pytest.mark.usefixtures("unfilled")
@pytest.mark.parametrize("name", ["xception", "inception_v3", "efficientnet_b4"])
def test_blocks_do_not_depend_on_the_names_keras_makes_up(name):
    def parameters():
        model = build_model(name, image_size=75)
        found = blocks(model, family(name))
        names = [layer.name for block in found.values() for layer in block]
        return names, {
            block: sum(layer.count_params() for layer in layers) for block, layers in found.items()
        }

    (names, counts), (other_names, other_counts) = parameters(), parameters()
    assert names != other_names
    assert counts == other_counts


def test_too_many_blocks_are_refused_with_their_number(model, any_name):
    total = len(blocks(model, family(any_name)))
    with pytest.raises(InputError, match=rf"'last:99'; .* from 1 to {total}, .* of {any_name}"):
        set_trainable(model, family(any_name), "last:99")


def test_seed_decides_the_initial_weights(small, trained_name):
    first, same, other = (
        values(small(trained_name, seed=seed, dropout=0.5).trainable_variables) for seed in (3, 3, 4)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_dropout_acts_in_training_only(lively, trained_name, faces):
    rgb, _ = faces(trained_name)
    model = lively(trained_name, dropout=0.5)
    assert np.array_equal(np.array(model(rgb)), np.array(model(rgb)))
    assert not np.array_equal(np.array(model(rgb, training=True)), np.array(model(rgb, training=True)))


def test_weights_saved_and_loaded_give_equal_scores(lively, small, trained_name, faces, tmp_path):
    rgb, _ = faces(trained_name)
    model = lively(trained_name, seed=1, dense_units=16, dropout=0.1)
    model.save_weights(tmp_path / "model.weights.h5")
    again = small(
        trained_name, seed=2, dense_units=16, whole=True, weights=str(tmp_path / "model.weights.h5")
    )
    assert len(np.unique(np.array(model(rgb)))) > 1
    assert np.array_equal(np.array(model(rgb)), np.array(again(rgb)))


def test_backbone_weights_fit_at_another_image_size(small, trained_name, tmp_path):
    model = small(trained_name, seed=1)
    backbone = keras.Model(model.input, model.get_layer("features").output)
    backbone.save_weights(tmp_path / "backbone.weights.h5")
    size = model.input_shape[1] + (32 if 32 % family(trained_name).size_step == 0 else 28)
    other = build_model(trained_name, image_size=size, weights=str(tmp_path / "backbone.weights.h5"))
    pairs = zip(backbone.weights, [w for layer in backbone_layers(other) for w in layer.weights], strict=True)
    assert all(np.array_equal(np.array(a), np.array(b)) for a, b in pairs)


def test_loss_falls(small, trained_name, faces):
    rgb, labels = faces(trained_name)
    model = small(trained_name)
    model.compile(make_optimizer(Recipe(optimizer="adam"), 3e-4), "binary_crossentropy")
    losses = [float(model.train_on_batch(rgb, labels))]
    # Small networks are slow to learn, large ones quick: each stops when it has shown that it does.
    while len(losses) < 100 and (len(losses) < 4 or np.mean(losses[-3:]) >= 0.9 * losses[0]):
        losses.append(float(model.train_on_batch(rgb, labels)))
    assert np.mean(losses[-3:]) < 0.9 * losses[0], losses


@pytest.mark.parametrize("trainable", ["head", "last:1", "all"])
def test_what_is_trained_moves_and_nothing_else(small, trained_name, faces, trainable):
    rgb, labels = faces(trained_name)
    model = small(trained_name, trainable=trainable)
    found = blocks(model, family(trained_name))
    names = {"head": [], "last:1": list(found)[-1:], "all": list(found)}[trainable]
    inside = {layer.name for block in found.values() for layer in block}
    groups = {**found, "head": [layer for layer in model.layers if layer.name not in inside]}
    before = {name: values(w for layer in group for w in layer.weights) for name, group in groups.items()}
    one_step(model, rgb, labels)
    for name, group in groups.items():
        after = values(w for layer in group for w in layer.weights)
        still = [np.array_equal(a, b) for a, b in zip(before[name], after, strict=True)]
        # Batch normalisation's statistics are among the weights, so frozen ones are held still too.
        if name == "head" or name in names:
            assert not all(still), f"{name} did not move"
        else:
            assert all(still), f"{name} is frozen and moved"


def test_norm_trains_every_normalisation_and_the_head_alone(small, trained_name, faces):
    rgb, labels = faces(trained_name)
    kind = family(trained_name)
    model = small(trained_name)
    backbone = [layer for block in blocks(model, kind).values() for layer in block]
    norms = [layer for layer in backbone if isinstance(layer, NORMALISATIONS)]
    if not norms:
        with pytest.raises(InputError, match=f"'norm': {trained_name} has no normalisation layers"):
            set_trainable(model, kind, "norm")
        return
    set_trainable(model, kind, "norm")
    before = {layer.name: values(layer.weights) for layer in model.layers}
    one_step(model, rgb, labels)
    for layer in backbone:
        still = all(map(np.array_equal, before[layer.name], values(layer.weights)))
        assert still is (layer not in norms), layer.name
    assert not all(map(np.array_equal, before["logit"], values(model.get_layer("logit").weights)))


def test_mixed_precision_keeps_logit_and_p_fake_exact_and_trains(small, trained_name, faces):
    rgb, labels = faces(trained_name)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = small(trained_name, seed=1)
    finally:
        keras.config.set_dtype_policy("float32")
    assert model.get_layer("features").output.dtype == "bfloat16"
    assert model.get_layer("normalise").output.dtype == "float32"
    both = keras.Model(model.input, [model.get_layer("logit").output, model.output])
    logit, p_fake = (np.array(x) for x in both(rgb))
    assert logit.dtype == p_fake.dtype == np.float32
    exact = np.array(small(trained_name, seed=1)(rgb))
    np.testing.assert_allclose(p_fake, exact, atol=0.05)
    before = values(model.trainable_variables)
    assert np.isfinite(one_step(model, rgb, labels, learning_rate=0.01))
    assert not all(map(np.array_equal, before, values(model.trainable_variables)))


@pytest.mark.parametrize("trainable", ["head", "last:1", "all"])
def test_l2_counts_trainable_kernels_alone(small, trained_name, trainable):
    model = small(trained_name, trainable=trainable, dense_units=3, l2=0.01)
    kernels = [w for w in model.trainable_variables if w.path.split("/")[-1].endswith("kernel")]
    # Keras gives ConvNeXt's scales no name of their own: they are known by their layer's.
    ends = r"(bias|beta|gamma|layer_scale/variable(_\d+)?|class_token|registers|positions)$"
    biases = [w for w in model.trainable_variables if re.search(ends, w.path)]
    assert len(kernels) + len(biases) == len(model.trainable_variables)
    expected = sum(0.01 * np.sum(np.square(np.array(kernel))) for kernel in kernels)
    assert len(model.losses) == len(kernels)
    np.testing.assert_allclose(sum(float(loss) for loss in model.losses), expected, rtol=1e-5)
    assert not small(trained_name, trainable=trainable).losses
