"""The style-based layers, against the weights that the paper modulates."""

import keras
import numpy as np
import pytest
from keras import ops

from dfdetect.fakes.gan.style import AddNoise, ModulatedConv, generator


@pytest.mark.parametrize("demodulate", [True, False])
def test_a_modulated_convolution_is_one_with_modulated_weights(demodulate):
    """Equations 1 to 3, for each picture on its own."""
    rng = np.random.default_rng(0)
    maps, style = rng.normal(size=(2, 5, 5, 4)).astype(np.float32), rng.normal(size=(2, 3)).astype(np.float32)
    layer = ModulatedConv(6, 3, demodulate)
    found = np.asarray(layer([maps, style]))
    kernel, affine, offset = (np.asarray(each) for each in (layer.kernel, layer.affine, layer.offset))
    for row in range(2):
        weights = kernel * (style[row] @ affine + offset)[None, None, :, None]
        if demodulate:
            weights = weights / np.sqrt(np.square(weights).sum(axis=(0, 1, 2)) + 1e-8) * np.sqrt(2)
        plain = ops.conv(
            maps[row : row + 1], ops.convert_to_tensor(weights.astype(np.float32)), padding="same"
        )
        np.testing.assert_allclose(found[row], np.asarray(plain)[0], atol=1e-4)


def test_demodulation_takes_the_strength_of_a_style_away():
    rng = np.random.default_rng(0)
    maps, style = rng.normal(size=(1, 5, 5, 4)).astype(np.float32), rng.normal(size=(1, 3)).astype(np.float32)
    layer = ModulatedConv(6, 3)
    layer.build([(1, 5, 5, 4), (1, 3)])
    layer.offset.assign(np.zeros(4, np.float32))
    np.testing.assert_allclose(layer([maps, style]), layer([maps, 7 * style]), rtol=1e-3, atol=1e-4)


def test_noise_is_added_by_its_strength():
    maps, noise = np.ones((1, 2, 2, 3), np.float32), np.float32([[[[1], [2]], [[3], [4]]]])
    layer = AddNoise()
    np.testing.assert_array_equal(layer([maps, noise]), maps)
    layer.strength.assign(0.5)
    np.testing.assert_array_equal(np.asarray(layer([maps, noise]))[0, :, :, 2], [[1.5, 2], [2.5, 3]])


def test_there_is_noise_for_each_convolution_and_it_changes_the_face():
    keras.utils.set_random_seed(0)
    model = generator(16, 32)
    assert [each.shape[1] for each in model.inputs[1:]] == [4, 8, 8, 16, 16]
    rng = np.random.default_rng(0)
    noise = [rng.standard_normal((1, *each.shape[1:]), dtype=np.float32) for each in model.inputs]
    for layer in model.layers:
        if isinstance(layer, AddNoise):
            layer.strength.assign(0.3)
    first = np.asarray(model(noise))
    for number in range(1, len(noise)):
        changed = [each + (place == number) for place, each in enumerate(noise)]
        assert np.abs(np.asarray(model(changed)) - first).max() > 1e-4
