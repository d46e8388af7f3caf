"""DCGAN: transposed convolutions from noise to a face, and strided ones back to one number.

Reference: Radford et al. 2016, arXiv 1511.06434, section 3, but without batch normalisation. The generator
normalises each pixel's channels instead (Karras et al. 2018, arXiv 1710.10196, section 4.2). The
discriminator normalises nothing: with R1 and averaged generator weights it works better so (Mescheder et al.
2018, arXiv 1801.04406).
"""

import keras
from keras import layers

from dfdetect.fakes.gan.layers import BatchDeviation, channels, he, leaky

LATENT = 128


def generator(side: int, width: int) -> keras.Model:
    """From standard normal noise (B, 128) to faces (B, side, side, 3) in -1 to 1.

    Args:
        side: of the faces: 8, 16, 32 ... pixels.
        width: channels of a map times its side.
    """
    noise = keras.Input((LATENT,), name="noise")
    x = layers.RMSNormalization()(noise)
    x = layers.Dense(4 * 4 * channels(4, width), kernel_initializer=he())(x)
    x = layers.Reshape((4, 4, channels(4, width)))(x)
    x = layers.RMSNormalization()(leaky(x))
    at = 8
    while at < side:
        # With a kernel of 4 x 4 and stride 2, each pixel sums only four of the sixteen weights.
        x = layers.Conv2DTranspose(
            channels(at, width), 4, strides=2, padding="same", kernel_initializer=he(2)
        )(x)
        x = layers.RMSNormalization()(leaky(x))
        at *= 2
    face = layers.Conv2DTranspose(3, 4, strides=2, padding="same", activation="tanh", name="face")(x)
    return keras.Model([noise], face, name="dcgan_generator")


def discriminator(side: int, width: int) -> keras.Model:
    """From faces (B, side, side, 3) in -1 to 1 to (B, 1): above 0 where a face looks real.

    Args:
        side: of the faces: 8, 16, 32 ... pixels.
        width: channels of a map times its side.
    """
    face = keras.Input((side, side, 3), name="face")
    x, at = face, side // 2
    while at >= 4:
        x = layers.Conv2D(channels(at, width), 4, strides=2, padding="same", kernel_initializer=he())(x)
        x, at = leaky(x), at // 2
    x = BatchDeviation()(x)
    x = leaky(layers.Conv2D(channels(4, width), 3, padding="same", kernel_initializer=he())(x))
    return keras.Model(face, layers.Dense(1, name="real")(layers.Flatten()(x)), name="dcgan_discriminator")
