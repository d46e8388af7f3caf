"""The tables of a search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dfdetect.metrics.estimates import DASH
from dfdetect.recipe import Recipe
from dfdetect.render.table import Column, Table, columns, csv_rows, markdown
from dfdetect.render.text import short
from face_extraction.atomic import write_csv, write_text
from tuning.figures import Importances
from tuning.rows import Row, best_of, varied

ABLATION = "ablation"
SHOWN_APART = ("optimizer", "learning_rate")


@dataclass(frozen=True)
class Trials:
    """The results of a search so far.

    Attributes:
        rows: the trials.
        recipes: the recipe of each trial, by `Row.label`.
        importances: each setting's importance by case, or the reason why there is none.
    """

    rows: Sequence[Row]
    recipes: Mapping[str, Recipe]
    importances: Importances


def ablation(trials: Trials) -> Table:
    """Report C's ablation table: optimizer, learning rate, [loss, accuracy], model type.

    Other varied settings stand after the learning rate, and the AUC and the trial at the end.
    """
    others = [name for name in varied(trials.rows) if name not in SHOWN_APART]
    head = ["Optimizer", "Learning rate", *map(_title, others), "Score", "Model type", "AUC", "Trial"]
    body = []
    for row in trials.rows:
        recipe = trials.recipes.get(row.label)
        if recipe is None:
            continue
        score = row.state
        if "val_loss" in row.facts:
            score = f"[{row.facts['val_loss']:.4f}, {row.facts['val_accuracy']:.4f}]"
        body.append(
            [
                recipe.optimizer,
                short(recipe.learning_rate),
                *(short(row.values.get(name, "")) for name in others),
                f"{score}: {row.reason}" if row.reason else score,
                row.case,
                f"{row.facts['val_auc']:.4f}" if "val_auc" in row.facts else DASH,
                str(row.number),
            ]
        )
    return Table(columns(head), body, "Ablation table")


def importance(found: Importances) -> Table:
    """The importance of each setting, one row for each case."""
    names = list(
        dict.fromkeys(name for shares in found.values() if not isinstance(shares, str) for name in shares)
    )
    rows = []
    for case, shares in found.items():
        known, why = ({}, shares) if isinstance(shares, str) else (shares, "")
        rows.append([case, *(f"{known.get(name, 0):.3f}" if known else DASH for name in names), why])
    head = [*columns(["Case"], map(_title, names)), Column("Why none")]
    if not any(row[-1] for row in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    return Table(head, rows, "Importance")


def trial_table(rows: Sequence[Row], objective: str) -> Table:
    """One row for each trial; the best one is marked."""
    names = varied(rows)
    best = best_of(rows)
    body = []
    for row in rows:
        features = {True: "once", False: "no"}.get(row.facts.get("features", ""), "")
        body.append(
            [
                row.label,
                row.state,
                DASH if row.score is None else f"{row.score:.4f}",
                *(short(row.values.get(name, "")) for name in names),
                str(row.facts.get("kept_epoch", "")),
                short(row.facts.get("seconds", "")),
                features,
                row.reason,
            ]
        )
    head = ["Trial", "State", objective, *map(_title, names), "Kept epoch", "Seconds", "Features", "Reason"]
    return Table(columns(head), body, "Trials", best=None if best is None else rows.index(best))


def note(folds: int) -> str:
    """A note that explains the numbers of the ablation table."""
    of = f"the mean over {folds} folds" if folds else "the validation split"
    return (
        f"Score is [loss, accuracy at 0.5] on {of}, at the kept epoch; Report C's scores are from Keras' "
        "evaluate() on data that it does not name. Test faces were not opened."
    )


def write_ablation(folder: Path, trials: Trials, folds: int) -> None:
    """Write the ablation table as Markdown and CSV, atomically."""
    table = ablation(trials)
    write_csv(folder / f"{ABLATION}.csv", table.titles, csv_rows(table))
    write_text(folder / f"{ABLATION}.md", f"{markdown(table)}\n\n{note(folds)}\n")


def _title(name: str) -> str:
    return name.removeprefix("options.").replace("_", " ").capitalize()
