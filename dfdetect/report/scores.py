"""The test predictions behind results, if their run folders are here."""

import math
from collections.abc import Sequence
from pathlib import Path

from dfdetect.metrics.comparison import Scored
from dfdetect.metrics.estimates import Metrics, compute_metrics
from dfdetect.report.results import Result
from dfdetect.runs.folder import Run

Scores = list[Scored]


def scores_of(result: Result, runs: Path) -> Scores | None:
    """The test predictions of each fold; None if a run folder is not here.

    Raises:
        InputError: a file of predictions is damaged.
    """
    folders = [Run(runs / name) for name in result.runs]
    return scored(folders) if all(run.finished for run in folders) else None


def scored(runs: Sequence[Run]) -> Scores:
    """The test predictions of finished runs.

    Raises:
        InputError: a file of predictions is damaged.
    """
    return [Scored(run.predictions("test"), run.threshold()) for run in runs]


def still_measures(result: Result, scores: Sequence[Scored]) -> bool:
    """Whether these predictions still give the result's numbers.

    They do not if a run was trained again under its name, or a metric has a new definition.
    """
    for part, fold in zip(result.parts, scores, strict=True):
        for level, record in part["metrics"].items():
            old = Metrics.from_dict(record)
            new = compute_metrics(fold.predictions, threshold=fold.threshold, level=level, resamples=0)
            if old.confusion != new.confusion or old.estimates.keys() != new.estimates.keys():
                return False
            for name, estimate in new.estimates.items():
                if not _equal(old.estimates[name].value, estimate.value):
                    return False
    return True


def _equal(old: float, new: float) -> bool:
    both_unknown = math.isnan(old) and math.isnan(new)
    return both_unknown or math.isclose(old, new, rel_tol=1e-6, abs_tol=1e-9)
