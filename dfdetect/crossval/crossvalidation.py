"""Cross-validation: one run for each fold, and the table of all folds (Report B's table)."""

from collections.abc import Sequence
from pathlib import Path

from dfdetect.data.opening import open_trainings
from dfdetect.metrics.folds import CrossValidation, Fold, matrix_text, summarise
from dfdetect.metrics.measures import MEASURES
from dfdetect.out_folder import check_out
from dfdetect.recipe import Conditions, Recipe
from dfdetect.render.table import Cell, Table, Value, columns
from dfdetect.render.templating import render
from dfdetect.runs.folder import CROSSVAL, Run
from dfdetect.train.training import train
from face_extraction.atomic import write_text
from face_extraction.json_file import write_json

MARKDOWN = "crossval.md"
# Report B's columns, and AUC, which needs no threshold.
NAMES = ("accuracy", "precision_weighted", "recall_weighted", "f1_weighted", "auc")


def cross_validate(recipe: Recipe, folder: Path, conditions: Conditions) -> CrossValidation:
    """Train and test every fold, each as a run in `folder`; finished folds are kept.

    Args:
        recipe: the recipe, resolved, with `folds`; its `fold` is not used.
        folder: where fold-1, fold-2 and so on, crossval.json and crossval.md go.
        conditions: how to train.

    Raises:
        InputError: a training fails; a fold lacks a class (then none is trained); `folder` is a run folder;
            or it holds folds of another recipe or other data.
    """
    check_out(folder)
    folds, notices, leaks = [], list[str](), list[str]()
    for number, (part, data) in enumerate(open_trainings(recipe), start=1):
        run = fold_run(folder, number)
        print(f"\nfold {number} of {recipe.folds}: {run.folder}\n{data.table()}", flush=True)
        if run.finished:
            run.begin(part, data.digest)  # refuses another recipe's folder
        else:
            train(part, data, run, conditions)
        notices += data.notices
        leaks += [f"Fold {number}: {line}" for line in run.leaks()]
        tested = run.metrics()["test"][part.levels[0]]
        folds.append(Fold(number, tested, *(data.count(split, part.frames) for split in ("train", "test"))))
    result = summarise(folds)
    told = [*dict.fromkeys(notices), *leaks]
    write_json(
        folder / CROSSVAL,
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


def fold_run(folder: Path, number: int) -> Run:
    """The run of one fold, counted from 1."""
    return Run(folder / f"fold-{number}")


def markdown(result: CrossValidation, recipe: Recipe, notices: Sequence[str]) -> str:
    """Report B's table: each fold and the average, with the confusion matrices."""
    head = columns(["fold"], ["n", *(MEASURES[name].title for name in NAMES)])
    rows: list[list[Cell]] = [
        [
            str(fold.number),
            f"{fold.metrics.n:,}",
            *(f"{fold.metrics.estimates[name].value:.4f}" for name in NAMES),
            matrix_text(fold.metrics.confusion),
        ]
        for fold in result.folds
    ]
    rows.append(
        ["average", "", *(Value(result.averages[name]) for name in NAMES), matrix_text(result.confusion)]
    )
    table = Table([*head, *columns(["confusion matrix"])], rows)
    return render("crossval.md.j2", recipe=recipe, notices=notices, table=table)
