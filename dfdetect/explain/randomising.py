"""Does a map depend on what the model has learned? Its weights are shuffled, the last layer first.

Reference: Adebayo et al. 2018, Sanity Checks for Saliency Maps, arXiv 1810.03292, section 3.1 (cascading
randomisation). They draw new weights. Here the numbers of each weight are shuffled, so that a deep network
does not fade to equal scores.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from dfdetect.explain.registry import Maps

STAGES = {"last layer": 0.0, "last quarter": 0.25, "last half": 0.5, "all layers": 1.0}
"""Shares of the layers that have weights, counted from the output; at least one."""


def correlations(
    model: keras.Model, explain: Callable[[], Maps], stage: str, seed: int
) -> NDArray[np.float64]:
    """How alike the maps of the trained and of the randomised model are.

    Args:
        model: the trained model; it is as before afterwards.
        explain: gives maps of the same faces by the model's present weights: (n, S, S).
        stage: one of `STAGES`.
        seed: of the shuffling.

    Returns:
        Spearman's rank correlation of each face's two maps: (n,). 1 means that the map did not change; NaN
        that one of the two is the same everywhere.
    """
    before = explain()
    with shuffled(layers_of(model, STAGES[stage]), seed):
        after = explain()
    return np.array([_alike(*pair) for pair in zip(before, after, strict=True)])


def layers_of(model: keras.Model, share: float) -> list[keras.Layer]:
    """The last layers that have weights, output first: a share of all, at least one."""
    layers = [layer for layer in reversed(model.layers) if layer.weights]
    return layers[: max(1, round(share * len(layers)))]


@contextmanager
def shuffled(layers: Sequence[keras.Layer], seed: int) -> Iterator[None]:
    """Shuffle the numbers of each weight of some layers while the block runs."""
    rng = np.random.default_rng(seed)
    kept = [layer.get_weights() for layer in layers]
    try:
        for layer, weights in zip(layers, kept, strict=True):
            layer.set_weights([rng.permutation(each.ravel()).reshape(each.shape) for each in weights])
        yield
    finally:
        for layer, weights in zip(layers, kept, strict=True):
            layer.set_weights(weights)


def _alike(first: Maps, second: Maps) -> float:
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(spearmanr(first.ravel(), second.ravel()).statistic)
