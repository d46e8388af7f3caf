"""What a search leaves to read: rows, tables, figures and the page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dfdetect.data.opening import Data
from dfdetect.recipe import Recipe
from face_extraction.atomic import write_text
from tuning.figures import Importances, draw
from tuning.job import Job
from tuning.page import render
from tuning.rows import Row, write_rows
from tuning.tables import write_ablation

PAGE, TRIALS = "index.html", "trials.csv"


def write_report(
    folder: Path,
    job: Job,
    rows: Sequence[Row],
    recipes: Mapping[str, Recipe],
    data: Mapping[str, Data],
    notices: Sequence[str],
    found: Importances,
    out: Path,
) -> None:
    """Write trials.csv, ablation.md, ablation.csv, the figures and index.html.

    Args:
        folder: the search's folder.
        job: what was searched.
        rows: the trials.
        recipes: by `Row.label`, what each trial trained.
        data: by case.
        notices: what must be said of the search.
        found: by case, each setting's importance, or why there is none.
        out: where the best recipe stands.
    """
    write_rows(folder / TRIALS, rows)
    write_ablation(folder, rows, recipes, job.folds)
    figures = draw(rows, job.objective, found, folder)
    title = folder.absolute().name
    write_text(folder / PAGE, render(title, job, rows, recipes, data, notices, figures, found, out))
