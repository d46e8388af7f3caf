"""A compact style-based GAN: a mapping network whose styles modulate convolutions, and noise in each map.

Reference: Karras et al. 2020, arXiv 1912.04958: weight modulation and demodulation (section 2.2), RGB by
skips in the generator and residuals in the discriminator (section 4.1). To save time it has no path length
regularisation and no mixing of styles, and resamples by bilinear interpolation and means in place of filters.
The sum of the RGB skips goes through tanh, so that faces stay in -1 to 1.
"""

from typing import Any

import keras
from keras import layers, ops

from dfdetect.fakes.gan.layers import BatchDeviation, channels, he, leaky

LATENT = 128
_MAPPING = 4
"""Layers of the mapping network; the paper has eight."""


@keras.saving.register_keras_serializable("dfdetect.gan")
class ModulatedConv(layers.Layer):  # type: ignore[misc]
    """A convolution whose weights each style scales by input channel, and then normalises.

    Scaling the weights is scaling the inputs, and normalising them is scaling the outputs (section 2.2,
    equations 1 to 3), so that one convolution serves the whole batch.

    Args:
        filters: output channels.
        kernel: side of the kernel.
        demodulate: whether the weights are normalised; not for RGB.
    """

    def __init__(self, filters: int, kernel: int, demodulate: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.filters, self.kernel_size, self.demodulate = filters, kernel, demodulate

    def build(self, shapes: Any) -> None:
        """Make the weights; a style of 0 leaves the convolution as it is."""
        (*_, depth), (_, style) = shapes
        size = self.kernel_size
        gain = 1.0 if self.demodulate else 0.5
        self.kernel = self.add_weight(
            name="kernel", shape=(size, size, depth, self.filters), initializer=he(gain)
        )
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        self.affine = self.add_weight(name="affine", shape=(style, depth), initializer="glorot_uniform")
        self.offset = self.add_weight(name="offset", shape=(depth,), initializer="ones")

    def call(self, inputs: Any) -> Any:
        """From maps (B, h, w, c) and styles (B, s) to (B, h, w, filters)."""
        maps, style = inputs
        scale = ops.matmul(style, self.affine) + self.offset
        found = ops.conv(maps * scale[:, None, None, :], self.kernel, padding="same")
        if self.demodulate:
            power = ops.sum(ops.square(self.kernel), axis=(0, 1))
            found *= ops.rsqrt(ops.matmul(ops.square(scale), power) + 1e-8)[:, None, None, :]
            found *= 2**0.5  # makes up for what a leaky ReLU takes of the variance
        return found + self.bias

    def compute_output_shape(self, shapes: Any) -> Any:
        """As the maps, with the filters as channels."""
        return (*shapes[0][:-1], self.filters)


@keras.saving.register_keras_serializable("dfdetect.gan")
class AddNoise(layers.Layer):  # type: ignore[misc]
    """Add one picture of noise to all channels, times a strength that is learned and begins at 0."""

    def build(self, shapes: Any) -> None:
        """Make the strength."""
        self.strength = self.add_weight(name="strength", shape=(), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        """From maps (B, h, w, c) and noise (B, h, w, 1) to maps."""
        maps, noise = inputs
        return maps + self.strength * noise

    def compute_output_shape(self, shapes: Any) -> Any:
        """As the maps."""
        return shapes[0]


@keras.saving.register_keras_serializable("dfdetect.gan")
class Constant(layers.Layer):  # type: ignore[misc]
    """The learned map that every face begins with, whatever its style.

    Args:
        side: of the map.
        depth: its channels.
    """

    def __init__(self, side: int, depth: int, **options: Any) -> None:
        super().__init__(**options)
        self.side, self.depth = side, depth

    def build(self, shape: Any) -> None:
        """Make the map."""
        self.map = self.add_weight(
            name="map", shape=(1, self.side, self.side, self.depth), initializer="random_normal"
        )

    def call(self, style: Any) -> Any:
        """From styles (B, s) to (B, side, side, depth)."""
        return ops.repeat(self.map, ops.shape(style)[0], axis=0)

    def compute_output_shape(self, shape: Any) -> Any:
        """As many as styles."""
        return (shape[0], self.side, self.side, self.depth)


def generator(side: int, width: int) -> keras.Model:
    """From standard normal noise to faces (B, side, side, 3) in -1 to 1.

    Its inputs are the latent code (B, 128) and for each convolution a picture of noise: one of 4 x 4, two of
    8 x 8, two of 16 x 16, and so on.

    Args:
        side: of the faces: 8, 16, 32 ... pixels.
        width: channels of a map times its side.
    """
    code = keras.Input((LATENT,), name="code")
    style = layers.RMSNormalization()(code)
    for _ in range(_MAPPING):
        style = leaky(layers.Dense(LATENT, kernel_initializer=he())(style))
    inputs = [code]

    def convolved(x: Any, at: int) -> Any:
        noise = keras.Input((at, at, 1), name=f"noise_{len(inputs)}")
        inputs.append(noise)
        return leaky(AddNoise()([ModulatedConv(channels(at, width), 3)([x, style]), noise]))

    x = convolved(Constant(4, channels(4, width))(style), 4)
    rgb = ModulatedConv(3, 1, demodulate=False)([x, style])
    at = 8
    while at <= side:
        x = convolved(layers.UpSampling2D(interpolation="bilinear")(x), at)
        x = convolved(x, at)
        rgb = layers.UpSampling2D(interpolation="bilinear")(rgb)
        rgb = rgb + ModulatedConv(3, 1, demodulate=False)([x, style])
        at *= 2
    return keras.Model(inputs, layers.Activation("tanh", name="face")(rgb), name="style_generator")


def discriminator(side: int, width: int) -> keras.Model:
    """From faces (B, side, side, 3) in -1 to 1 to (B, 1): above 0 where a face looks real.

    Args:
        side: of the faces: 8, 16, 32 ... pixels.
        width: channels of a map times its side.
    """
    face = keras.Input((side, side, 3), name="face")
    x, at = leaky(layers.Conv2D(channels(side, width), 1, kernel_initializer=he())(face)), side
    while at > 4:
        short = layers.Conv2D(channels(at // 2, width), 1, use_bias=False)(layers.AveragePooling2D(2)(x))
        x = leaky(layers.Conv2D(channels(at, width), 3, padding="same", kernel_initializer=he())(x))
        x = leaky(layers.Conv2D(channels(at // 2, width), 3, padding="same", kernel_initializer=he())(x))
        x = layers.Rescaling(0.5**0.5)(layers.AveragePooling2D(2)(x) + short)
        at //= 2
    x = leaky(
        layers.Conv2D(channels(4, width), 3, padding="same", kernel_initializer=he())(BatchDeviation()(x))
    )
    x = leaky(layers.Dense(channels(4, width), kernel_initializer=he())(layers.Flatten()(x)))
    return keras.Model(face, layers.Dense(1, name="real")(x), name="style_discriminator")
