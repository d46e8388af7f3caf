"""What becomes of scores: ranking, decisions at the run's own cuts, and verdicts that flip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dfdetect.metrics.calibrating import Calibration
from dfdetect.metrics.comparison import Scored, bootstrap
from dfdetect.metrics.estimates import Estimate
from dfdetect.metrics.means import mean_estimate
from dfdetect.predictions import Predictions
from dfdetect.verdict import LITTLE, SUBSTANTIAL
from face_extraction.manifest import FAKE, REAL, FaceSample

Scores = NDArray[np.float64]
RESAMPLES = 1000
"""As many as an evaluation draws, with the same seed: the undisturbed row equals the evaluation's."""
UNDISTURBED = "undisturbed"
CHANGED = ("auc", "recall", "missed", "false_alarms")
ESTIMATES = frozenset((*CHANGED, *(f"{name}_change" for name in CHANGED), "flips"))
"""What is measured at each severity."""


@dataclass(frozen=True)
class Row:
    """The faces at one severity.

    Attributes:
        severity: its number; 0 for the undisturbed faces.
        n: how many faces, or clips.
        n_groups: their groups.
        estimates: all of `ESTIMATES`: "auc"; of the fakes, "recall" (called substantial) and "missed"
            (called little); of the reals, "false_alarms" (called substantial); "flips", the share of all
            faces whose level changed. Those of `CHANGED` have a change, such as "auc_change": disturbed less
            undisturbed, on the same faces and the same resampled groups.
    """

    severity: float
    n: int
    n_groups: int
    estimates: Mapping[str, Estimate]


def measure(
    samples: Sequence[FaceSample], before: Scores, after: Mapping[float, Scores], cuts: Calibration
) -> list[Row]:
    """A row for each severity.

    Args:
        samples: the faces, of known labels.
        before: their scores undisturbed, shape (n,).
        after: their scores by severity, each of shape (n,).
        cuts: the run's; with one cut if it is not calibrated.
    """
    known = [Predictions(samples, scores) for scores in (before, *after.values())]
    labels, groups = known[0].labels, known[0].groups
    # The AUC needs no threshold; this one counts nowhere.
    found = bootstrap([[Scored(each, 0.5)] for each in known], ("auc",), resamples=RESAMPLES)
    was = cuts.grades(cuts.apply(before))
    rows = []
    for number, (severity, scores) in enumerate(after.items(), start=1):
        change = found.difference("auc", number, 0)
        now = cuts.grades(cuts.apply(scores))
        estimates = {
            "auc": found.estimate("auc", number),
            "auc_change": Estimate(change.value, change.low, change.high),
        }
        for name, label, level in (
            ("recall", FAKE, SUBSTANTIAL),
            ("missed", FAKE, LITTLE),
            ("false_alarms", REAL, SUBSTANTIAL),
        ):
            own = labels == label
            called, earlier = ((levels[own] == level).astype(float) for levels in (now, was))
            estimates[name] = mean_estimate(called, groups[own])
            estimates[f"{name}_change"] = mean_estimate(called - earlier, groups[own])
        estimates["flips"] = mean_estimate(now != was, groups)
        rows.append(Row(severity, len(labels), len(np.unique(groups)), estimates))
    return rows


def measure_undisturbed(samples: Sequence[FaceSample], before: Scores, cuts: Calibration) -> Row:
    """The row that all others are compared with."""
    return measure(samples, before, {0.0: before}, cuts)[0]


@dataclass(frozen=True)
class Break:
    """The loss that comes first.

    Attributes:
        kind: the kind's name.
        row: the severity.
    """

    kind: str
    row: Row


def first_break(rows: Mapping[str, Sequence[Row]]) -> Break | None:
    """What breaks first: at the mildest step at which any kind's loss of AUC is certain, the largest loss.

    A loss is certain if the paired interval of the change lies wholly below 0. Steps count from the mildest
    severity of each kind.

    Args:
        rows: by kind, mild first.

    Returns:
        None if no loss is certain.
    """
    steps = max(map(len, rows.values()), default=0)
    for step in range(steps):
        losing = [
            Break(kind, own[step])
            for kind, own in rows.items()
            if step < len(own) and own[step].estimates["auc_change"].high < 0
        ]
        if losing:
            return min(losing, key=lambda each: each.row.estimates["auc_change"].value)
    return None
