"""Trials as rows, for tables, figures, the page and the live display."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from face_extraction.atomic import write_csv
from tuning.store import REASON, WORKER

DONE, PRUNED, FAILED, RUNNING, WAITING = "done", "pruned", "failed", "running", "waiting"
STATES = {
    TrialState.COMPLETE: DONE,
    TrialState.PRUNED: PRUNED,
    TrialState.FAIL: FAILED,
    TrialState.RUNNING: RUNNING,
    TrialState.WAITING: WAITING,
}
VALUES = "values"


@dataclass(frozen=True)
class Row:
    """One trial.

    Attributes:
        case: the case's name.
        number: from 0, within the case.
        state: one of `STATES`' values.
        score: the objective; None unless done.
        values: the varied settings, by name.
        facts: recorded numbers and texts.
    """

    case: str
    number: int
    state: str
    score: float | None
    values: Mapping[str, Any]
    facts: Mapping[str, Any]

    @property
    def label(self) -> str:
        """A name that is unique among all cases: the case and the number."""
        return f"{self.case} #{self.number}"

    @property
    def reason(self) -> str:
        """Why the trial failed or was cut short; "" if it did not."""
        return str(self.facts.get(REASON, ""))


def rows_of(trials: Mapping[str, Sequence[FrozenTrial]]) -> list[Row]:
    """Rows of the trials of all cases."""
    return [
        Row(
            case,
            trial.number,
            STATES[trial.state],
            trial.value if trial.state == TrialState.COMPLETE else None,
            trial.user_attrs.get(VALUES, trial.params),
            trial.user_attrs,
        )
        for case, found in trials.items()
        for trial in found
    ]


def best_of(rows: Sequence[Row]) -> Row | None:
    """The trial with the highest score, the first among equals; None if none is done."""
    done = [row for row in rows if row.score is not None]
    return max(done, key=lambda row: row.score or 0.0, default=None)


def varied(rows: Sequence[Row]) -> list[str]:
    """Names of the varied settings, in the space's order."""
    return list(dict.fromkeys(name for row in rows for name in row.values))


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write the trials as CSV, atomically: one line each, with the reason if it failed."""
    names = varied(rows)
    facts = ("val_auc", "val_accuracy", "val_loss", "kept_epoch", "seconds", "features", WORKER, REASON)
    columns = ("case", "trial", "state", "score", *names, *facts)
    write_csv(
        path,
        columns,
        (
            (
                row.case,
                row.number,
                row.state,
                "" if row.score is None else row.score,
                *(row.values.get(name, "") for name in names),
                *(row.facts.get(name, "") for name in facts),
            )
            for row in rows
        ),
    )
