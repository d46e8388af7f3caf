"""What a file in the folder "kinds" provides: a function from a picture to a disturbed one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from face_extraction.registry import Registry

__all__ = ["Kind", "Rgb", "Rng", "get_kind", "list_kinds", "register"]

Rgb = NDArray[np.uint8]
"""A picture: uint8 of shape (H, W, 3)."""
Rng = np.random.Generator
Disturb = Callable[[Rgb, float, Rng], Rgb]

STEPS = 5
"""Severities of a kind that has degrees."""


@dataclass(frozen=True)
class Kind:
    """A kind of disturbance.

    Attributes:
        name: its name on the command line.
        title: its name for readers.
        summary: what it does, in one sentence.
        unit: what a severity means, with "{}" in the place of its number, such as "quality {}".
        severities: the numbers, mild first: `STEPS` of them, or one if the kind has no degrees.
        disturb: makes the disturbed picture from (picture, severity, rng).
    """

    name: str
    title: str
    summary: str
    unit: str
    severities: tuple[float, ...]
    disturb: Disturb

    def shown(self, severity: float) -> str:
        """A severity in words, such as "quality 30"."""
        return self.unit.format(f"{severity:g}")


_KINDS: Registry[Kind] = Registry("kind of disturbance", f"{__package__}.kinds")


def register(
    name: str, title: str, summary: str, *, unit: str, severities: tuple[float, ...]
) -> Callable[[Disturb], Disturb]:
    """Register the decorated function as the kind of disturbance `name`.

    The function takes a picture, one of the severities, and the only source of chance. It returns a new
    picture of the same shape and leaves its arguments unchanged. The source of chance is in the same state
    for all severities of a face, so that only the degree differs between them: draw before you look at the
    severity.
    """
    return _KINDS.decorator(name, lambda disturb: Kind(name, title, summary, unit, severities, disturb))


def list_kinds() -> list[Kind]:
    """All kinds, by name."""
    return _KINDS.all()


def get_kind(name: str) -> Kind:
    """The kind called `name`.

    Raises:
        InputError: no kind has this name; the line gives the nearest.
    """
    return _KINDS.get(name)
