"""What a run's scores mean: a calibration, and two cuts between three grades of evidence.

Above the upper cut the evidence of manipulation is substantial, below the lower cut there is little, and
between them it is uncertain. The cuts keep the error rates below on held-out real and fake videos.
"""

import math
from bisect import bisect_left
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dfdetect.verdict import LITTLE, SUBSTANTIAL, UNCERTAIN, Level
from face_extraction.errors import InputError
from face_extraction.json_file import read_json, write_json

CALIBRATION_FILE = "calibration.json"
LEAST = 1e-7
"""Scores are kept at least this far from 0 and 1, because a score of exactly 0 or 1 has no finite logit."""
FALSE_ALARMS, MISSED = 0.05, 0.10
"""Largest shares of held-out real videos above the upper cut, and of fake videos below the lower cut."""


@dataclass(frozen=True)
class Calibration:
    """A map from raw to calibrated scores, and the cuts.

    Attributes:
        slope: factor of the logit.
        intercept: added to the logit.
        lower: calibrated scores below this are little evidence.
        upper: calibrated scores of this or more are substantial evidence.
        origin: the data that calibration and cuts were chosen on, in words.
        cannot: what the model cannot judge, in words.
        reals: calibrated scores of held-out real videos, ascending: how high the highest of several real
            faces gets by chance. Without any, no score is corrected for the number of faces.
    """

    slope: float
    intercept: float
    lower: float
    upper: float
    origin: str
    cannot: str
    reals: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not (self.slope > 0 and 0 <= self.lower <= self.upper <= 1):
            raise ValueError(
                "slope must be above 0, and the cuts in order from 0 to 1. "
                f"Received: slope={self.slope}, lower={self.lower}, upper={self.upper}"
            )

    @classmethod
    def none(cls) -> "Calibration":
        """One that leaves scores as they are."""
        return cls(1.0, 0.0, 0.0, 1.0, "", "")

    def with_cut(self, cut: float, origin: str) -> "Calibration":
        """The same map with one cut: substantial evidence from it on, little below it.

        Args:
            cut: a calibrated score, 0 to 1.
            origin: where the cut comes from, in words.
        """
        return replace(self, lower=cut, upper=cut, origin=origin)

    @property
    def calibrates(self) -> bool:
        """Whether it changes scores."""
        return (self.slope, self.intercept) != (1.0, 0.0)

    def apply(self, p_fake: ArrayLike) -> NDArray[np.float64]:
        """Calibrate raw scores; a higher raw score stays higher."""
        p = np.clip(np.asarray(p_fake, dtype=np.float64), LEAST, 1 - LEAST)
        return np.asarray(1 / (1 + np.exp(-(self.slope * np.log(p / (1 - p)) + self.intercept))))

    def corrected(self, highest: float, count: int) -> float:
        """The highest of several scores, corrected for their number.

        If a share p of real faces scores as high as the highest, then among `count` real faces one does so
        with probability 1 - (1 - p)^count, if they are independent. The corrected score is the one that a
        single real face reaches as rarely, rounded to the next lower score of `reals`. p counts the face
        itself among the reals, so that it is never 0 (conformal p-value; Vovk et al. 2005).

        The correction keeps false alarms rare, so it never pulls a score below the lower cut: a face that
        looks faked is no less so beside others.

        Args:
            highest: the highest calibrated score.
            count: of how many faces or people.
        """
        if count < 2 or not self.reals:
            return highest
        n = len(self.reals)
        alone = (1 + n - bisect_left(self.reals, highest)) / (1 + n)
        among = 1 - (1 - alone) ** count
        rank = math.ceil(round(among * (1 + n), 9)) - 1  # of the real score that is as rare, from the highest
        return max(min(highest, self.reals[n - min(rank, n)]), min(highest, self.lower))

    def grade(self, p_fake: float) -> Level:
        """The level of evidence of a calibrated score: substantial, uncertain or little."""
        if p_fake >= self.upper:
            return SUBSTANTIAL
        return LITTLE if p_fake < self.lower else UNCERTAIN


def write_calibration(folder: Path, calibration: Calibration) -> None:
    """Write the calibration into a run folder."""
    write_json(folder / CALIBRATION_FILE, asdict(calibration))


def read_calibration(folder: Path) -> Calibration | None:
    """Read the calibration from a run folder; None if it has none.

    Raises:
        InputError: the file does not hold a calibration.
    """
    path = folder / CALIBRATION_FILE
    if not path.is_file():
        return None
    values: dict[str, Any] = read_json(path, dict)
    try:
        return Calibration(**{**values, "reals": tuple(values.get("reals", ()))})
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: not a calibration: {error}") from None


def fit_platt(p_fake: ArrayLike, labels: ArrayLike) -> tuple[float, float]:
    """Slope and intercept of a logistic regression of labels on logits (Platt 1999).

    Args:
        p_fake: raw scores.
        labels: 0 or 1, both present.

    Raises:
        InputError: higher scores do not mean fake more often, so no calibration can help.
    """
    from sklearn.linear_model import LogisticRegression

    p = np.clip(np.asarray(p_fake, dtype=np.float64), LEAST, 1 - LEAST)
    regression = LogisticRegression(C=np.inf).fit(np.log(p / (1 - p))[:, None], labels)
    slope = float(regression.coef_[0, 0])
    if slope <= 0:
        raise InputError("calibration: fakes do not score higher than reals")
    return slope, float(regression.intercept_[0])


def choose_cuts(p_fake: ArrayLike, labels: ArrayLike) -> tuple[float, float]:
    """Choose the lower and the upper cut from calibrated scores of held-out videos.

    The upper cut is the lowest that at most `FALSE_ALARMS` of the reals reach; the lower cut is the
    highest with at most `MISSED` of the fakes below it, but not above the upper one.

    Args:
        p_fake: calibrated scores.
        labels: 0 or 1, both present.
    """
    scores, truth = np.asarray(p_fake, dtype=np.float64), np.asarray(labels)
    reals, fakes = np.sort(scores[truth == 0]), np.sort(scores[truth == 1])
    allowed = int(FALSE_ALARMS * len(reals))
    # The next number above the highest real score that has to stay below the cut.
    upper = min(1.0, float(np.nextafter(reals[len(reals) - allowed - 1], 2)))
    lower = float(fakes[int(MISSED * len(fakes))])
    return min(lower, upper), upper
