"""Is one model better than another on the same faces? Paired tests that respect groups.

Both models scored the same faces, so the tests look at each face's difference. Faces of one group are not
independent, so the tests sum, draw or permute groups. If every face is its own group, they are the textbook
tests, which assume independence.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from dfdetect.metrics.bootstrap import FEWEST_UNITS, Units, draw_weights, percentile_interval, student_p
from dfdetect.metrics.estimates import BLOCK_CELLS, Estimate, shown_p
from dfdetect.metrics.measures import MEASURES, Array, Scores, measure, prepare
from dfdetect.predictions import Predictions
from face_extraction.errors import InputError

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Scored:
    """One model's predictions and its threshold; a `p_fake` at or above it is called fake."""

    predictions: Predictions
    threshold: float


Pair = tuple[Scored, Scored]
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Difference(Estimate):
    """A metric of the first model minus that of the second.

    Attributes:
        p: two-sided p-value of the hypothesis of no difference; NaN if not estimable.
    """

    p: float


def check_pair(first: Predictions, second: Predictions) -> None:
    """Refuse predictions of different faces, or of none.

    Groups are compared too: two data sets can use the same file names, and a manifest can get new groups.

    Raises:
        InputError: the faces differ; the line says how many.
    """
    if not len(first.known()):
        raise InputError("only faces with known labels can be compared; there are none")
    ours, theirs = (
        [(s.path, s.label, s.source, s.group) for s in scored.samples] for scored in (first, second)
    )
    if ours != theirs:
        only, lacking = len(set(ours) - set(theirs)), len(set(theirs) - set(ours))
        how = "their order differs"
        if only or lacking:
            where = f"{only:,} only in the first, {lacking:,} only in the second"
            how = f"{only + lacking:,} faces differ ({where})"
        raise InputError(f"only models that scored the same faces in the same groups can be compared; {how}")


@dataclass(frozen=True)
class Resampled:
    """Metrics of several models on the same faces, and on the same resamples of them.

    Attributes:
        points: by metric, each model's value, shape (models,).
        drawn: by metric, each model's values on the resamples, shape (models, resamples).
        units: the groups of the faces.
    """

    points: Mapping[str, Array]
    drawn: Mapping[str, Array]
    units: Units

    def estimate(self, name: str, number: int) -> Estimate:
        """A metric of one model, given by its number, with its 95 % interval."""
        interval = percentile_interval(self.drawn[name][number], self.units.behind(name))
        return Estimate(float(self.points[name][number]), *interval)

    def difference(self, name: str, first: int, second: int) -> Difference:
        """A metric of one model minus that of another, each given by its number; see `difference_of`."""
        points, drawn = self.points[name], self.drawn[name]
        value, spread = float(points[first] - points[second]), drawn[first] - drawn[second]
        return difference_of(value, spread, self.units.behind(name))

    def mean(self, name: str, trainings: Sequence[Sequence[int]]) -> tuple[float, Array]:
        """A metric's mean over several networks, each trained once or with several seeds.

        Each resample draws faces, and for each network one training less than it has, with replacement. So
        the spread of the means covers the variation between trainings where there are several. As many
        as it has would show too little of it: k of k have (k - 1) / k of the variance (Rao and Wu 1988).

        Args:
            name: the metric.
            trainings: for each network the numbers of its models here.

        Returns:
            The mean, and its values on the resamples, shape (resamples,).
        """
        points, drawn = self.points[name], self.drawn[name]
        columns = np.arange(drawn.shape[1])
        means = []
        for numbers in trainings:
            generator = np.random.default_rng([0, *numbers])
            chosen = generator.integers(len(numbers), size=(max(1, len(numbers) - 1), len(columns)))
            means.append(drawn[np.asarray(numbers)[chosen], columns].mean(axis=0))
        value = np.mean([points[list(numbers)].mean() for numbers in trainings])
        return float(value), np.mean(means, axis=0)


def bootstrap(
    models: Sequence[Sequence[Scored]], names: Sequence[str], *, resamples: int = 2000, seed: int = 0
) -> Resampled:
    """Metrics of several models on the same resamples, which draw whole groups.

    Args:
        models: each model's scores of the same faces: one entry, or one a fold of a cross-validation. A
            metric is then the mean over folds; a group with faces in several folds is drawn as a whole.
        names: metrics, as in `MEASURES`.
        resamples: how many resamples.
        seed: seed of the resamples.

    Raises:
        InputError: the faces differ.
    """
    folds = list(zip(*models, strict=True))
    numbers: dict[tuple[str, str], int] = {}
    prepared: list[list[Scores]] = []
    owners: dict[int, set[int]] = {0: set(), 1: set()}
    for fold in folds:
        for other in fold[1:]:
            check_pair(fold[0].predictions, other.predictions)
        known = [scored.predictions.known() for scored in fold]
        groups = np.array(
            [numbers.setdefault((sample.source, sample.group), len(numbers)) for sample in known[0].samples]
        )
        for label, own in owners.items():
            own.update(groups[known[0].labels == label].tolist())
        prepared.append(
            [
                prepare(each.labels, each.p_fake, groups, scored.threshold)
                for each, scored in zip(known, fold, strict=True)
            ]
        )
    rows = max(1, BLOCK_CELLS // max(len(fold[0].group) for fold in prepared))
    blocks = [np.ones((1, len(numbers))), *draw_weights(len(numbers), resamples, seed, rows)]
    parts: dict[str, list[Array]] = {name: [] for name in names}
    for weights in blocks:
        found = [_mean_over_folds(scores, weights, names) for scores in zip(*prepared, strict=True)]
        for name in names:
            parts[name].append(np.stack([values[name] for values in found]))
    values = {name: np.concatenate(part, axis=1) for name, part in parts.items()}
    return Resampled(
        {name: value[:, 0] for name, value in values.items()},
        {name: value[:, 1:] for name, value in values.items()},
        Units(len(owners[0]), len(owners[1]), len(numbers)),
    )


def _mean_over_folds(folds: Sequence[Scores], weights: Array, names: Sequence[str]) -> dict[str, Array]:
    found = [measure(scores, weights[:, : scores.n_groups]) for scores in folds]
    return {name: np.mean([values[name] for values in found], axis=0) for name in names}


def paired_bootstrap(
    pairs: Sequence[Pair], names: Sequence[str], *, resamples: int = 2000, seed: int = 0
) -> dict[str, Difference]:
    """Differences of two models' metrics, with intervals and p-values from `bootstrap`.

    Args:
        pairs: both models on the same faces: one pair, or one a fold of a cross-validation.
        names: metrics, as in `MEASURES`.
        resamples: how many resamples.
        seed: seed of the resamples.

    Raises:
        InputError: the faces of a pair differ.
    """
    found = bootstrap(list(zip(*pairs, strict=True)), names, resamples=resamples, seed=seed)
    return {name: found.difference(name, 0, 1) for name in names}


def difference_of(value: float, spread: Array, units: int) -> Difference:
    """A difference with its interval and p-value, from its values on the resamples.

    The p-value comes from the smaller share of resampled differences on one side of 0, with 1 added above
    and below the fraction line (Davison and Hinkley 1997, section 4.2.3), so it is never 0. Where none lies
    there, it comes from their standard deviation, if that tells more. It is expanded for the number of groups
    as the interval is.

    Args:
        value: the difference on all faces.
        spread: its values on the resamples, shape (resamples,); NaN where it is not defined.
        units: how many groups it rests on, see `Units.behind`.
    """
    defined = spread[~np.isnan(spread)]
    low, high = percentile_interval(spread, units)
    if value == 0 and defined.size and np.ptp(defined) == 0:
        return Difference(value, low, high, 1.0)  # the models decide alike throughout
    if math.isnan(low):
        return Difference(value, low, high, math.nan)
    beyond = min(np.sum(defined <= 0), np.sum(defined >= 0))
    z = max(0.0, float(stats.norm.isf((beyond + 1) / (defined.size + 1))))
    if not beyond:
        z = max(z, abs(value) / float(np.std(defined)))
    return Difference(value, low, high, student_p(z, units))


def mcnemar(correct_first: Integers, correct_second: Integers, groups: Integers | None = None) -> float:
    """Two-sided p-value of equal accuracies, from the faces on which the models disagree.

    Args:
        correct_first: 1 where the first model was right, else 0, shape (n,).
        correct_second: the same for the second model.
        groups: group numbers, shape (n,). With groups the statistic is (sum d)^2 / (sum d^2) over the
            groups' differences d in the number of right decisions, chi-squared with one degree of freedom
            (Yang, Sun and Hardin 2010). If every face is its own group, that is McNemar's. With None, faces
            count as independent: McNemar's exact binomial test (1947).
    """
    difference = correct_first - correct_second
    if groups is None:
        won, lost = int(np.sum(difference > 0)), int(np.sum(difference < 0))
        return float(stats.binomtest(won, won + lost).pvalue) if won + lost else 1.0
    sums = np.bincount(groups, difference)
    square = float(sums @ sums)
    return float(stats.chi2.sf(sums.sum() ** 2 / square, 1)) if square else 1.0


def delong(labels: Integers, first: Array, second: Array, groups: Integers | None = None) -> Difference:
    """The difference of two AUCs with DeLong's variance, extended to groups by Obuchowski.

    The variance comes from each face's placement, the share of the other class that is on its right side
    (DeLong et al. 1988). Placements are summed over groups, and fakes and reals of one group
    covary (Obuchowski 1997, "Nonparametric analysis of clustered ROC curve data").

    Args:
        labels: 0 or 1, shape (n,).
        first: the first model's `p_fake`, shape (n,).
        second: the second model's.
        groups: group numbers, shape (n,). None assumes independent faces: plain DeLong. With groups, the
            quantiles are Student's, with one degree of freedom less than the rarer class has groups: the
            normal ones found a difference of equal models of 8 groups in 8 % of cases.

    Returns:
        The difference; all but `value` are NaN if a class comes from fewer than two groups.
    """
    independent = groups is None
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
        return Difference(value, math.nan, math.nan, 1.0 if value == 0 else math.nan)
    error = math.sqrt(variance)
    spread = stats.norm if independent else stats.t(min(with_fakes, with_reals) - 1)
    half = float(spread.ppf(0.975)) * error
    return Difference(value, value - half, value + half, float(2 * spread.sf(abs(value) / error)))


def _placements(fake: NDArray[np.bool_], p_fake: Array) -> Array:
    """The share of the other class that is on each face's right side; ties count half."""
    result = np.empty(len(p_fake))
    for own, sign in ((fake, 1.0), (~fake, -1.0)):
        other = np.sort(sign * p_fake[~own])
        mine = sign * p_fake[own]
        below, upto = (np.searchsorted(other, mine, side=side) for side in ("left", "right"))
        result[own] = (below + upto) / (2 * len(other))
    return result


def holm(p_values: Mapping[Name, float]) -> dict[Name, float]:
    """Adjust p-values for their number by Holm's step-down method (1979); NaN does not count.

    An adjusted value below .05 is a finding. The chance that `p_values` give any false finding is at most
    5 %. To compare the best of several models with the others, pass all pairs, because the tested scores
    also chose the best model.
    """
    known = sorted(((p, name) for name, p in p_values.items() if not math.isnan(p)), key=lambda one: one[0])
    adjusted, largest = dict(p_values), 0.0
    for rank, (p, name) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        adjusted[name] = largest
    return adjusted


def comparison_table(first: Scored, second: Scored, names: Sequence[str], unit: str = "face") -> str:
    """All tests of two models as lines of text; Holm's adjustment covers all tests that respect groups.

    Args:
        first: the first model's scores.
        second: the second model's scores.
        names: metrics for the bootstrap, as in `MEASURES`.
        unit: what was scored: "face" or "video".

    Raises:
        InputError: the faces differ.
    """
    found = paired_bootstrap([(first, second)], names)
    known = [scored.predictions.known() for scored in (first, second)]
    labels, groups = known[0].labels, known[0].groups
    ours, theirs = (
        ((each.p_fake >= scored.threshold) == (labels == 1)).astype(np.int64)
        for each, scored in zip(known, (first, second), strict=True)
    )
    one, other = (each.p_fake for each in known)
    others = {
        "AUC: DeLong, Obuchowski": [delong(labels, one, other, owners).p for owners in (groups, None)],
        "Accuracy: McNemar": [mcnemar(ours, theirs, owners) for owners in (groups, None)],
    }
    adjusted = holm(
        {name: difference.p for name, difference in found.items()}
        | {title: grouped for title, (grouped, _) in others.items()}
    )
    units = Units.of(labels, groups)
    lines = [f"{len(labels):,} {unit}s of {units.every:,} groups; first minus second"]
    if min(units.reals, units.fakes) < FEWEST_UNITS:
        lines.append(
            f"groups with reals: {units.reals:,}, with fakes: {units.fakes:,}; the bootstrap tells no "
            f"interval and no p-value where fewer than {FEWEST_UNITS} count"
        )
    lines.append("")
    lines.append(f"{'bootstrap over groups':<26}{'difference':<28}{'p':>9}{'p, Holm':>10}")
    for name, difference in found.items():
        p_values = f"{shown_p(difference.p, 4):>9}{shown_p(adjusted[name], 4):>10}"
        lines.append(f"{MEASURES[name].title:<26}{difference!s:<28}{p_values}")
    lines += ["", f"{'test':<26}{f'p if {unit}s were independent':<28}{'p':>9}{'p, Holm':>10}"]
    for title, (grouped, plain) in others.items():
        alone, own, together = (shown_p(p, 4) for p in (plain, grouped, adjusted[title]))
        lines.append(f"{title:<26}{alone:<28}{own:>9}{together:>10}")
    return "\n".join(lines)
