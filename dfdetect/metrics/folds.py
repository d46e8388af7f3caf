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
    """The result of one fold.

    Attributes:
        number: from 1.
        metrics: the metrics of the fold's own faces; of its videos if the model takes clips.
        n_train: faces or clips trained on.
        n_test: faces or clips tested on; a video with two people counts as two clips.
    """

    number: int
    metrics: Metrics
    n_train: int
    n_test: int


@dataclass(frozen=True)
class CrossValidation:
    """The result of all folds.

    Attributes:
        folds: in order.
        averages: mean over the folds by metric name, with the corrected 95 % interval.
        confusion: mean over the folds; rows are true real and fake, columns called real and fake.
    """

    folds: Sequence[Fold]
    averages: dict[str, Estimate]
    confusion: tuple[tuple[float, float], tuple[float, float]]


def summarise(folds: Sequence[Fold]) -> CrossValidation:
    """Average the folds.

    The interval is Student's with the corrected variance of Nadeau and Bengio 2003 (section 3),
    s^2 (1/k + n_test/n_train): folds share training faces, so their plain variance is too small. The
    interval is cut at the metric's range.
    """
    ratio = float(np.mean([fold.n_test / fold.n_train for fold in folds]))
    averages = {}
    for name, measure in MEASURES.items():
        mean = student([fold.metrics.estimates[name].value for fold in folds], shared=ratio)
        averages[name] = replace(mean, low=max(mean.low, 0.0), high=min(mean.high, measure.most))
    (tn, fp), (fn, tp) = np.mean([fold.metrics.confusion for fold in folds], axis=0).tolist()
    return CrossValidation(folds, averages, ((tn, fp), (fn, tp)))


def student(values: Sequence[float], *, shared: float = 0.0) -> Estimate:
    """The mean of two or more values, with Student's 95 % interval; equal values have no interval.

    Args:
        values: the values.
        shared: what dependence between the values adds to 1/k in the variance of their mean.
    """
    k = len(values)
    mean = float(np.mean(values))
    spread = float(np.std(values, ddof=1)) if np.ptp(values) else math.nan
    half = float(stats.t.ppf(0.975, k - 1)) * spread * math.sqrt(1 / k + shared)
    return Estimate(mean, mean - half, mean + half)


def matrix_text(confusion: Sequence[Sequence[float]]) -> str:
    """Text such as "[[1, 2], [3, 4]]"; with one decimal for each if a count is not whole."""
    counts = [count for row in confusion for count in row]
    form = ".0f" if all(float(count).is_integer() for count in counts) else ".1f"
    return "[" + ", ".join(f"[{', '.join(f'{count:{form}}' for count in row)}]" for row in confusion) + "]"
