"""Metrics: from predictions to numbers with intervals."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from dfdetect.metrics.bootstrap import Units, draw_weights, percentile_interval
from dfdetect.metrics.ideal import Ideal, ideal_ece
from dfdetect.metrics.measures import COUNTS, MEASURES, Array, Scores, measure, prepare
from dfdetect.predictions import Predictions
from face_extraction.errors import InputError, check_name, one_line

# What each level counts.
UNITS = {"face": "face", "video": "video"}
LEVELS = tuple(UNITS)
SHOWN = {"auc": "AUC", "accuracy": "accuracy", "balanced_accuracy": "balanced acc.", "eer": "EER"}
"""The metrics that the main tables show, and what they call them."""
DASH = "–"
CHANCE = 0.5  # the AUC of scores that tell nothing
BLOCK_CELLS = 2**18  # resamples x faces held at once; they fit into the processor's cache


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval.

    Attributes:
        value: measured on all samples; NaN if not defined.
        low: lower end; NaN if not estimable.
        high: upper end; NaN if not estimable.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Text such as "0.912 [0.874, 0.943]"; a dash means not defined or not estimable."""
        if math.isnan(self.value):
            return DASH
        ends = DASH if math.isnan(self.low) else f"{shown(self.low)}, {shown(self.high)}"
        return f"{shown(self.value)} [{ends}]"

    def to_dict(self) -> dict[str, float | None]:
        """Plain values for JSON; NaN becomes None."""
        return {name: None if math.isnan(value) else value for name, value in vars(self).items()}


def with_nan(value: Any) -> Any:
    """Put NaN in the place of each null of a JSON value. `Estimate.to_dict` does the reverse."""
    if isinstance(value, list):
        return [with_nan(each) for each in value]
    if isinstance(value, dict):
        return {name: with_nan(each) for name, each in value.items()}
    return math.nan if value is None else value


def shown(value: float) -> str:
    """Three digits, or as many as needed so that a value above 0 does not show as 0, nor one below 1 as 1."""
    texts = [f"{value:.{digits}f}" for digits in range(3, 10)]
    return next((text for text in texts if value in (0, 1) or float(text) not in (0, 1)), texts[0])


def signed(difference: Estimate, digits: int = 3) -> str:
    """A difference with its sign, such as "+0.031 [+0.012, +0.050]"; a dash for what is not defined.

    Args:
        difference: with its interval.
        digits: after the point.
    """
    value, low, high = (f"{end:+.{digits}f}" for end in (difference.value, difference.low, difference.high))
    if math.isnan(difference.value):
        return DASH
    return f"{value} [{DASH if math.isnan(difference.low) else f'{low}, {high}'}]"


def shown_p(p: float, digits: int = 3) -> str:
    """A p-value such as "0.012" or, where that would be 0, "<0.001"; a dash for NaN.

    Args:
        p: the p-value.
        digits: after the point.
    """
    if math.isnan(p):
        return DASH
    least = 10**-digits
    return f"<{least:.{digits}f}" if p < least else f"{p:.{digits}f}"


@dataclass(frozen=True)
class Metrics:
    """The metrics of one set of predictions.

    Attributes:
        level: "face" or "video" (one score a video, see `Predictions.by_video`).
        n: samples with known labels, of which `n_real` are real and `n_fake` are fake.
        n_unknown: samples with unknown labels; no other number counts them.
        n_groups: groups, the units of the bootstrap.
        threshold: a `p_fake` at or above it is called fake.
        confusion: counts; rows are true real and true fake, columns called real and called fake.
        estimates: number and interval by name, as in `MEASURES`.
        ideal_ece: the ECE that a perfectly calibrated model with these scores would show by chance; None in
            records that are older than it, and without resamples.
    """

    level: str
    n: int
    n_real: int
    n_fake: int
    n_unknown: int
    n_groups: int
    threshold: float
    confusion: tuple[tuple[int, int], tuple[int, int]]
    estimates: dict[str, Estimate]
    ideal_ece: Ideal | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; NaN becomes None."""
        estimates = {name: estimate.to_dict() for name, estimate in self.estimates.items()}
        rows = [list(row) for row in self.confusion]
        ideal = vars(self.ideal_ece) if self.ideal_ece else None
        return {**vars(self), "confusion": rows, "estimates": estimates, "ideal_ece": ideal}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Metrics":
        """The reverse of `to_dict`.

        Raises:
            InputError: `record` does not have that form.
        """
        try:
            estimates = {name: with_nan(ends) for name, ends in record["estimates"].items()}
            if missing := [name for name in MEASURES if name not in estimates]:
                raise KeyError(missing[0])
            return msgspec.convert({**record, "estimates": estimates}, cls)
        except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
            raise InputError(f"not a record of metrics ({type(error).__name__}: {one_line(error)})") from None


def compute_metrics(
    predictions: Predictions, *, threshold: float, level: str = "face", resamples: int = 1000, seed: int = 0
) -> Metrics:
    """Measure predictions, with 95 % intervals from a bootstrap over groups.

    A metric that compares the classes is NaN if there is only one class. An interval is NaN (not estimable)
    if the metric rests on fewer than `FEWEST_UNITS` groups, see `Units.behind`. Resamples for which a
    metric is not defined are left out of its interval.

    Example:
        >>> from face_extraction.manifest import FaceSample
        >>> faces = [FaceSample(f"{n}.png", n % 2, "test", f"person {n}") for n in range(40)]
        >>> scored = Predictions(faces, np.array([0.9 if n % 2 or n == 0 else 0.1 for n in range(40)]))
        >>> measured = compute_metrics(scored, threshold=0.5)
        >>> measured.confusion
        ((19, 1), (0, 20))
        >>> print(measured.estimates["accuracy"])
        0.975 [0.925, 1.000]

    Args:
        predictions: the scores; samples with unknown labels are only counted.
        threshold: a `p_fake` at or above it is called fake; see `choose_threshold`.
        level: "face", or "video" for one score a video, see `Predictions.by_video`.
        resamples: how many resamples; 0 gives no intervals, and no `ideal_ece`.
        seed: seed of the resamples.

    Raises:
        InputError: the level is unknown.
    """
    found = compute_without_ideal(
        predictions, threshold=threshold, level=level, resamples=resamples, seed=seed
    )
    return replace(found, ideal_ece=ideal_ece(predictions.at_level(level).known(), resamples, seed))


def compute_without_ideal(
    predictions: Predictions, *, threshold: float, level: str = "face", resamples: int = 1000, seed: int = 0
) -> Metrics:
    """The same for those who do not show `ideal_ece`, which is not drawn."""
    check_name("level", level, LEVELS)
    predictions = predictions.at_level(level)
    known = predictions.known()
    labels, groups = known.labels, known.groups
    scores = prepare(labels, known.p_fake, groups, threshold)
    estimates = _estimate(scores, len(known), Units.of(labels, groups), resamples, seed)
    tn, fp, fn, tp = (int(cell) for cell in scores.sums[:, COUNTS].sum(axis=0))
    return Metrics(
        level=level,
        n=len(known),
        n_real=tn + fp,
        n_fake=fn + tp,
        n_unknown=len(predictions) - len(known),
        n_groups=scores.n_groups,
        threshold=float(threshold),
        confusion=((tn, fp), (fn, tp)),
        estimates=estimates,
    )


def _estimate(scores: Scores, n: int, units: Units, resamples: int, seed: int) -> dict[str, Estimate]:
    points = measure(scores, np.ones((1, scores.n_groups)))
    drawn: dict[str, list[Array]] = {name: [] for name in MEASURES}
    if scores.n_groups > 1:
        for weights in draw_weights(scores.n_groups, resamples, seed, max(1, BLOCK_CELLS // n)):
            for name, values in measure(scores, weights).items():
                drawn[name].append(values)
    estimates = {}
    for name, point in points.items():
        values = np.concatenate(drawn[name]) if drawn[name] else np.empty(0)
        estimates[name] = Estimate(float(point[0]), *percentile_interval(values, units.behind(name)))
    return estimates


def useful_levels(metrics: Mapping[str, Metrics]) -> dict[str, Metrics]:
    """The levels that differ: if each video has one face, "video" repeats "face" and is left out."""
    levels = dict(metrics)
    if "face" in levels and "video" in levels and levels["face"].n == levels["video"].n:
        del levels["video"]
    return levels


def no_skill(metrics: Mapping[str, Mapping[str, Metrics]]) -> str:
    """Why a model's verdicts would mean nothing, in words; "" if its AUC is above that of chance.

    The interval of its AUC reaches 0.5, or cannot be estimated because there are too few groups, on the test
    split or, if there is none, on the first other one; or all its scores of a split are equal. It is measured
    by video where that differs from by face. A perfect AUC has no interval and counts as skill.

    Args:
        metrics: by split and level.
    """
    decisive = "test" if "test" in metrics else next(iter(metrics), "")
    for split, levels in metrics.items():
        useful = useful_levels(levels)
        level = "video" if "video" in useful else next(iter(useful))
        auc = useful[level].estimates["auc"]
        collapsed = auc.value == CHANCE and math.isnan(auc.low)
        few = math.isnan(auc.low) and CHANCE < auc.value < 1
        least = auc.value if math.isnan(auc.low) else auc.low
        if collapsed or (split == decisive and (few or least <= CHANCE)):
            found = "Whether this model has skill is not known" if few else "This model shows no skill"
            why = f"of too few groups to tell it from chance, {CHANCE}" if few else f"and chance has {CHANCE}"
            return (
                f"{found}, so that no verdict is given: AUC {auc} on {useful[level].n:,} "
                f"{'' if split == 'all' else split + ' '}{UNITS[level]}s, {why}."
            )
    return ""


def collapse(metrics: Metrics) -> str:
    """How a model's scores collapsed, in words that follow "all": "" if they did not.

    Either all scores are equal: then all resamples give an AUC of .5, while other metrics vary. Or the scores
    differ, but all samples are called one class.
    """
    auc, accuracy = metrics.estimates["auc"], metrics.estimates["accuracy"]
    unit = UNITS[metrics.level] + "s"
    if auc.value == CHANCE and math.isnan(auc.low) and not math.isnan(accuracy.low):
        return f"{unit} have the same score"
    (tn, fp), (fn, tp) = metrics.confusion
    if metrics.n_real and metrics.n_fake and not (tn + fn and fp + tp):
        return f"{unit} are called {'fake' if fp + tp else 'real'}"
    return ""


def choose_threshold(predictions: Predictions) -> float:
    """The threshold with the largest balanced accuracy (Youden's J), for use on other data.

    Call it with validation data. The threshold lies midway between two neighbouring scores; among equally
    good ones it is the nearest to 0.5.

    Raises:
        InputError: the real or the fake samples are missing.
    """
    known = predictions.known()
    real, fake = (np.sort(known.p_fake[known.labels == label]) for label in (0, 1))
    if not (len(real) and len(fake)):
        raise InputError(
            f"a threshold needs real and fake samples; given: {len(real)} real and {len(fake)} fake"
        )
    edges = np.unique(np.concatenate(([0.0, 1.0], known.p_fake)))
    # The mean of two adjacent floats can equal the lower one, which would then be called fake.
    between = np.maximum((edges[:-1] + edges[1:]) / 2, np.nextafter(edges[:-1], 1.0))
    candidates = np.concatenate(([0.0], between))
    found = len(fake) - np.searchsorted(fake, candidates)
    alarms = len(real) - np.searchsorted(real, candidates)
    youden = found * len(real) - alarms * len(fake)
    best = candidates[youden == youden.max()]
    return float(best[np.argmin(np.abs(best - 0.5))])
