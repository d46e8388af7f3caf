"""The test predictions behind results: those of run folders, and what a report keeps of them.

A report's folder keeps `scores/<run>.csv.gz`, so that cells can be compared long after their run folders
are gone, and so that anyone can work out a row's numbers again.
"""

import math
from collections.abc import Sequence
from pathlib import Path

from dfdetect.metrics.comparison import Scored
from dfdetect.metrics.estimates import Metrics, compute_metrics
from dfdetect.predictions import PACKED, read_predictions, write_predictions
from dfdetect.report.results import Result
from dfdetect.runs.folder import Run

Scores = list[Scored]
SCORES = "scores"


def scores_for(folder: Path, result: Result, runs: Path) -> Scores | None:
    """The nameless test predictions of each fold, for comparisons.

    They come from the run folders, or else from what the report keeps.

    Args:
        folder: the report's folder.
        result: the result.
        runs: the folder of run folders.

    Returns:
        One item for each fold; None if neither is here.

    Raises:
        InputError: a file of predictions is damaged.
    """
    found = scores_of(result, runs)
    if found is not None:
        return [Scored(fold.predictions.nameless(), fold.threshold) for fold in found]
    return kept_scores(folder, result)


def kept_scores(folder: Path, result: Result) -> Scores | None:
    """What a report's folder keeps of a result's test predictions; None if it lacks a fold's.

    Raises:
        InputError: a file is damaged.
    """
    if not keeps_scores(folder, result):
        return None
    return [
        Scored(
            read_predictions(_kept(folder, run), "test"), next(iter(part["metrics"].values()))["threshold"]
        )
        for run, part in zip(result.runs, result.parts, strict=True)
    ]


def keeps_scores(folder: Path, result: Result) -> bool:
    """Whether a report's folder has a file of test predictions for each fold of a result."""
    return all(_kept(folder, run).is_file() for run in result.runs)


def keep_scores(folder: Path, result: Result, scores: Sequence[Scored]) -> None:
    """Keep a result's test predictions in the report's folder, without names."""
    for run, fold in zip(result.runs, scores, strict=True):
        write_predictions(_kept(folder, run), fold.predictions.nameless())


def copy_scores(source: Path, target: Path, result: Result) -> None:
    """Keep in one report's folder what another keeps of a result's test predictions.

    Raises:
        InputError: a file is damaged.
    """
    for run in result.runs:
        write_predictions(_kept(target, run), read_predictions(_kept(source, run), "test"))


def _kept(folder: Path, run: str) -> Path:
    return folder / SCORES / f"{run}.csv{PACKED}"


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
