"""Layers that the networks of both kinds share."""

from typing import Any

import keras
from keras import ops

LEAK = 0.2
"""Slope of the leaky ReLU below 0, as in DCGAN and StyleGAN."""


@keras.saving.register_keras_serializable("dfdetect.gan")
class BatchDeviation(keras.layers.Layer):  # type: ignore[misc]
    """Add a channel that holds how much the pictures of the batch differ.

    A discriminator that sees it notices a generator that makes one face again and again. Reference: Karras et
    al. 2018, arXiv 1710.10196, section 3, with one group: the whole batch.
    """

    def call(self, maps: Any) -> Any:
        """From (B, h, w, c) to (B, h, w, c + 1)."""
        spread = ops.mean(ops.sqrt(ops.var(maps, axis=0) + 1e-8))
        channel = ops.broadcast_to(spread, (*ops.shape(maps)[:3], 1))
        return ops.concatenate([maps, channel], axis=-1)

    def compute_output_shape(self, shape: Any) -> Any:
        """One channel more."""
        return (*shape[:-1], shape[-1] + 1)


def leaky(x: Any) -> Any:
    """A leaky ReLU of slope `LEAK`."""
    return keras.layers.LeakyReLU(negative_slope=LEAK)(x)


def he(gain: float = 1.0) -> Any:
    """Initial weights that keep the variance through a leaky ReLU, times `gain`."""
    return keras.initializers.VarianceScaling(scale=2.0 * gain**2 / (1 + LEAK**2))


def channels(side: int, width: int, most: int = 256) -> int:
    """Channels of a map of this side: `width` / side, at most `most` and at least 8."""
    return max(8, min(most, width // side))
