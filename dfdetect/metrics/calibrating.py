"""What scores mean: a map to calibrated scores, two cuts between three levels of evidence, and error rates.

`calibration_fitting` chooses and fits the map. The cuts are conformal (Vovk et al. 2005): a new real file
lies above the upper cut with a probability of at most `false_alarms`, a new fake one below the lower cut with
at most `missed`, if they are like those of validation.
"""

import math
from bisect import bisect_left
from typing import Literal, cast

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from dfdetect.metrics.ideal import Ideal
from dfdetect.verdict import LITTLE, SUBSTANTIAL, UNCERTAIN, Alarms, Level
from face_extraction.manifest import FAKE, REAL

Array = NDArray[np.float64]
Method = Literal["none", "temperature", "platt", "isotonic"]

LEAST = 1e-7
"""Scores are kept at least this far from 0 and 1, because a score of exactly 0 or 1 has no finite logit."""
FALSE_ALARMS, MISSED = 0.05, 0.10
"""The usual bounds: on reals called substantial, and on fakes called little."""
BOTH = 0.975
"""Two intervals of this coverage hold together with at least 95 % (Bonferroni)."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Calibrated scores of files that were held out of training.

    Attributes:
        reals: of the real ones, ascending.
        fakes: of the fake ones, ascending.
        real_groups: how many people or originals the real ones come from.
        fake_groups: the same of the fake ones.
    """

    reals: tuple[float, ...] = ()
    fakes: tuple[float, ...] = ()
    real_groups: int = 0
    fake_groups: int = 0


class Error(msgspec.Struct, frozen=True, kw_only=True):
    """The calibration error (ECE) of scores, with its 95 % interval; None where it is not estimable.

    Attributes:
        value: measured.
        low: lower end.
        high: upper end.
        ideal: what a perfectly calibrated model with the same scores would show by chance; None of raw ones.
    """

    value: float | None
    low: float | None
    high: float | None
    ideal: Ideal | None = None


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of test files by what they are called, 0 to 1.

    Attributes:
        reals_called: reals called substantial: false alarms.
        fakes_called: fakes called substantial.
        reals_little: reals called little.
        fakes_little: fakes called little: missed.
        real_groups: people or originals of the reals, the units of intervals.
        fake_groups: the same of the fakes.
    """

    reals_called: float
    fakes_called: float
    reals_little: float
    fakes_little: float
    real_groups: int
    fake_groups: int


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """A map from raw to calibrated scores, and the held-out scores that decide the cuts.

    Attributes:
        method: "temperature" and "platt" map the logit by slope and intercept, "isotonic" maps by `knots`;
            "none" leaves scores as they are.
        slope: factor of the logit.
        intercept: added to the logit.
        knots: raw scores, ascending, and what each becomes; between them the map is linear.
        prevalence: the share of fakes among the files it was fitted on. A calibrated score of 0.5 means
            that half of such files are fake where fakes are as frequent as that.
        val: the files that map and cuts were chosen on.
        test: files that chose nothing, for error rates; None without a test split.
        origin: the data of `val`, in words.
        tested_on: the data of `test`, in words.
        cannot: what the model cannot judge, in words.
        log_loss: of each method on val, fitted on other groups; none where there are too few groups.
        before: the ECE of raw scores on test, or without test on val.
        after: the same of calibrated scores.
        least_sharpness: the least of val's faces (`data.sharpness`); None where it was not measured.
        false_alarms: the bound on reals called substantial.
        missed: the bound on fakes called little.
        cut: one cut in place of both; None for two.
    """

    method: Method = "none"
    slope: float = 1.0
    intercept: float = 0.0
    knots: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    prevalence: float = 0.5
    val: Held = Held()
    test: Held | None = None
    origin: str = ""
    tested_on: str = ""
    cannot: str = ""
    log_loss: dict[str, float] = {}
    before: Error | None = None
    after: Error | None = None
    least_sharpness: float | None = None
    false_alarms: float = FALSE_ALARMS
    missed: float = MISSED
    cut: float | None = None

    def __post_init__(self) -> None:
        """Refuse a map that turns the order of scores round.

        Raises:
            ValueError: a value is out of its range.
        """
        knots = (self.knots[0], *self.knots)
        ascending = all(np.all(np.diff(part) >= 0) for part in (*knots, self.val.reals, self.val.fakes))
        shares = (self.false_alarms, self.missed, self.prevalence, 0.0 if self.cut is None else self.cut)
        in_range = all(0 <= share <= 1 for share in shares)
        as_many = len(self.knots[0]) == len(self.knots[1]) and (self.method == "isotonic") == bool(
            self.knots[0]
        )
        if not (self.slope > 0 and ascending and in_range and as_many):
            raise ValueError(
                "slope must be above 0, scores and knots ascending, shares and cut from 0 to 1. "
                f"Received: slope={self.slope}, method={self.method}, cut={self.cut}, shares={shares[:3]}"
            )

    @property
    def upper(self) -> float:
        """Calibrated scores of this or more are substantial evidence; 1 if too few reals were held out."""
        if self.cut is not None:
            return self.cut
        reals = self.val.reals
        above = math.floor(self.false_alarms * (len(reals) + 1) + 1e-9) - 1  # as many reals may reach it
        return float(np.nextafter(reals[len(reals) - above - 1], 2)) if 0 <= above < len(reals) else 1.0

    @property
    def lower(self) -> float:
        """Calibrated scores below this are little evidence; 0 if too few fakes were held out."""
        if self.cut is not None:
            return self.cut
        fakes = self.val.fakes
        below = math.floor(self.missed * (len(fakes) + 1) + 1e-9) - 1  # as many fakes may lie below it
        return min(fakes[below], self.upper) if 0 <= below < len(fakes) else 0.0

    def with_cut(self, cut: float, origin: str) -> "Calibration":
        """The same map with one cut: substantial evidence from it on, little below it.

        Args:
            cut: a calibrated score, 0 to 1.
            origin: where the cut comes from, in words.

        Raises:
            ValueError: the cut is out of its range.
        """
        return msgspec.structs.replace(self, cut=cut, origin=origin)

    def apply(self, p_fake: ArrayLike) -> Array:
        """Calibrate raw scores; a higher raw score never gets lower than another."""
        raw = np.asarray(p_fake, dtype=np.float64)
        if self.method == "none":
            return raw
        if self.method == "isotonic":
            return np.clip(np.interp(raw, *self.knots), LEAST, 1 - LEAST)
        return _expit(self.slope * logit(raw) + self.intercept)

    def corrected(self, highest: float, count: int) -> float:
        """The highest of several scores, corrected for their number.

        If a share p of real files scores as high as the highest, then among `count` real faces one does so
        with probability 1 - (1 - p)^count, if they are independent. The corrected score is the one that a
        single real file reaches as rarely, rounded to the next lower score of `val.reals`. p counts the face
        itself among the reals, so that it is never 0 (conformal p-value; Vovk et al. 2005). Files of one
        group resemble each other, so p rests on as many reals as there are groups of them.

        The correction keeps false alarms rare, so it never pulls a score below the lower cut: a face that
        looks faked is no less so beside others.

        Args:
            highest: the highest calibrated score.
            count: of how many faces or people.
        """
        reals = self.val.reals
        if count < 2 or not reals:
            return highest
        n = len(reals)
        units = min(n, self.val.real_groups or n)
        alone = (1 + units * (n - bisect_left(reals, highest)) / n) / (1 + units)
        among = 1 - (1 - alone) ** count
        # The place of the real score that is as rare, from the highest.
        rank = math.ceil(round((among * (1 + units) - 1) * n / units, 9))
        return max(min(highest, reals[n - min(rank, n)]), min(highest, self.lower))

    def rates(self) -> "Rates | None":
        """How many test files are called what; None without a test split."""
        test = self.test
        if test is None or not (test.reals and test.fakes):
            return None
        reals, fakes = self.grades(test.reals), self.grades(test.fakes)
        return Rates(
            reals_called=float(np.mean(reals == SUBSTANTIAL)),
            fakes_called=float(np.mean(fakes == SUBSTANTIAL)),
            reals_little=float(np.mean(reals == LITTLE)),
            fakes_little=float(np.mean(fakes == LITTLE)),
            real_groups=test.real_groups,
            fake_groups=test.fake_groups,
        )

    def alarms(self, prevalence: float) -> Alarms | None:
        """What "substantial evidence" is worth; None without a test split, or if nothing is called so.

        Args:
            prevalence: the share of fakes among the files judged, above 0 and below 1.
        """
        rates = self.rates()
        if rates is None or rates.reals_called + rates.fakes_called == 0:
            return None
        reals = exact_interval(rates.reals_called, rates.real_groups, BOTH)
        fakes = exact_interval(rates.fakes_called, rates.fake_groups, BOTH)
        return Alarms(
            prevalence=prevalence,
            right=_right(prevalence, rates.reals_called, rates.fakes_called),
            low=_right(prevalence, reals[1], fakes[0]),
            high=_right(prevalence, reals[0], fakes[1]),
            reals_called=rates.reals_called,
            fakes_called=rates.fakes_called,
            origin=self.tested_on,
        )

    def grade(self, score: float) -> Level:
        """The level of evidence of a calibrated score: substantial, uncertain or little."""
        return cast(Level, self.grades(score).item())

    def grades(self, scores: ArrayLike) -> NDArray[np.str_]:
        """The level of evidence of each calibrated score, of the same shape."""
        p = np.asarray(scores)
        return np.where(p >= self.upper, SUBSTANTIAL, np.where(p < self.lower, LITTLE, UNCERTAIN))

    def wrong(self, scores: ArrayLike) -> dict[int, NDArray[np.bool_]]:
        """By class, which calibrated scores misjudge it: a real as substantial, a fake as little."""
        levels = self.grades(scores)
        return {REAL: levels == SUBSTANTIAL, FAKE: levels == LITTLE}


def exact_interval(share: float, units: int, coverage: float) -> tuple[float, float]:
    """The exact binomial interval of a share (Clopper & Pearson 1934).

    Args:
        share: 0 to 1. `share * units` need not be whole: where files of one group resemble each other, the
            groups are the units.
        units: how many independent units.
        coverage: such as 0.95.
    """
    from scipy.stats import beta

    hits, tail = share * units, (1 - coverage) / 2
    low = 0.0 if hits <= 0 else float(beta.ppf(tail, hits, units - hits + 1))
    high = 1.0 if hits >= units else float(beta.ppf(1 - tail, hits + 1, units - hits))
    return low, high


def _right(prevalence: float, reals_called: float, fakes_called: float) -> float:
    """Of 100 alarms, how many are right (Bayes)."""
    true, false = prevalence * fakes_called, (1 - prevalence) * reals_called
    return 100 * true / (true + false) if true + false else 0.0


def logit(p_fake: ArrayLike) -> Array:
    """The logit of scores, which are kept `LEAST` away from 0 and 1."""
    p = np.clip(np.asarray(p_fake, dtype=np.float64), LEAST, 1 - LEAST)
    return np.asarray(np.log(p / (1 - p)))


def _expit(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))
