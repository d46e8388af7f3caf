"""Cross-validation: one run a fold, and the table of all folds (Report B's table)."""

from collections.abc import Sequence
from pathlib import Path

from dfdetect.data.clips import make_clips
from dfdetect.data.opening import Data, open_trainings
from dfdetect.metrics.folds import CrossValidation, Fold, matrix_text, summarise
from dfdetect.metrics.measures import MEASURES
from dfdetect.recipe import Conditions, Recipe
from dfdetect.runs.folder import Run
from dfdetect.train.training import train
from face_extraction.atomic import write_text
from face_extraction.errors import InputError
from face_extraction.json_file import write_json

MARKDOWN = "crossval.md"
# Report B's columns, and AUC, which needs no threshold.
NAMES = ("accuracy", "precision_weighted", "recall_weighted", "f1_weighted", "auc")


def cross_validate(recipe: Recipe, folder: Path, conditions: Conditions) -> CrossValidation:
    """Train and test every fold, each as a run in `folder`; finished folds are kept.

    Args:
        recipe: resolved, with `folds`; its `fold` is not used.
        folder: where fold-1, fold-2 and so on, crossval.json and crossval.md go.
        conditions: how to go about it.

    Raises:
        InputError: as training does; no fold is trained if any of them lacks a class, or the folder is
            a run's.
    """
    if Run(folder).recipe_file.is_file():
        raise InputError(f"{folder}: a run's folder, which can be deleted with all in it; give another --out")
    folds, notices, leaks = [], list[str](), list[str]()
    for number, (part, data) in enumerate(open_trainings(recipe), start=1):
        run = Run(folder / f"fold-{number}")
        print(f"\nfold {number} of {recipe.folds}: {run.folder}\n{data.table()}", flush=True)
        if run.finished:
            run.begin(part, data.digest)  # refuses another recipe's folder
        else:
            train(part, data, run, conditions)
        notices += data.notices
        leaks += [f"Fold {number}: {line}" for line in run.leaks()]
        tested = run.metrics()["test"][part.levels[0]]
        folds.append(Fold(number, tested, *(size(part, data, split) for split in ("train", "test"))))
    result = summarise(folds)
    told = [*dict.fromkeys(notices), *leaks]
    write_json(
        folder / "crossval.json",
        {
            "model": recipe.model,
            "split": recipe.split,
            "notices": told,
            "folds": [
                {"fold": fold.number, "n_train": fold.n_train, "metrics": fold.metrics.to_dict()}
                for fold in folds
            ],
            "averages": {name: average.to_dict() for name, average in result.averages.items()},
            "confusion": result.confusion,
        },
    )
    write_text(folder / MARKDOWN, markdown(result, recipe, told))
    return result


def size(recipe: Recipe, data: Data, split: str) -> int:
    """How many faces, or clips (of each of a video's people), a recipe has in a split."""
    samples = [sample for sample in data.samples if sample.split == split]
    return len(make_clips(samples, recipe.frames)[0]) if recipe.frames else len(samples)


def markdown(result: CrossValidation, recipe: Recipe, notices: Sequence[str]) -> str:
    """Report B's table: per fold and on average, with the confusion matrices."""
    titles = [MEASURES[name].title for name in NAMES]
    lines = [f"# {recipe.model}: {recipe.folds}-fold cross-validation, split by {recipe.split}", ""]
    for notice in notices:
        lines += [f"> **Note.** {notice}", ""]
    lines += [
        f"| fold | n | {' | '.join(titles)} | confusion matrix |",
        f"|---|---:|{'---:|' * len(titles)}---|",
    ]
    for fold in result.folds:
        values = " | ".join(f"{fold.metrics.estimates[name].value:.4f}" for name in NAMES)
        lines.append(
            f"| {fold.number} | {fold.metrics.n:,} | {values} | {matrix_text(fold.metrics.confusion)} |"
        )
    means = " | ".join(str(result.averages[name]) for name in NAMES)
    lines.append(f"| average | | {means} | {matrix_text(result.confusion)} |")
    lines += [
        "",
        "Each fold is tested once, by a model whose epoch and threshold were chosen on others. Brackets "
        "hold the 95 % interval of the mean, with the corrected variance of Nadeau and Bengio (2003). "
        "Matrices are [[real called real, real called fake], [fake called real, fake called fake]].",
        "",
    ]
    return "\n".join(lines)
