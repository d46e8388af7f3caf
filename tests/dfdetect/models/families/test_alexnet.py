"""AlexNet's sizes and its two tops, by hand."""

import keras
import numpy as np

from dfdetect.models.build import build_model


def outputs(model, *names):
    return keras.Model(model.input, [model.get_layer(name).output for name in names])


def test_parameters_are_torchvisions_but_for_batch_normalisation_and_the_last_layer():
    published, classes = 61_100_840, 1000
    batch_normalisation = 4 * (64 + 192 + 384 + 256 + 256)
    last = 4096 * classes + classes
    assert build_model("alexnet").count_params() == published - last + batch_normalisation + 4096 + 1


def test_maps_have_the_sizes_of_torchvision():
    model = build_model("alexnet", units=8)
    sides = [model.get_layer(f"stage{n}_relu").output.shape[1] for n in (1, 2, 3, 4, 5)]
    assert sides == [55, 27, 13, 13, 13]
    assert model.get_layer("features").output.shape == (None, 6, 6, 256)
    assert [model.get_layer(f"top_dense{n}").units for n in (1, 2)] == [8, 8]


def test_each_convolution_is_normalised_before_its_relu(lively, faces):
    rgb, _ = faces("alexnet", 80)
    model = lively("alexnet", 80, units=8)
    conv, relu = (np.array(x) for x in outputs(model, "stage3_conv", "stage3_relu")(rgb))
    gamma, beta, mean, variance = (np.array(w) for w in model.get_layer("stage3_bn").weights)
    expected = gamma * (conv - mean) / np.sqrt(variance + 1e-3) + beta
    np.testing.assert_allclose(relu, np.maximum(expected, 0), atol=1e-4)
    assert 0 < np.mean(relu == 0) < 1


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def last_state(sequence, layer):
    """The last state of an LSTM over (B, steps, channels), written out."""
    kernel, recurrent, bias = (np.array(w) for w in layer.weights)
    state = carry = np.zeros((len(sequence), layer.units))
    for step in range(sequence.shape[1]):
        gates = sequence[:, step] @ kernel + state @ recurrent + bias
        enter, forget, candidate, leave = np.split(gates, 4, axis=1)
        carry = sigmoid(forget) * carry + sigmoid(enter) * np.tanh(candidate)
        state = sigmoid(leave) * np.tanh(carry)
    return state


def test_recurrent_top_reads_the_rows_of_the_map_downwards(lively, faces):
    rgb, _ = faces("alexnet_rnn", 160)
    model = lively("alexnet_rnn", 160, units=5)
    features, embedding = (np.array(x) for x in outputs(model, "features", "top_lstm")(rgb))
    assert features.shape == (8, 4, 4, 256)
    expected = last_state(features.reshape(8, 4, -1), model.get_layer("top_lstm"))
    np.testing.assert_allclose(embedding, expected, atol=1e-4)
    assert np.ptp(embedding) > 0.1


def test_recurrent_top_of_a_clip_reads_the_mean_maps_of_its_frames_forwards(awaken, faces):
    rgb = faces("alexnet_rnn", 96)[0].reshape(2, 4, 96, 96, 3)
    model = build_model("alexnet_rnn", image_size=96, frames=4, units=5)
    awaken(model, rgb)
    features, embedding = (np.array(x) for x in outputs(model, "features", "top_lstm")(rgb))
    assert features.shape == (2, 4, 2, 2, 256)
    expected = last_state(features.mean(axis=(2, 3)), model.get_layer("top_lstm"))
    np.testing.assert_allclose(embedding, expected, atol=1e-4)
    assert np.ptp(embedding) > 0.1
