"""The formulas of the metrics, for many weightings of the same scores at once.

A bootstrap over groups repeats some groups and leaves out others, which gives each face a weight.
So every formula takes weights. Sorting scores and summing over groups happens only once; a resample
then costs a matrix product and a cumulative sum.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ECE_BINS = 15
LOW_FPR_PERCENT = 1
LEAST_PROBABILITY = 1e-7
# The columns of `Scores.sums`.
TRUE_REALS, FALSE_ALARMS, MISSES, TRUE_FAKES, LOG_LOSS, SQUARED_ERROR = range(6)
COUNTS, BINS = slice(TRUE_REALS, TRUE_FAKES + 1), slice(SQUARED_ERROR + 1, None)


@dataclass(frozen=True)
class Measure:
    """The name and meaning of a metric.

    Attributes:
        name: its key in files.
        title: its name for people.
        part: "ranking" (needs no threshold), "decision" (at the threshold) or "probability".
        both: true if the metric needs both real and fake samples.
        better: "higher" or "lower".
        meaning: one sentence, with the source if definitions differ.
        most: its largest possible value; the smallest is 0.
    """

    name: str
    title: str
    part: str
    both: bool
    better: str
    meaning: str
    most: float = 1.0

    @property
    def sign(self) -> int:
        """1 if a higher value is better, else -1."""
        return 1 if self.better == "higher" else -1


MEASURES = {
    measure.name: measure
    for measure in (
        Measure(
            "auc", "AUC", "ranking", True, "higher",
            "Chance that a random fake scores above a random real; ties count half (Mann-Whitney).",
        ),
        Measure(
            "average_precision", "Average precision", "ranking", True, "higher",
            "Precision at each score, weighted by the recall gained there; not interpolated.",
        ),
        Measure(
            "eer", "Equal error rate", "ranking", True, "lower",
            "Where missed fakes and false alarms are equally frequent, interpolated on the ROC curve.",
        ),
        Measure(
            "tpr_at_1_fpr", "Fakes found at 1 % false alarms", "ranking", True, "higher",
            "Largest true positive rate of a threshold whose false positive rate is at most 1 %; "
            "not interpolated. Below 100 reals this allows no false alarm.",
        ),
        Measure(
            "accuracy", "Accuracy", "decision", False, "higher", "Share of right decisions.",
        ),
        Measure(
            "balanced_accuracy", "Balanced accuracy", "decision", True, "higher",
            "Mean of the shares of right decisions among reals and among fakes.",
        ),
        Measure(
            "precision", "Precision", "decision", True, "higher",
            "Share of fakes among what is called fake; not defined when nothing is called fake.",
        ),
        Measure(
            "recall", "Recall", "decision", False, "higher", "Share of the fakes that are called fake.",
        ),
        Measure(
            "f1", "F1", "decision", True, "higher", "Harmonic mean of precision and recall of the fakes.",
        ),
        Measure(
            "precision_weighted", "Precision, class-weighted", "decision", True, "higher",
            "Mean of both classes' precision, weighted by class size; a class never called counts 0.",
        ),
        Measure(
            "recall_weighted", "Recall, class-weighted", "decision", False, "higher",
            "Mean of both classes' recall, weighted by class size; equals the accuracy.",
        ),
        Measure(
            "f1_weighted", "F1, class-weighted", "decision", True, "higher",
            "Mean of both classes' F1, weighted by class size.",
        ),
        Measure(
            "log_loss", "Log loss", "probability", False, "lower",
            "Mean of -ln of the probability given to the true class, taken between 1e-7 and 1 - 1e-7 as in "
            "Keras.", -np.log(LEAST_PROBABILITY),
        ),
        Measure(
            "brier", "Brier score", "probability", False, "lower",
            "Mean squared difference of p_fake and the label.",
        ),
        Measure(
            "ece", "Calibration error (ECE)", "probability", False, "lower",
            f"Mean gap between p_fake and the share of fakes in {ECE_BINS} bins of p_fake of equal width, "
            "weighted by their counts (Naeini et al. 2015, binary form; the bins of Guo et al. 2017). "
            "Chance alone raises it, and resampling adds chance: its interval leans upwards. So compare it "
            "with what a perfectly calibrated model with the same scores would show, on average and in 95 % "
            "of cases (consistency resampling, Broecker & Smith 2007): up to the latter it may be perfect.",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Scores:
    """Labelled scores, prepared for `measure`. `prepare` makes them.

    Attributes:
        n_groups: the number of groups.
        group: group of each sample, from the highest score to the lowest, shape (n,).
        fake: 1.0 if that sample is fake, else 0.0, shape (n,).
        last: index of the last sample of each run of equal scores, shape (runs,).
        sums: sums over each group, shape (groups, 6 + ECE_BINS): the columns `TRUE_REALS` to
            `SQUARED_ERROR`, and in `BINS` p_fake minus label of each bin.
    """

    n_groups: int
    group: NDArray[np.int64]
    fake: Array
    last: NDArray[np.int64]
    sums: Array


def ece_bins(p_fake: Array) -> NDArray[np.int64]:
    """Bin of each score, 0 to ECE_BINS - 1; bin k is (k, k + 1] / ECE_BINS, and 0 is in the first."""
    bins: NDArray[np.int64] = np.clip(np.ceil(p_fake * ECE_BINS) - 1, 0, ECE_BINS - 1).astype(np.int64)
    return bins


def prepare(labels: NDArray[np.int64], p_fake: Array, groups: NDArray[np.int64], threshold: float) -> Scores:
    """Do the sorting and summing that all resamples share.

    Args:
        labels: 0 or 1, shape (n,).
        p_fake: scores 0 to 1, shape (n,).
        groups: group numbers from 0, shape (n,).
        threshold: a score at or above it is called fake.
    """
    fake = labels.astype(np.float64)
    called = p_fake >= threshold
    truth = np.where(labels == 1, p_fake, 1.0 - p_fake)
    bins = ece_bins(p_fake)
    columns = [
        *((labels == true) & (called == say) for true in (0, 1) for say in (False, True)),
        -np.log(np.clip(truth, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)),
        (p_fake - fake) ** 2,
        *(np.where(bins == number, p_fake - fake, 0.0) for number in range(ECE_BINS)),
    ]
    n_groups = int(groups.max(initial=-1)) + 1
    order = np.argsort(-p_fake, kind="stable")
    last = np.flatnonzero(np.diff(p_fake[order], append=-1.0))
    sums: Array = np.stack(
        [np.bincount(groups, column, minlength=n_groups).astype(np.float64) for column in columns], axis=1
    )
    return Scores(n_groups, groups[order], fake[order], last, sums)


def measure(scores: Scores, weights: Array) -> dict[str, Array]:
    """Compute every metric of `MEASURES`, for each row of weights.

    Args:
        scores: from `prepare`.
        weights: how often each group counts, whole numbers, shape (rows, groups).

    Returns:
        Values of shape (rows,) by metric name; NaN if a metric is not defined.
    """
    sums = weights @ scores.sums
    real, fake = sums[:, TRUE_REALS] + sums[:, FALSE_ALARMS], sums[:, MISSES] + sums[:, TRUE_FAKES]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = {
            **_ranking(*cumulative(scores, weights)),
            **decisions(*sums[:, COUNTS].T),
            "log_loss": sums[:, LOG_LOSS] / (real + fake),
            "brier": sums[:, SQUARED_ERROR] / (real + fake),
            "ece": np.abs(sums[:, BINS]).sum(axis=1) / (real + fake),
        }
    defined = (real > 0) & (fake > 0)
    return {
        name: np.where(defined, values[name], np.nan) if measure.both else values[name]
        for name, measure in MEASURES.items()
    }


def cumulative(scores: Scores, weights: Array) -> tuple[Array, Array]:
    """The weights of the reals and of the fakes that are called fake, as the threshold falls.

    Equal scores pass the threshold together. Divide each array by its last column to get the two axes of
    the ROC curve, false and true positive rate.

    Returns:
        Two arrays of shape (rows, runs + 1); their first column is zero.
    """
    faces = weights[:, scores.group]
    both = np.zeros((len(weights), len(scores.last) + 1))
    fake = np.zeros_like(both)
    both[:, 1:] = np.cumsum(faces, axis=1)[:, scores.last]
    fake[:, 1:] = np.cumsum(faces * scores.fake, axis=1)[:, scores.last]
    return both - fake, fake


def curve(labels: NDArray[np.int64], p_fake: Array) -> tuple[Array, Array]:
    """Counts of reals and of fakes called fake as the threshold falls, each starting at 0.

    Args:
        labels: of shape (n,), 0 real and 1 fake.
        p_fake: of shape (n,).
    """
    scores = prepare(labels, p_fake, np.zeros(len(labels), dtype=np.int64), 0.5)
    real, fake = cumulative(scores, np.ones((1, 1)))
    return real[0], fake[0]


def exact_auc(labels: NDArray[np.int64], p_fake: NDArray[np.float64]) -> float:
    """The AUC by whole counts of pairs, so that equal rankings give equal numbers, whatever their order.

    Args:
        labels: of shape (n,), 0 real and 1 fake; both are there.
        p_fake: of shape (n,).
    """
    real, fake = curve(labels, p_fake)
    return float(_ranking(real[None], fake[None])["auc"][0])


def equal_error_rate(real: Array, fake: Array) -> Array:
    """The error rate where the ROC curve, drawn with straight lines, meets FPR = FNR.

    Args:
        real: reals called fake, from `cumulative`.
        fake: fakes called fake, from `cumulative`.
    """
    reals, fakes = real[:, -1], fake[:, -1]
    # FPR + TPR >= 1 without a division, so that the comparison is exact.
    height = real * fakes[:, None] + fake * reals[:, None]
    after = np.argmax(height >= (reals * fakes)[:, None], axis=1)
    rows = np.arange(len(real))
    low, high = height[rows, after - 1], height[rows, after]
    part = (reals * fakes - low) / (high - low)
    rate: Array = (real[rows, after - 1] * (1 - part) + real[rows, after] * part) / reals
    return rate


def _ranking(real: Array, fake: Array) -> dict[str, Array]:
    reals, fakes = real[:, -1], fake[:, -1]
    gained = np.diff(fake)
    area = (np.diff(real) * (fake[:, 1:] - gained / 2)).sum(axis=1)
    # Until a weighting calls something fake, no recall is gained either, so dividing by 1 gives the right 0.
    precision = fake[:, 1:] / np.maximum(real[:, 1:] + fake[:, 1:], 1.0)
    allowed = (100 * real <= LOW_FPR_PERCENT * reals[:, None]).sum(axis=1) - 1
    return {
        "auc": area / (reals * fakes),
        "average_precision": (gained * precision).sum(axis=1) / fakes,
        "eer": equal_error_rate(real, fake),
        "tpr_at_1_fpr": fake[np.arange(len(fake)), allowed] / fakes,
    }


def decisions(tn: Array, fp: Array, fn: Array, tp: Array) -> dict[str, Array]:
    """The metrics of decisions, from the counts of true reals, false alarms, misses and true fakes."""
    real, fake = tn + fp, fn + tp
    precision_real, precision_fake = tn / (tn + fn), tp / (tp + fp)
    f1_real, f1_fake = 2 * tn / (2 * tn + fn + fp), 2 * tp / (2 * tp + fp + fn)
    accuracy = (tn + tp) / (real + fake)
    weighted = np.nan_to_num(precision_real) * real + np.nan_to_num(precision_fake) * fake
    return {
        "accuracy": accuracy,
        "balanced_accuracy": (tn / real + tp / fake) / 2,
        "precision": precision_fake,
        "recall": tp / fake,
        "f1": f1_fake,
        "precision_weighted": weighted / (real + fake),
        "recall_weighted": accuracy,
        "f1_weighted": (f1_real * real + f1_fake * fake) / (real + fake),
    }
