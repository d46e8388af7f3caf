"""A run's numbers on its whole test split, and on the part of it that has nothing to do with training."""

from dataclasses import dataclass

import numpy as np

from dfdetect.leakage.auditing import Audit
from dfdetect.metrics import LEVELS, Metrics, compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.runs import Run
from face_extraction.errors import InputError

SHOWN = ("auc", "accuracy", "balanced_accuracy", "eer")
PARTS = ("whole", "clean", "leaking")


@dataclass(frozen=True)
class Scores:
    """Metrics of parts of a test split.

    Attributes:
        run: the run's folder.
        parts: (part, level) to metrics; a part without faces is left out.
    """

    run: str
    parts: dict[tuple[str, str], Metrics]

    def lines(self) -> list[list[str]]:
        """The table as text: a header, then a row for each part and level."""
        names = ["AUC", "accuracy", "balanced acc.", "EER"]
        table = [["test split", "level", "n", "groups", *names]]
        for (part, level), metrics in self.parts.items():
            numbers = [str(metrics.estimates[name]) for name in SHOWN]
            table.append([part, level, f"{metrics.n:,}", f"{metrics.n_groups:,}", *numbers])
        return table


def compare(run: Run, result: Audit) -> Scores:
    """Measure the run's test predictions: all, those of clean rows, and those of leaking rows.

    Raises:
        InputError: the run is not finished, or was scored on other rows than those audited.
    """
    threshold, scored = run.threshold(), run.predictions("test")
    leaks = {
        sample.path: bool(leaks)
        for sample, leaks in zip(result.rows.samples, result.leaking, strict=True)
        if sample.split == "test"
    }
    strangers = [sample.path for sample in scored.samples if sample.path not in leaks]
    if strangers:
        raise InputError(
            f"{run.folder}: it scored {strangers[0]!r} ({len(strangers)} such), "
            "which is no test row of what is audited"
        )
    bad = np.array([leaks[sample.path] for sample in scored.samples], dtype=bool)
    chosen = dict(zip(PARTS, (np.ones(len(bad), dtype=bool), ~bad, bad), strict=True))
    parts = {}
    for part, mask in chosen.items():
        taken = Predictions(
            [scored.samples[row] for row in np.flatnonzero(mask).tolist()], scored.p_fake[mask]
        )
        if not len(taken.known()):
            continue
        levels = {level: compute_metrics(taken, threshold=threshold, level=level) for level in LEVELS}
        if levels["face"].n == levels["video"].n:
            del levels["video"]
        parts.update({(part, level): metrics for level, metrics in levels.items()})
    return Scores(str(run.folder), parts)
