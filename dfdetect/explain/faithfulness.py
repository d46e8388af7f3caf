"""Does a map show what the score rests on? Pixels are taken away, and given back, hottest first.

Reference: Petsiuk, Das and Saenko 2018, RISE, arXiv 1806.07421, section 4.2 (deletion, insertion). They put
one colour, or a blurred picture, where pixels are taken away. Such a patch can itself look forged. If the
real face is known from which a fake was made, its pixels take their place, which leaves a sound picture.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfdetect.explain.orders import Ranks, gains
from dfdetect.explain.probe import Probe
from dfdetect.explain.registry import Pictures
from dfdetect.metrics.estimates import Estimate
from dfdetect.metrics.means import mean_estimate

STEPS = 10
SHARES = np.linspace(0, 1, STEPS + 1)
"""Shares of the pixels that are taken away or given back."""

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Faded:
    """What the score of each face is with a share of its pixels, in one order.

    Attributes:
        deletion: `p_fake` without the hottest share of the pixels: (n, STEPS + 1). It should fall early.
        insertion: `p_fake` with the hottest share alone: (n, STEPS + 1). It should rise early.
    """

    deletion: Scores
    insertion: Scores

    def areas(self) -> dict[str, Scores]:
        """The area under each face's curves, 0 to 1, by the curve's name: low deletion, high insertion."""
        return {name: np.trapezoid(curve, SHARES, axis=1) for name, curve in vars(self).items()}


@dataclass(frozen=True)
class Faithfulness:
    """How faithful one order is.

    Attributes:
        deletion: the mean area under the deletion curve; lower is better.
        insertion: the mean area under the insertion curve; higher is better.
        gains: by baseline and curve, how far it is better than that baseline on the same faces; above 0 is
            better. Empty for a baseline itself.
        curves: the mean curves.
    """

    deletion: Estimate
    insertion: Estimate
    gains: Mapping[str, Mapping[str, Estimate]]
    curves: Mapping[str, list[float]]


def fade(probe: Probe, faces: Pictures, veils: Pictures, ranks: Ranks) -> Faded:
    """Score faces without their hottest pixels, and with only the hottest.

    Args:
        probe: the model.
        faces: the faces.
        veils: what is seen where a pixel is taken away, of the same shape.
        ranks: the order of each face's pixels.
    """
    pixels = ranks.shape[1] * ranks.shape[2]
    deletion, insertion = (np.zeros((len(faces), len(SHARES))) for _ in range(2))
    for step, share in enumerate(SHARES):
        hot = (ranks < round(share * pixels))[..., None]
        deletion[:, step] = probe.scores(np.where(hot, veils, faces))
        insertion[:, step] = probe.scores(np.where(hot, faces, veils))
    return Faded(deletion, insertion)


def compare(faded: Mapping[str, Faded], groups: NDArray[np.int64]) -> dict[str, Faithfulness]:
    """Measure each order, and its gain over the baselines.

    Args:
        faded: of each order of the same faces, by name; `BASELINES` are among them.
        groups: the group of each face.
    """
    areas = {name: each.areas() for name, each in faded.items()}
    found = {}
    for name, own in areas.items():
        means = {curve: mean_estimate(values, groups) for curve, values in own.items()}
        better = gains(name, areas, groups, lower=("deletion",))
        curves = {curve: values.mean(axis=0).tolist() for curve, values in vars(faded[name]).items()}
        found[name] = Faithfulness(means["deletion"], means["insertion"], better, curves)
    return found
