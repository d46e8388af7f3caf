"""How good generated faces are, from the features of a named network: NumPy alone.

Reference: Heusel et al. 2017, arXiv 1706.08500, equation 6 (Frechet distance); Kynkaanniemi et al. 2019,
arXiv 1904.06991, section 2 (precision and recall).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from face_extraction.errors import InputError

Vectors = NDArray[np.floating]
NEAREST = 3
"""A sample's ball reaches to its third nearest neighbour, as in the paper."""


class Quality(NamedTuple):
    """How near one set of faces comes to another.

    Attributes:
        frechet: the Frechet distance of their features; the smaller the number of samples, the larger.
        precision: share of the generated faces that lie among the real ones, 0 to 1.
        recall: share of the real faces that lie among the generated ones, 0 to 1.
    """

    frechet: float
    precision: float
    recall: float


def measure(real: Vectors, fake: Vectors) -> Quality:
    """How near generated faces come to real ones.

    Args:
        real: features of real faces, (n, d).
        fake: features of generated faces, (m, d).

    Raises:
        InputError: there are fewer than five of either.
    """
    if min(len(real), len(fake)) <= NEAREST + 1:
        raise InputError(
            f"{len(real)} real and {len(fake)} generated faces to measure; accepted: {NEAREST + 2} or more"
        )
    return Quality(frechet(real, fake), coverage(real, fake), coverage(fake, real))


def frechet(one: Vectors, other: Vectors) -> float:
    """The Frechet distance of two Gaussians with the samples' means and covariances.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). For C1 = A'A and C2 = B'B the last trace is the sum of the
    singular values of AB', which needs no root of a matrix that may be singular.

    Args:
        one: (n, d), n of 2 or more.
        other: (m, d), m of 2 or more.
    """
    first, second = (np.asarray(each, np.float64) for each in (one, other))
    means = first.mean(axis=0), second.mean(axis=0)
    roots = [
        (each - mean) / np.sqrt(len(each) - 1) for each, mean in zip((first, second), means, strict=True)
    ]
    common = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    spread = sum(float(np.square(root).sum()) for root in roots)
    return max(0.0, float(np.square(means[0] - means[1]).sum() + spread - 2 * common))


def coverage(around: Vectors, points: Vectors) -> float:
    """The share of `points` inside a ball around one of `around`.

    A ball reaches from its centre to the `NEAREST`th of the other points of `around`.

    Args:
        around: (n, d), n above `NEAREST`.
        points: (m, d).
    """
    # The nearest of all is the sample itself.
    radii = np.partition(cdist(around, around), NEAREST, axis=1)[:, NEAREST]
    return float((cdist(points, around) <= radii).any(axis=1).mean())
