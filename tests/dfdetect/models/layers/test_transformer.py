"""The parts of vision transformers: tokens, positions at other sizes, blocks."""

import keras
import numpy as np
import pytest
from scipy.special import erf

from dfdetect.models.layers.transformer import Scale, Tokens, encode


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def filled(layer, shape, rng):
    """The layer, built for `shape`, with drawn weights."""
    layer.build((None, *shape))
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    return layer


def test_tokens_come_class_first_then_registers_then_patches_by_rows(rng):
    layer = filled(Tokens(grid=2, registers=3), (2, 2, 5), rng)
    patches = rng.normal(size=(4, 2, 2, 5)).astype("float32")
    first, spare, positions = (np.array(weight) for weight in (layer.first, layer.spare, layer.positions))
    tokens = np.array(layer(patches))
    assert tokens.shape == layer.compute_output_shape(patches.shape) == (4, 1 + 3 + 4, 5)
    for image in range(4):
        np.testing.assert_allclose(tokens[image, 0], first[0] + positions[0], rtol=1e-6)
        np.testing.assert_allclose(tokens[image, 1:4], spare, rtol=1e-6)
        np.testing.assert_allclose(
            tokens[image, 4:], patches[image].reshape(4, 5) + positions[1:], rtol=1e-5, atol=1e-6
        )


def test_each_leading_token_has_its_own_position_and_registers_have_none(rng):
    layer = filled(Tokens(grid=2, registers=1, leading=2), (2, 2, 5), rng)
    first, spare, positions = (np.array(weight) for weight in (layer.first, layer.spare, layer.positions))
    assert (first.shape, positions.shape) == ((2, 5), (2 + 4, 5))
    tokens = np.array(layer(np.zeros((3, 2, 2, 5), "float32")))
    assert tokens.shape == layer.compute_output_shape((3, 2, 2, 5)) == (3, 2 + 1 + 4, 5)
    for image in tokens:
        expected = np.concatenate([first + positions[:2], spare, positions[2:]])
        np.testing.assert_allclose(image, expected, rtol=1e-6)


@pytest.mark.parametrize("size", [(3, 3), (9, 4)])
def test_positions_at_another_size_are_those_that_keras_resamples(rng, size):
    layer = filled(Tokens(grid=6), (*size, 2), rng)
    tokens = np.array(layer(np.zeros((1, *size, 2), "float32")))[0, 1:]
    table = np.array(layer.positions)[1:].reshape(1, 6, 6, 2)
    expected = keras.ops.image.resize(table, size, interpolation="bicubic", antialias=True)
    np.testing.assert_allclose(tokens.reshape(*size, 2), np.array(expected)[0], atol=1e-5)


def test_positions_at_another_size_are_rounded_once_in_half_precision(rng):
    whole = filled(Tokens(grid=6), (4, 4, 2), rng)
    half = Tokens(grid=6, dtype="mixed_bfloat16")
    half.build((None, 4, 4, 2))
    half.set_weights(whole.get_weights())
    zeros = np.zeros((1, 4, 4, 2), "float32")
    given = half(zeros)
    assert given.dtype == "bfloat16"
    expected = keras.ops.cast(whole(zeros), "bfloat16")
    np.testing.assert_array_equal(*(np.array(keras.ops.cast(x, "float32"))[:, 1:] for x in (given, expected)))


def test_positions_at_another_size_are_trained(rng):
    image = keras.Input((3, 3, 2))
    x = keras.layers.Flatten()(Tokens(grid=6, name="tokens")(image))
    model = keras.Model(image, keras.layers.Dense(1)(x))
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=True)
    before = np.array(model.get_layer("tokens").positions)
    model.train_on_batch(rng.normal(size=(4, 3, 3, 2)), np.ones((4, 1)))
    assert np.all(np.array(model.get_layer("tokens").positions) != before)


def softmax(x):
    weights = np.exp(x - x.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def normalise(x, layer):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-6) * np.array(layer.gamma) + np.array(layer.beta)


@pytest.mark.parametrize("scaled", [False, True])
def test_block_is_the_papers_by_hand(rng, scaled):
    tokens = keras.Input((5, 8))
    model = keras.Model(tokens, encode(tokens, depth=1, heads=2, scaled=scaled))
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape))
    given = x = rng.normal(size=(3, 5, 8)).astype("float32")
    layer = model.get_layer

    y = normalise(x, layer("block1_norm1"))
    query, key, value, out = (
        [np.array(weight) for weight in getattr(layer("block1_attention"), f"{part}_dense").weights]
        for part in ("query", "key", "value", "output")
    )
    q, k, v = (np.einsum("btc,chd->bhtd", y, w) + b[None, :, None] for w, b in (query, key, value))
    heads = softmax(q @ k.transpose(0, 1, 3, 2) / np.sqrt(4)) @ v
    y = np.einsum("bhtd,hdc->btc", heads, out[0]) + out[1]
    x = x + y * (np.array(layer("block1_scale1").gamma) if scaled else 1)
    y = normalise(x, layer("block1_norm2"))
    first, second = (layer(f"block1_dense{n}").get_weights() for n in (1, 2))
    y = y @ first[0] + first[1]
    y = (y * (1 + erf(y / np.sqrt(2))) / 2) @ second[0] + second[1]
    x = x + y * (np.array(layer("block1_scale2").gamma) if scaled else 1)
    expected = normalise(x, layer("norm"))
    np.testing.assert_allclose(np.array(model(given)), expected, rtol=1e-3, atol=1e-4)


def test_parts_are_saved_with_the_model(rng, tmp_path):
    image = keras.Input((2, 2, 4))
    model = keras.Model(image, Scale()(Tokens(grid=3, registers=1, leading=2)(image)))
    model.save(tmp_path / "model.keras")
    x = rng.normal(size=(2, 2, 2, 4)).astype("float32")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(np.array(again(x)), np.array(model(x)))
