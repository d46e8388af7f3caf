"""Is one model better than another on the same faces? Paired tests that respect groups.

Both models scored the same faces, so what counts is each face's difference; and faces of one group
are not independent, so what is summed, drawn or permuted is groups. With every face its own group
the tests are the textbook ones, which assume independence.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dfdetect.metrics.bootstrap import draw_weights, percentile_interval
from dfdetect.metrics.estimates import BLOCK_CELLS, DASH, Estimate
from dfdetect.metrics.measures import MEASURES, Array, measure, prepare
from dfdetect.predictions import Predictions
from face_extraction.errors import InputError

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Scored:
    """One model's predictions and its threshold; a `p_fake` from there on is called fake."""

    predictions: Predictions
    threshold: float


Pair = tuple[Scored, Scored]


@dataclass(frozen=True)
class Difference:
    """First model less second.

    Attributes:
        value: the difference; NaN when not defined.
        low: lower end of its 95 % interval; NaN when not estimable.
        high: upper end.
        p: two-sided p-value of no difference; NaN when not estimable.
    """

    value: float
    low: float
    high: float
    p: float


def check_pair(first: Predictions, second: Predictions) -> None:
    """Refuse predictions of different faces, or of none.

    Two data sets can name their crops alike, and a manifest can get other groups.

    Raises:
        InputError: naming how many faces differ.
    """
    if not len(first.known()):
        raise InputError("two models can be compared on faces of known label only; there are none")
    ours, theirs = (
        [(s.path, s.label, s.source, s.group) for s in scored.samples] for scored in (first, second)
    )
    if ours != theirs:
        differ = len(set(ours) ^ set(theirs))
        raise InputError(
            f"two models can be compared on the same faces, in the same groups, only; {differ} faces differ"
        )


def paired_bootstrap(
    pairs: Sequence[Pair], names: Sequence[str], *, resamples: int = 2000, seed: int = 0
) -> dict[str, Difference]:
    """Differences of metrics, with intervals and p-values from a bootstrap over groups.

    Each resample draws whole groups, the same for both models. The p-value is twice the share of
    resampled differences on the far side of 0, each share with 1 added above and below (Davison and
    Hinkley 1997, section 4.2.3), so it is never 0.

    Args:
        pairs: both models on the same faces: one pair, or one a fold of a cross-validation; the
            difference is then the mean over folds, whose groups are drawn independently.
        names: metrics, as in `MEASURES`.
        resamples: how many resamples.
        seed: seed of the resamples.

    Raises:
        InputError: the faces of a pair differ.
    """
    points: dict[str, list[float]] = {name: [] for name in names}
    drawn: dict[str, list[Array]] = {name: [] for name in names}
    for number, (first, second) in enumerate(pairs):
        value, spread = _bootstrap(first, second, names, resamples, seed + number)
        for name in names:
            points[name].append(value[name])
            drawn[name].append(spread[name])
    return {name: _summarise(float(np.mean(points[name])), np.mean(drawn[name], axis=0)) for name in names}


def _bootstrap(
    first: Scored, second: Scored, names: Sequence[str], resamples: int, seed: int
) -> tuple[dict[str, float], dict[str, Array]]:
    check_pair(first.predictions, second.predictions)
    prepared = []
    for scored in (first, second):
        known = scored.predictions.known()
        prepared.append(prepare(known.labels, known.p_fake, known.groups, scored.threshold))
    n_groups, n = prepared[0].n_groups, len(prepared[0].group)
    blocks = [np.ones((1, n_groups)), *draw_weights(n_groups, resamples, seed, max(1, BLOCK_CELLS // n))]
    parts: dict[str, list[Array]] = {name: [] for name in names}
    for weights in blocks:
        ours, theirs = (measure(scores, weights) for scores in prepared)
        for name in names:
            parts[name].append(ours[name] - theirs[name])
    values = {name: np.concatenate(part) for name, part in parts.items()}
    return {name: float(value[0]) for name, value in values.items()}, {
        name: value[1:] for name, value in values.items()
    }


def _summarise(value: float, spread: Array) -> Difference:
    defined = spread[~np.isnan(spread)]
    low, high = percentile_interval(spread)
    if value == 0 and defined.size and np.ptp(defined) == 0:
        return Difference(value, low, high, 1.0)  # equal decisions throughout
    if math.isnan(low):
        return Difference(value, low, high, math.nan)
    tails = [(np.sum(side) + 1) / (defined.size + 1) for side in (defined <= 0, defined >= 0)]
    return Difference(value, low, high, float(min(1.0, 2 * min(tails))))


def mcnemar(correct_first: Integers, correct_second: Integers, groups: Integers | None = None) -> float:
    """Two-sided p-value of equal accuracies, from the faces on which the models disagree.

    Args:
        correct_first: 1 where the first model was right, else 0, shape (n,).
        correct_second: the same of the second model.
        groups: group numbers, shape (n,). With them the statistic is (sum d)^2 / (sum d^2) over the
            groups' differences d of right decisions, chi-squared with one degree of freedom (Yang,
            Sun and Hardin 2010), which is McNemar's where every face is its own group. None assumes
            that faces are independent: McNemar's exact binomial test (1947).
    """
    difference = correct_first - correct_second
    if groups is None:
        won, lost = int(np.sum(difference > 0)), int(np.sum(difference < 0))
        return float(stats.binomtest(won, won + lost).pvalue) if won + lost else 1.0
    sums = np.bincount(groups, difference)
    square = float(sums @ sums)
    return float(stats.chi2.sf(sums.sum() ** 2 / square, 1)) if square else 1.0


def delong(labels: Integers, first: Array, second: Array, groups: Integers | None = None) -> Difference:
    """The difference of two AUCs with DeLong's variance, for groups as Obuchowski extended it.

    The variance comes from each face's placement (the share of the other class that it is rightly
    above or below; DeLong et al. 1988); placements are summed over groups, and fakes and reals of one
    group covary (Obuchowski 1997, "Nonparametric analysis of clustered ROC curve data").

    Args:
        labels: 0 or 1, shape (n,).
        first: the first model's `p_fake`, shape (n,).
        second: the second model's.
        groups: group numbers, shape (n,). None assumes that faces are independent: plain DeLong.

    Returns:
        All NaN but `value` when a class stands in fewer than two groups.
    """
    groups = np.arange(len(labels)) if groups is None else groups
    fake = labels == 1
    m, n = int(fake.sum()), int((~fake).sum())
    if not (m and n):
        return Difference(math.nan, math.nan, math.nan, math.nan)
    placements = _placements(fake, first) - _placements(fake, second)
    value = float(placements[fake].mean())
    number = int(groups.max()) + 1
    deviations = placements - value
    fakes = np.bincount(groups[fake], deviations[fake], minlength=number)
    reals = np.bincount(groups[~fake], deviations[~fake], minlength=number)
    with_fakes, with_reals = len(np.unique(groups[fake])), len(np.unique(groups[~fake]))
    if min(with_fakes, with_reals) < 2:
        return Difference(value, math.nan, math.nan, math.nan)
    every = len(np.unique(groups))
    variance = (
        with_fakes / (with_fakes - 1) * float(fakes @ fakes) / m**2
        + with_reals / (with_reals - 1) * float(reals @ reals) / n**2
        + 2 * every / (every - 1) * float(fakes @ reals) / (m * n)
    )
    if variance <= 0:
        return Difference(value, value, value, 1.0 if value == 0 else math.nan)
    error = math.sqrt(variance)
    half = float(stats.norm.ppf(0.975)) * error
    return Difference(value, value - half, value + half, float(2 * stats.norm.sf(abs(value) / error)))


def _placements(fake: NDArray[np.bool_], p_fake: Array) -> Array:
    """Share of the other class that each face is on the right side of; ties count half."""
    result = np.empty(len(p_fake))
    for own, sign in ((fake, 1.0), (~fake, -1.0)):
        other = np.sort(sign * p_fake[~own])
        mine = sign * p_fake[own]
        below, upto = (np.searchsorted(other, mine, side=side) for side in ("left", "right"))
        result[own] = (below + upto) / (2 * len(other))
    return result


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """P-values adjusted for their number by Holm's step-down method (1979); NaN is not counted.

    Below .05 means: different, with a chance of at most 5 % that any such finding is false.
    """
    known = sorted((p, name) for name, p in p_values.items() if not math.isnan(p))
    adjusted, largest = dict(p_values), 0.0
    for rank, (p, name) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        adjusted[name] = largest
    return adjusted


def comparison_table(first: Scored, second: Scored, names: Sequence[str]) -> str:
    """All tests of two models as lines of text.

    Args:
        first: the first model's.
        second: the second's.
        names: metrics for the bootstrap, as in `MEASURES`.

    Raises:
        InputError: the faces differ.
    """
    found = paired_bootstrap([(first, second)], names)
    adjusted = holm({name: difference.p for name, difference in found.items()})
    known = [scored.predictions.known() for scored in (first, second)]
    labels, groups = known[0].labels, known[0].groups
    ours, theirs = (
        ((each.p_fake >= scored.threshold) == (labels == 1)).astype(np.int64)
        for each, scored in zip(known, (first, second), strict=True)
    )
    lines = [f"{len(labels):,} faces of {len(np.unique(groups)):,} groups; first less second", ""]
    lines.append(f"{'metric':<26}{'difference':<28}{'p':>9}{'p, Holm':>10}")
    for name, difference in found.items():
        estimate = Estimate(difference.value, difference.low, difference.high)
        p_values = f"{_p(difference.p):>9}{_p(adjusted[name]):>10}"
        lines.append(f"{MEASURES[name].title:<26}{estimate!s:<28}{p_values}")
    lines += ["", f"{'test':<40}{'over groups':>14}{'over faces':>14}"]
    areas = [delong(labels, known[0].p_fake, known[1].p_fake, units) for units in (groups, None)]
    lines.append(f"{'AUC: DeLong, Obuchowski (p)':<40}{_p(areas[0].p):>14}{_p(areas[1].p):>14}")
    shares = [mcnemar(ours, theirs, units) for units in (groups, None)]
    lines.append(f"{'Accuracy: McNemar (p)':<40}{_p(shares[0]):>14}{_p(shares[1]):>14}")
    return "\n".join(lines)


def _p(value: float) -> str:
    if math.isnan(value):
        return DASH
    return "<.0001" if value < 0.0001 else f"{value:.4f}"
