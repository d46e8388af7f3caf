"""The tables of a search, as Markdown and CSV."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dfdetect.metrics.estimates import DASH
from dfdetect.recipe import Recipe
from dfdetect.render.markdown import markdown_table
from face_extraction.atomic import write_csv, write_text
from tuning.display import short
from tuning.rows import Row, varied

ABLATION = "ablation"
SHOWN_APART = ("optimizer", "learning_rate")


def ablation(rows: Sequence[Row], recipes: Mapping[str, Recipe]) -> tuple[list[str], list[list[str]]]:
    """Report C's ablation table: optimizer, learning rate, [loss, accuracy], model type.

    What else was varied stands between, and the trial at the end.

    Args:
        rows: the trials.
        recipes: by `Row.label`, what each trial trained.

    Returns:
        Names of the columns, and the cells.
    """
    others = [name for name in varied(rows) if name not in SHOWN_APART]
    head = ["Optimizer", "Learning rate", *map(_title, others), "Score", "Model type", "AUC", "Trial"]
    body = []
    for row in rows:
        recipe = recipes.get(row.label)
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
    return head, body


def note(folds: int) -> str:
    """What the numbers of the ablation table are."""
    of = f"the mean over {folds} folds" if folds else "the validation split"
    return (
        f"Score is [loss, accuracy at 0.5] of {of}, at the epoch that was kept; Report C gives its scores as "
        "Keras' evaluate() on data that it does not name. Test faces were not opened."
    )


def write_ablation(folder: Path, rows: Sequence[Row], recipes: Mapping[str, Recipe], folds: int) -> None:
    """Write the ablation table as Markdown and CSV, atomically."""
    head, body = ablation(rows, recipes)
    write_csv(folder / f"{ABLATION}.csv", head, body)
    write_text(folder / f"{ABLATION}.md", f"{markdown_table(head, body)}\n\n{note(folds)}\n")


def _title(name: str) -> str:
    return name.removeprefix("options.").replace("_", " ").capitalize()
