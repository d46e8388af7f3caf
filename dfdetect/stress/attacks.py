"""Attacks on a score: changes of a few levels, chosen by whoever has the model.

Both follow the gradient of the loss by the pixels. For one output the loss rises wherever the logit moves to
the wrong side, so that only the sign of the logit's gradient counts; and the logit does not saturate as the
loss does. The forged face is a file: its pixels are whole numbers from 0 to 255.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfdetect.fakes.colours import whole
from dfdetect.stress.registry import Rgb

Pixels = NDArray[np.float32]
"""Faces as a model takes them: float32, 0..255."""
Slopes = Callable[[Pixels], Pixels]
"""The gradient of each face's logit by its pixels, of the faces' shape."""


@dataclass(frozen=True, eq=False)
class Target:
    """The faces to forge.

    Attributes:
        faces: uint8 of shape (n, ...), as the model takes them.
        labels: 1 = fake, whose score is to fall; 0 = real, whose score is to rise; shape (n,).
        slopes: of the model.
        sources: of chance, one a face.
    """

    faces: Rgb
    labels: NDArray[np.int64]
    slopes: Slopes
    sources: Sequence[np.random.Generator]

    def worse(self, faces: Pixels) -> Pixels:
        """Per pixel 1, -1 or 0: the way in which the score gets worse from here."""
        sides = np.where(self.labels == 1, -1, 1).reshape(-1, *[1] * (faces.ndim - 1))
        return np.asarray(sides * np.sign(self.slopes(faces)), np.float32)


@dataclass(frozen=True)
class Bound:
    """How far pixels may be changed.

    Attributes:
        epsilon: the most levels of 255, a whole number from 1.
        steps: of an attack that takes several.
    """

    epsilon: int
    steps: int = 10


def fgsm(target: Target, bound: Bound) -> Rgb:
    """One step of the whole size (fast gradient sign method; Goodfellow et al. 2015, arXiv 1412.6572)."""
    faces = target.faces.astype(np.float32)
    return whole(faces + bound.epsilon * target.worse(faces))


def pgd(target: Target, bound: Bound) -> Rgb:
    """Many small steps from a random start (projected gradient descent; Madry et al. 2018, arXiv 1706.06083).

    The steps are 2.5 epsilon / steps long, as theirs, so that each pixel can cross the whole range.
    """
    before = target.faces.astype(np.float32)
    low, high = np.maximum(before - bound.epsilon, 0), np.minimum(before + bound.epsilon, 255)
    start = [
        source.uniform(-bound.epsilon, bound.epsilon, before.shape[1:]).astype(np.float32)
        for source in target.sources
    ]
    faces = np.clip(before + np.stack(start), low, high)
    for _ in range(bound.steps):
        faces = np.clip(faces + 2.5 * bound.epsilon / bound.steps * target.worse(faces), low, high)
    return whole(faces)


ATTACKS: dict[str, Callable[[Target, Bound], Rgb]] = {"fgsm": fgsm, "pgd": pgd}
