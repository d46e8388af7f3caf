"""The folds of a cross-validation, and their averages."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from dfdetect.metrics.estimates import Estimate, Metrics
from dfdetect.metrics.measures import MEASURES


@dataclass(frozen=True)
class Fold:
    """What one fold gave.

    Attributes:
        number: from 1.
        metrics: of the fold's own faces or clips.
        n_train: faces or clips that were trained on.
        n_test: of the same kind, those that were tested on: of a video with two people, two clips.
    """

    number: int
    metrics: Metrics
    n_train: int
    n_test: int


@dataclass(frozen=True)
class CrossValidation:
    """What all folds gave.

    Attributes:
        folds: in order.
        averages: name to mean over the folds, with the corrected 95 % interval.
        confusion: mean over the folds; rows are true real and fake, columns called real and fake.
    """

    folds: Sequence[Fold]
    averages: dict[str, Estimate]
    confusion: tuple[tuple[float, float], tuple[float, float]]


def summarise(folds: Sequence[Fold]) -> CrossValidation:
    """Average the folds.

    The interval is Student's with the corrected variance of Nadeau and Bengio 2003 (section 3),
    s^2 (1/k + n_test/n_train): folds share training faces, so their plain variance is too small. It ends
    where the metric's range does.
    """
    ratio = float(np.mean([fold.n_test / fold.n_train for fold in folds]))
    averages = {}
    for name, measure in MEASURES.items():
        mean = student([fold.metrics.estimates[name].value for fold in folds], shared=ratio)
        averages[name] = replace(mean, low=max(mean.low, 0.0), high=min(mean.high, measure.most))
    (tn, fp), (fn, tp) = np.mean([fold.metrics.confusion for fold in folds], axis=0).tolist()
    return CrossValidation(folds, averages, ((tn, fp), (fn, tp)))


def student(values: Sequence[float], *, shared: float = 0.0) -> Estimate:
    """The mean of two values or more, with Student's 95 % interval; of equal ones no interval can be told.

    Args:
        values: the values.
        shared: what values that are not independent add to 1/k in the variance of their mean.
    """
    k = len(values)
    mean = float(np.mean(values))
    spread = float(np.std(values, ddof=1)) if np.ptp(values) else math.nan
    half = float(stats.t.ppf(0.975, k - 1)) * spread * math.sqrt(1 / k + shared)
    return Estimate(mean, mean - half, mean + half)


def matrix_text(confusion: Sequence[Sequence[float]]) -> str:
    """Such as "[[1, 2], [3, 4.5]]"."""
    return "[" + ", ".join(f"[{', '.join(f'{count:.6g}' for count in row)}]" for row in confusion) + "]"
