"""The kinds of GAN, and the noise that their generators begin with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from dfdetect.fakes.gan import dcgan, style
from dfdetect.fakes.gan.settings import Design
from dfdetect.fakes.registry import Rgb, Rng

Pixels = NDArray[np.float32]
"""Faces as the networks take them: float32 of shape (B, S, S, 3), -1 to 1."""
BATCH = 32
"""Faces that are made at once after the training."""


@dataclass(frozen=True)
class _Kind:
    """How the two networks of a kind are built, from the side of the faces and the width."""

    generator: Callable[[int, int], keras.Model]
    discriminator: Callable[[int, int], keras.Model]


_KINDS: Mapping[str, _Kind] = {
    "dcgan": _Kind(dcgan.generator, dcgan.discriminator),
    "style": _Kind(style.generator, style.discriminator),
}


class Networks(NamedTuple):
    """The networks of a training: the average's weights follow the generator's."""

    generator: keras.Model
    discriminator: keras.Model
    average: keras.Model


def build(design: Design, seed: int) -> Networks:
    """The networks, with random weights that the seed decides; the average begins as the generator does."""
    keras.utils.set_random_seed(seed)
    kind = _KINDS[design.kind]
    generator = kind.generator(design.side, design.width)
    discriminator = kind.discriminator(design.side, design.width)
    average = build_generator(design)
    average.set_weights(generator.get_weights())
    return Networks(generator, discriminator, average)


def build_generator(design: Design) -> keras.Model:
    """A generator with random weights."""
    return _KINDS[design.kind].generator(design.side, design.width)


def draw_noise(generator: keras.Model, rng: Rng, count: int) -> list[NDArray[np.float32]]:
    """Standard normal noise for `count` faces: one array for each input of the generator."""
    return [rng.standard_normal((count, *each.shape[1:]), dtype=np.float32) for each in generator.inputs]


def make_faces(generator: keras.Model, noise: list[NDArray[np.float32]]) -> NDArray[np.uint8]:
    """The faces that a generator makes: uint8 of shape (n, S, S, 3)."""
    made = []
    for start in range(0, len(noise[0]), BATCH):
        part = [each[start : start + BATCH] for each in noise]
        made.append(np.asarray(generator(part, training=False)))
    return to_rgb(np.concatenate(made))


def to_pixels(faces: Rgb) -> Pixels:
    """From 0..255 to -1..1."""
    return faces.astype(np.float32) / 127.5 - 1


def to_rgb(pixels: Pixels) -> Rgb:
    """From -1..1 to 0..255."""
    return np.asarray(np.clip(np.rint((pixels + 1) * 127.5), 0, 255), np.uint8)
