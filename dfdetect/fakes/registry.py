"""What a file in the folder "kinds" provides: a function from a real face to a fake one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from face_extraction.registry import Registry

__all__ = [
    "Apply",
    "Face",
    "Fake",
    "Kind",
    "Mask",
    "Points",
    "Rgb",
    "Rng",
    "get_kind",
    "list_kinds",
    "register",
]

Rgb = NDArray[np.uint8]
"""A picture: uint8 of shape (H, W, 3)."""
Mask = NDArray[np.float32]
"""How far each pixel was replaced: float32 of shape (H, W), 0 to 1."""
Points = NDArray[np.float32]
"""The 68 landmarks in dlib's order: float32 of shape (68, 2), x and y in pixels."""
Rng = np.random.Generator
Apply = Callable[[Rgb], Rgb]
"""Does one thing to a picture, with numbers that were drawn before."""


class Face(NamedTuple):
    """A real face with its landmarks."""

    picture: Rgb
    points: Points


class Fake(NamedTuple):
    """A faked picture and its mask. Where the mask is 0, the picture is the real one's."""

    picture: Rgb
    mask: Mask


Make = Callable[[Rgb, Points, Rng, Face | None], Fake]


@dataclass(frozen=True)
class Kind:
    """A kind of fake.

    Attributes:
        name: its name in recipes and on the command line.
        summary: what it does, in one sentence.
        source: the paper that it follows.
        needs_donor: whether it needs another person's face.
        make: makes the fake from (picture, points, rng, donor).
    """

    name: str
    summary: str
    source: str
    needs_donor: bool
    make: Make


_KINDS: Registry[Kind] = Registry("kind of fake", f"{__package__}.kinds")


def register(name: str, summary: str, source: str, *, needs_donor: bool = False) -> Callable[[Make], Make]:
    """Register the decorated function as the kind of fake `name`.

    The function takes a picture, its landmarks, the only source of chance, and the donor's face, which
    is None unless the kind needs one. It changes none of them. The same four give the same fake.
    """
    return _KINDS.decorator(name, lambda make: Kind(name, summary, source, needs_donor, make))


def list_kinds() -> list[Kind]:
    """All kinds, by name."""
    return _KINDS.all()


def get_kind(name: str) -> Kind:
    """The kind called `name`.

    Raises:
        InputError: no kind has this name; the line gives the nearest.
    """
    return _KINDS.get(name)
