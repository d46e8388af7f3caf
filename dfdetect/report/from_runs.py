"""A table of any own runs: trainings, ensembles and cross-validations, with intervals, sizes and cautions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dfdetect.metrics.estimates import DASH, Estimate, Metrics, with_nan
from dfdetect.metrics.measures import MEASURES
from dfdetect.recipe import ENSEMBLE, read_recipe
from dfdetect.render.run_content import IDEAL, IDEAL_NOTE
from dfdetect.render.table import Cell, Table, Value, columns, latex, noted, text
from dfdetect.render.templating import render
from dfdetect.report.results import started_random
from dfdetect.report.tables import NOTE_INTERVAL, Footnotes, collapsed
from dfdetect.report.tables_csv import digits
from dfdetect.runs.folder import CROSSVAL, Run, check_once
from face_extraction.atomic import csv_of
from face_extraction.errors import InputError, check_name
from face_extraction.json_file import parse_json
from face_extraction.wording import plural

NOTE_THRESHOLD = (
    "Accuracy, and everything else that depends on a threshold, uses the one chosen on the validation faces."
)
NOTE_DATA = "These runs have {} different manifests, so their numbers are no ranking."
NOTE_OLDER = "A dash there: the run was measured before this was recorded."
TITLE = "Test results of own runs"
LABEL = "tab:runs"
CSV_COLUMNS = ("run", "model", "metric", "value", "low", "high", "n", "size", "note")


@dataclass(frozen=True)
class Row:
    """One run, or one cross-validation.

    Attributes:
        name: its folder's name.
        model: its model.
        estimates: its metrics of the test faces; of a cross-validation, the means over the folds.
        ideal: the ECE that a perfectly calibrated model would show by chance, as text; of a cross-validation,
            the mean over the folds.
        n: test faces, over all folds; videos if the model takes clips.
        size: pixels and epochs, in words.
        notes: where its weights come from, what they saw, and whether it collapsed.
        manifest: SHA-256 of its manifest.
    """

    name: str
    model: str
    estimates: Mapping[str, Estimate]
    ideal: str
    n: int
    size: str
    notes: Sequence[str]
    manifest: str


def table_of(folders: Sequence[Path], metrics: Sequence[str]) -> tuple[Table, list[str]]:
    """The table: one row for each folder, in order; and for each folder that gives no row, why.

    Args:
        folders: run folders, and folders of `dfdetect.crossval`.
        metrics: names in `MEASURES`.

    Raises:
        InputError: a metric is unknown, a folder is named twice, or none is a finished run with test faces.
    """
    for metric in metrics:
        check_name("column", metric, MEASURES)
    check_once(folders)
    found, refused = dict[Path, Row](), list[str]()
    for folder in folders:
        try:
            found[folder] = _row(folder)
        except InputError as error:
            refused.append(str(error))
    if not found:
        raise InputError(f"none of these folders has a row: {'; '.join(refused)}")
    rows = list(found.values())
    footnotes, cells = Footnotes(), list[list[Cell]]()
    names = _short([row.name for row in rows], list(found))
    for name, row in zip(names, rows, strict=True):
        note = footnotes.number(" ".join(row.notes)) if row.notes else 0
        values = list[Cell]()
        for metric in metrics:
            values.append(Value(row.estimates[metric], footnote=note, n=row.n))
            values += [row.ideal] if metric == "ece" else []
        cells.append([name, row.model, *values, f"{row.n:,}", row.size])
    titles = [
        title
        for metric in metrics
        for title in (MEASURES[metric].title, *([IDEAL] if metric == "ece" else []))
    ]
    manifests = len({row.manifest for row in rows})
    decided = any(MEASURES[metric].part == "decision" for metric in metrics)
    table = Table(
        [*columns(["run", "model"], [*titles, "n"]), *columns(["size"])],
        cells,
        TITLE,
        label=LABEL,
        names=2,
        notes=[NOTE_DATA.format(manifests)] if manifests > 1 else [],
        general=[
            *([NOTE_THRESHOLD] if decided else []),
            *([IDEAL_NOTE] if "ece" in metrics else []),
            *([NOTE_OLDER] if "ece" in metrics and DASH in [row.ideal for row in rows] else []),
            NOTE_INTERVAL,
        ],
        footnotes=footnotes.texts,
    )
    return table, refused


def _row(folder: Path) -> Row:
    """What a folder holds.

    Raises:
        InputError: it is no run, is not finished, or has no test faces.
    """
    run = Run(folder)
    folds = sorted(path for path in folder.glob("fold-*") if Run(path).recipe_file.is_file())
    if folds and not run.recipe_file.is_file():
        return _crossval_row(folder, Run(folds[0]))
    run.require_finished()
    levels = run.metrics().get("test")
    if not levels:
        raise InputError(f"{folder}: has no test faces; its table would be empty")
    metrics = next(iter(levels.values()))
    return _made(run, folder, metrics.estimates, [metrics])


def _crossval_row(folder: Path, first: Run) -> Row:
    """The means over the folds of a finished cross-validation."""
    path = folder / CROSSVAL
    if not path.is_file():
        raise InputError(f"{folder}: the cross-validation is not finished; the same command resumes it")
    try:
        record = parse_json(path.read_text(encoding="utf-8"))
        folds = [Metrics.from_dict(fold["metrics"]) for fold in record["folds"]]
        averages = {name: Estimate(**with_nan(record["averages"][name])) for name in MEASURES}
    except (ValueError, TypeError, KeyError, AttributeError, InputError) as error:
        raise InputError(f"{path}: damaged ({type(error).__name__}: {error})") from None
    return _made(first, folder, averages, folds)


def _made(run: Run, folder: Path, estimates: Mapping[str, Estimate], folds: Sequence[Metrics]) -> Row:
    recipe = run.recipe()
    parts = [f"{recipe.image_size} pixels"]
    epochs = plural(recipe.head_epochs + recipe.epochs, "epoch")
    parts += [plural(len(run.members()), "member") if recipe.model == ENSEMBLE else epochs]
    parts += [f"mean of {len(folds)} folds"] if len(folds) > 1 else []
    return Row(
        name=folder.resolve().name,
        model=recipe.model,
        estimates=estimates,
        ideal=_ideal(folds),
        n=sum(fold.n for fold in folds),
        size=", ".join(parts),
        notes=[*_start(run), *run.cautions(), *collapsed(folds)],
        manifest=run.environment()["manifest_sha256"],
    )


def _ideal(folds: Sequence[Metrics]) -> str:
    """The chance level of the ECE; a dash if it was not recorded."""
    known = [fold.ideal_ece for fold in folds if fold.ideal_ece]
    if not known or len(known) < len(folds):
        return DASH
    return str(known[0]) if len(known) == 1 else f"{np.mean([each.mean for each in known]):.3f}"


def _start(run: Run) -> list[str]:
    """Where the weights come from: from chance, or from a file."""
    if members := run.members():
        random = [each.model for each in map(read_recipe, members) if each.weights == "none"]
        return [started_random(random, len(members))] if random else []
    if run.recipe().weights == "none":
        return [started_random()]
    return [f"Weights: {run.origin()}."]


def _short(names: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """Folder names; where two are alike, each with the folder above."""
    if len(set(names)) == len(names):
        return list(names)
    return ["/".join(folder.resolve().parts[-2:]) for folder in folders]


def as_text(table: Table) -> str:
    """The table and its notes as lines of text."""
    return "\n".join([text(table), "", *table.below(general=True)]) + "\n"


def as_markdown(table: Table) -> str:
    """The table and its notes in Markdown."""
    return noted(table, general=True) + "\n"


def as_latex(table: Table) -> str:
    """The table and its notes for LaTeX."""
    return latex(table, "", table.label)


def as_html(table: Table) -> str:
    """A page with the table and its notes."""
    return render("runs.html.j2", table=table)


def as_csv(table: Table) -> str:
    """One row for each run and metric, with all digits."""
    rows = (
        [row[0], row[1], title, *digits(cell.estimate).values(), cell.n, row[-1], table.footnote_of(cell)]
        for row in table.rows
        for title, cell in zip(table.titles, row, strict=True)
        if isinstance(cell, Value) and cell.estimate is not None
    )
    return csv_of(CSV_COLUMNS, rows)
