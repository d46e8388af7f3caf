"""The calibration error that a perfectly calibrated model would show by chance.

With few samples the error (ECE) of a perfectly calibrated model is not 0 either: in each bin the share of
fakes strays from the scores' mean (Kumar et al. 2019; Roelofs et al. 2022). Consistency resampling
(Broecker & Smith 2007) tells by how much: it keeps the scores and draws each label as if its score were the
chance of a fake. An error within what these draws show cannot be told from perfect calibration.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfdetect.metrics.measures import ECE_BINS, Array, ece_bins
from dfdetect.predictions import Predictions

DRAWS = 1000
BLOCK_CELLS = 2**18
HIGH = 0.95


@dataclass(frozen=True)
class Ideal:
    """What a perfectly calibrated model with the same scores would show.

    Attributes:
        mean: its ECE on average.
        high: 95 % of its ECEs are at most this.
    """

    mean: float
    high: float

    def __str__(self) -> str:
        """Text such as "0.060, at most 0.081"."""
        return f"{self.mean:.3f}, at most {self.high:.3f}"


def ideal_ece(predictions: Predictions, draws: int = DRAWS, seed: int = 0) -> Ideal | None:
    """The ECE of labels that are drawn by the scores; None of no samples or draws.

    Faces of one video have one label in truth, so one random number decides all its faces. What else joins
    the labels of a group, such as a fake beside its original, calibration does not determine: there each
    video is drawn for itself.

    Args:
        predictions: of known labels, which are not used.
        draws: how many times all labels are drawn.
        seed: seed of the draws.
    """
    n = len(predictions)
    if not (n and draws):
        return None
    p, videos = predictions.p_fake.astype(np.float32), predictions.videos
    in_bin = np.zeros((n, ECE_BINS), np.float32)
    in_bin[np.arange(n), ece_bins(predictions.p_fake)] = 1
    expected, units, rows = p @ in_bin, int(videos.max()) + 1, max(1, BLOCK_CELLS // n)
    generator = np.random.default_rng(seed)
    errors: list[NDArray[np.float32]] = []
    for start in range(0, draws, rows):
        chance = generator.random((min(rows, draws - start), units), np.float32)
        fakes = (chance[:, videos] < p).astype(np.float32) @ in_bin
        errors.append(np.abs(fakes - expected).sum(axis=1) / n)
    found: Array = np.concatenate(errors).astype(np.float64)
    return Ideal(float(found.mean()), float(np.quantile(found, HIGH)))
