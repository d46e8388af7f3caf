"""Does a map point at what was altered? Fakes of our own making have masks that tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfdetect.explain.orders import Ranks, gains
from dfdetect.fakes.pairs import PairSampler
from dfdetect.fakes.reals import Reals
from dfdetect.fakes.registry import Rgb
from dfdetect.metrics.estimates import Estimate
from dfdetect.metrics.means import mean_estimate

ALTERED = 0.5
"""A pixel counts as altered where the mask has at least this share of its peak."""

Regions = NDArray[np.bool_]


@dataclass(frozen=True)
class Altered:
    """Fakes, and where each was altered.

    Attributes:
        faces: uint8 of shape (n, S, S, 3).
        reals: the real faces that they were made from, of the same shape.
        regions: bool of shape (n, S, S); each has at least one pixel.
        groups: the number of the group of each.
    """

    faces: Rgb
    reals: Rgb
    regions: Regions
    groups: NDArray[np.int64]

    def subset(self, rows: NDArray[np.bool_]) -> "Altered":
        """Those of some rows."""
        return Altered(self.faces[rows], self.reals[rows], self.regions[rows], self.groups[rows])


@dataclass(frozen=True)
class Pointing:
    """How well one order finds the altered regions.

    Attributes:
        pointing: the share of faces whose hottest pixel was altered (the pointing game).
        iou: the mean intersection over union of the region and as many of the hottest pixels.
        gains: by baseline and measure, how far it is better than that baseline on the same faces. Empty for
            a baseline itself.
    """

    pointing: Estimate
    iou: Estimate
    gains: Mapping[str, Mapping[str, Estimate]]


def make_altered(reals: Reals, kind: str, rows: Sequence[int], side: int, seed: int) -> Altered:
    """A fake of each of some real faces, disturbed as in training.

    A face whose mask is empty is left out.

    Args:
        reals: real faces with landmarks.
        kind: the kind of fake.
        rows: which faces.
        side: of the fakes, in pixels.
        seed: chooses the fakes.
    """
    sampler = PairSampler(
        lambda index: reals.load(index).picture, reals.points, reals.groups, side, {kind: 1.0}, seed
    )
    pairs = [sampler.pair(row) for row in rows]
    numbers = np.unique(reals.groups, return_inverse=True)[1][np.asarray(rows, np.int64)]
    regions = np.stack([pair.mask >= max(ALTERED * pair.mask.max(), 1e-6) for pair in pairs])
    fakes, twins = np.stack([pair.fake for pair in pairs]), np.stack([pair.real for pair in pairs])
    return Altered(fakes, twins, regions, numbers.astype(np.int64)).subset(
        np.asarray(regions.any(axis=(1, 2)))
    )


def point(regions: Regions, ranks: Ranks) -> dict[str, NDArray[np.float64]]:
    """Whether the hottest pixel of each face was altered, and the IoU of its hottest pixels.

    Args:
        regions: bool of shape (n, S, S).
        ranks: of the same shape.

    Returns:
        "pointing", 0 or 1, and "iou", 0 to 1, each of shape (n,).
    """
    hit = (regions & (ranks == 0)).any(axis=(1, 2))
    size = regions.sum(axis=(1, 2))
    common = (regions & (ranks < size[:, None, None])).sum(axis=(1, 2))
    return {"pointing": hit.astype(np.float64), "iou": common / (2 * size - common)}


def compare(
    found: Mapping[str, Mapping[str, NDArray[np.float64]]], groups: NDArray[np.int64]
) -> dict[str, Pointing]:
    """Measure each order, and its gain over the baselines.

    Args:
        found: what `point` gives for each order of the same faces, by name; `BASELINES` are among them.
        groups: the group of each face.
    """
    return {
        name: Pointing(
            **{measure: mean_estimate(values, groups) for measure, values in own.items()},
            gains=gains(name, found, groups),
        )
        for name, own in found.items()
    }
