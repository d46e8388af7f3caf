"""Orders of a face's pixels, hottest first: by a method's map, and by two maps that know nothing."""

from collections.abc import Collection, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.explain.registry import Maps
from dfdetect.metrics.estimates import Estimate
from dfdetect.metrics.means import mean_estimate

RANDOM, CENTRE = "random", "centre"
BASELINES = {RANDOM: "random map", CENTRE: "centre blob"}
"""The maps that a method has to beat, and their names for readers."""
GRAIN = 8
"""A random map is smooth: it has this many values along each side, about as many as the maps of networks."""

Ranks = NDArray[np.int64]
"""The place of each pixel in an order, from 0, the hottest: int64 of shape (n, S, S)."""


def baseline_maps(name: str, count: int, side: int, seed: int) -> Maps:
    """Maps that do not depend on the face.

    Args:
        name: `RANDOM` for smooth noise, or `CENTRE` for a bell in the middle, where faces are.
        count: how many.
        side: S of each, in pixels.
        seed: of the noise.

    Returns:
        float32 of shape (count, S, S), 0 to 1.
    """
    if name == RANDOM:
        coarse = np.random.default_rng(seed).random((count, GRAIN, GRAIN), dtype=np.float32)
        fine = [cv2.resize(each, (side, side), interpolation=cv2.INTER_CUBIC) for each in coarse]
        return np.asarray(np.clip(np.stack(fine), 0, 1), np.float32)
    away = (np.arange(side) - (side - 1) / 2) / (side / 4)
    bell = np.exp(-(away[:, None] ** 2 + away[None] ** 2) / 2).astype(np.float32)
    return np.repeat(bell[None], count, axis=0)


def gains(
    name: str,
    measured: Mapping[str, Mapping[str, NDArray[np.float64]]],
    groups: NDArray[np.int64],
    lower: Collection[str] = (),
) -> dict[str, dict[str, Estimate]]:
    """By baseline and measure, how far an order is better than that baseline; empty for a baseline itself.

    Args:
        name: the order.
        measured: by order and measure, one value a face; `BASELINES` are among the orders.
        groups: the group of each face.
        lower: the measures of which a lower value is better.
    """
    if name in BASELINES:
        return {}
    return {
        baseline: {
            measure: mean_estimate(
                (-1 if measure in lower else 1) * (values - measured[baseline][measure]), groups
            )
            for measure, values in measured[name].items()
        }
        for baseline in BASELINES
    }


def ranks_of(maps: Maps, seed: int) -> Ranks:
    """The places of the pixels by their heat; equal heat is ordered by chance.

    Args:
        maps: of shape (n, S, S).
        seed: of that chance. In the order of the rows, a map of zeros would call the forehead hot.
    """
    rng = np.random.default_rng(seed)
    ranks = np.empty(maps.shape, np.int64)
    for rank, heat in zip(ranks, maps, strict=True):
        order = np.lexsort((rng.random(heat.size), -heat.ravel()))
        rank.ravel()[order] = np.arange(heat.size)
    return ranks
