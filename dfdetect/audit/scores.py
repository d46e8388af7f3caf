"""A run's numbers on its whole test split, and on the part that shares nothing with its training."""

from dataclasses import dataclass

import numpy as np

from dfdetect.audit.auditing import Audit
from dfdetect.metrics.estimates import SHOWN, Metrics, compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.render.table import Cell, Table, Value, columns
from dfdetect.runs.folder import Run
from face_extraction.errors import InputError
from face_extraction.manifest import FaceSample

PARTS = ("whole", "clean", "leaking")


@dataclass(frozen=True)
class Scores:
    """Metrics of parts of a test split.

    Attributes:
        run: the run's folder.
        parts: (part, level) to metrics; parts without faces are left out.
    """

    run: str
    parts: dict[tuple[str, str], Metrics]

    def table(self) -> Table:
        """A row for each part and level."""
        head = columns(["test split", "level"], ["n", "groups", *SHOWN.values()])
        rows: list[list[Cell]] = [
            [part, level, f"{m.n:,}", f"{m.n_groups:,}", *(Value(m.estimates[name]) for name in SHOWN)]
            for (part, level), m in self.parts.items()
        ]
        return Table(head, rows, "Scores")


def compare(run: Run, result: Audit) -> Scores:
    """Measure the run's test predictions: all, those of clean rows, and those of leaking rows.

    A clip of one person that was scored as a whole leaks if any of its rows leaks.

    Raises:
        InputError: the run is not finished, or scored other rows than the audited ones.
    """
    recipe, threshold, scored = run.recipe(), run.threshold(), run.predictions("test")
    rows = [
        (sample, bool(leaks))
        for sample, leaks in zip(result.rows.samples, result.leaking, strict=True)
        if sample.split == "test"
    ]
    if recipe.frames:
        spoilt = {_clip(sample) for sample, leaks in rows if leaks}
        rows = [(sample, _clip(sample) in spoilt) for sample, _ in rows]
    leaks = {sample.path: bad for sample, bad in rows}
    strangers = [sample.path for sample in scored.samples if sample.path not in leaks]
    if strangers:
        raise InputError(
            f"{run.folder}: it scored {strangers[0]!r} ({len(strangers)} such), "
            "which is not an audited test row"
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
        levels = {level: compute_metrics(taken, threshold=threshold, level=level) for level in recipe.levels}
        if "face" in levels and levels["face"].n == levels["video"].n:
            del levels["video"]
        parts.update({(part, level): metrics for level, metrics in levels.items()})
    return Scores(str(run.folder), parts)


def _clip(sample: FaceSample) -> tuple[object, ...]:
    """Identify what one score of a run belongs to, if the run takes clips."""
    return (*sample.video_key, sample.label, sample.person)
