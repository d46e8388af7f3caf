"""Write a search's results: rows, tables, figures and the page."""

from face_extraction.atomic import write_text
from tuning.figures import draw
from tuning.opening import Search
from tuning.page import render_search
from tuning.rows import write_rows
from tuning.tables import Trials, write_ablation

PAGE, TRIALS = "index.html", "trials.csv"


def write_outputs(search: Search, trials: Trials) -> None:
    """Write trials.csv, ablation.md, ablation.csv, the figures and index.html into the search's folder."""
    write_rows(search.folder / TRIALS, trials.rows)
    write_ablation(search.folder, trials, search.job.folds)
    figures = draw(trials.rows, search.job.objective, trials.importances, search.folder)
    write_text(search.folder / PAGE, render_search(search, trials, figures))
