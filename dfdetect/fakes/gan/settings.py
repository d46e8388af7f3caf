"""What decides a GAN's training; it imports no Keras, so that the command can ask for `--help` at once."""

from dataclasses import dataclass

from face_extraction.errors import InputError

SIDES = {"dcgan": 64, "style": 128}
"""The kinds of GAN, and the side of their faces in pixels, unless another is given."""
WIDTH = 1024
"""Channels of a map times its side, unless another width is given."""
MOST_SIDE = 256
NO_WEIGHTS = "none"
"""The value of --weights that turns measuring off."""


@dataclass(frozen=True)
class Design:
    """The networks.

    Attributes:
        kind: "dcgan" or "style".
        side: of the faces, in pixels: a power of 2 from 8 to 256.
        width: channels of a map times its side, before the bounds of 8 and 256 channels.

    Raises:
        InputError: a value is not accepted.
    """

    kind: str
    side: int
    width: int

    def __post_init__(self) -> None:
        if self.kind not in SIDES:
            raise InputError(f"--kind {self.kind!r}; accepted: {', '.join(SIDES)}")
        if not 8 <= self.side <= MOST_SIDE or self.side & (self.side - 1):
            raise InputError(f"--size {self.side}; accepted: 8, 16, 32, 64, 128 or 256 pixels")


@dataclass(frozen=True)
class Training:
    """How the networks are trained.

    Attributes:
        seed: decides weights, order, noise and disturbances.
        batch_size: real faces, and as many generated ones, of each step.
        learning_rate: of Adam, for both networks.
        gamma: weight of the R1 penalty.
        penalty_every: steps from one R1 penalty to the next, which weighs as many times more.
        momentum: of the average of the generator's weights.
    """

    seed: int = 0
    batch_size: int = 16
    learning_rate: float = 5e-4
    gamma: float = 0.3
    penalty_every: int = 16
    momentum: float = 0.998


RESAMPLED, NATIVE, NO_REALS = "resampled", "native", "none"
