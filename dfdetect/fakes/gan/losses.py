"""What the two networks minimise.

Reference: Goodfellow et al. 2014, arXiv 1406.2661, section 3 (the non-saturating loss); Mescheder et al.
2018, arXiv 1801.04406, section 4.1 (R1); Karras et al. 2020, arXiv 1912.04958, section 3.1 (R1 at some steps
only).
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from dfdetect.fakes.gan.augmenting import PARTS, disturb
from dfdetect.fakes.gan.networks import Networks
from dfdetect.gradients import Loss, slopes_at


def discriminator_loss(networks: Networks, weight: float) -> Loss:
    """The discriminator's loss, and its parts: how wrong it is, and the R1 penalty before its weight.

    It takes real faces, their disturbance, that of the generated ones, and noise.

    Args:
        networks: the networks.
        weight: of half the penalty; 0 leaves the penalty out, and its part is 0.
    """

    def loss(real: Any, *rest: Any) -> list[Any]:
        for_real, for_fake, noise = rest[:PARTS], rest[PARTS : 2 * PARTS], rest[2 * PARTS :]
        fake = ops.stop_gradient(disturb(networks.generator(list(noise)), for_fake))
        real = disturb(real, for_real)
        wrong = ops.mean(ops.softplus(networks.discriminator(fake)))
        wrong += ops.mean(ops.softplus(-networks.discriminator(real)))
        if not weight:
            return [wrong, wrong, ops.zeros(())]
        steep = penalty(networks.discriminator, real)
        return [wrong + weight / 2 * steep, wrong, steep]

    return loss


def penalty(discriminator: Callable[[Any], Any], real: Any) -> Any:
    """R1: the mean square length of the discriminator's slope at real faces (B, S, S, 3)."""
    slopes = slopes_at(discriminator, real)
    return ops.mean(ops.sum(ops.square(slopes), axis=(1, 2, 3)))


def generator_loss(networks: Networks) -> Loss:
    """The generator's loss, which takes the disturbance of the generated faces, and noise."""

    def loss(*given: Any) -> list[Any]:
        fake = disturb(networks.generator(list(given[PARTS:])), given[:PARTS])
        return [ops.mean(ops.softplus(-networks.discriminator(fake)))]

    return loss


def follow(average: keras.Model, latest: keras.Model, momentum: float) -> None:
    """Move an average of weights: `momentum` times itself, and the rest of the latest weights."""
    for mean, new in zip(average.variables, latest.variables, strict=True):
        mean.assign(momentum * mean + (1 - momentum) * new)
