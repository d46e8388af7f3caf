"""The tables of a matrix: how well scores rank faces abroad, and what the cuts of home do there."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from dfdetect.evaluate.matrix import Cell
from dfdetect.metrics.calibrating import Calibration
from dfdetect.metrics.comparison import Scored, bootstrap
from dfdetect.metrics.estimates import DASH, Estimate, compute_metrics, compute_without_ideal
from dfdetect.metrics.ideal import Ideal
from dfdetect.metrics.rates import share_estimate
from dfdetect.predictions import Predictions
from dfdetect.render.run_content import IDEAL, IDEAL_NOTE, INTERVALS
from dfdetect.render.table import Cell as Entry
from dfdetect.render.table import Table, Value, columns, csv_rows, latex, noted, text
from dfdetect.render.templating import render
from dfdetect.render.text import show
from dfdetect.runs.calibration import cuts_at_home
from dfdetect.runs.folder import Run
from face_extraction.atomic import write_csv, write_text
from face_extraction.manifest import FAKE, REAL
from face_extraction.wording import plural

PAGE = "index.html"
POOLED, MEAN = "pooled", "mean"
POOLED_NOTE = (
    f"“{POOLED}” ranks the scores of all sets together, as they are. Its AUC also compares fakes of one set "
    f"with reals of another: it falls below the {MEAN} of the sets' AUCs where their scores are shifted "
    "against each other, however well each set is ranked alone. Sets with one class count in it, and have no "
    "AUC of their own. Neither counts the run's home, sets of which it has seen faces, and those that failed."
)
HOME_NOTE = "(home): the run's own manifest, with the rows and fakes that its recipe takes from it."
CUTS_NOTE = (
    "Cuts and calibration come from the run's validation split. ECE: the mean gap between calibrated scores "
    "and the share of fakes, which also grows where fakes are rarer or more frequent than there. "
    + IDEAL_NOTE
)
UNCALIBRATED = (
    "{runs}: without a calibration, so that the ECE is that of raw scores, and the threshold is both cuts: "
    "reals from it on are called substantial, fakes below it little."
)


@dataclass(frozen=True)
class Line:
    """One row of both tables.

    Attributes:
        run: the run's name.
        set: the set's.
        by: "face" or "video".
        reals: how many there are.
        fakes: the same of fakes.
        groups: how many groups they come from.
        estimates: "auc", "accuracy", "ece", "alarms" and "misses", as far as they are defined.
        ideal: what a perfectly calibrated model would show as ECE.
        remarks: what a reader has to know of this row.
    """

    run: str
    set: str
    by: str = ""
    reals: int = 0
    fakes: int = 0
    groups: int = 0
    estimates: dict[str, Estimate] | None = None
    ideal: Ideal | None = None
    remarks: tuple[str, ...] = ()


def write_matrix(cells: Sequence[Cell], out: Path) -> Path:
    """Print the tables, and write them: index.html, matrix.md, matrix.tex, and a CSV file for each.

    Args:
        cells: of all runs and sets, in order.
        out: the folder to write into.

    Returns:
        The page.
    """
    tables = both_tables(list(all_lines(cells)), _notes(cells))
    said = "\n\n".join("\n".join([table.caption, text(table), *table.below()]) for table in tables)
    print(f"\n{said}\n")
    blocks = (f"## {table.caption}\n\n{noted(table)}\n" for table in tables)
    write_text(out / "matrix.md", "\n".join(blocks))
    tex = (latex(table, INTERVALS, f"tab:matrix-{table.label}") for table in tables)
    write_text(out / "matrix.tex", "\n".join(tex))
    for table in tables:
        write_csv(out / f"{table.label}.csv", table.titles, csv_rows(table))
    page = render(
        "matrix.html.j2",
        tables=tables,
        sets=_sets(cells),
        intervals=INTERVALS,
        command=shlex.join(["python", "-m", "dfdetect.evaluate", *sys.argv[1:]]),
    )
    write_text(out / PAGE, page)
    return out / PAGE


def all_lines(cells: Sequence[Cell]) -> Iterator[Line]:
    """The rows of all cells, and after each run's those of its sets together."""
    for _, own in groupby(cells, key=lambda cell: cell.run):
        mine = list(own)
        for cell in mine:
            yield from _cell_lines(cell)
        yield from _together(mine)


def _cell_lines(cell: Cell) -> Iterator[Line]:
    run, name = cell.run.name, f"{cell.set.name} (home)" if cell.home else cell.set.name
    if cell.job is None or cell.failure:
        yield Line(run, name, remarks=(f"Failed: {cell.failure}",))
        return
    remarks = list(cell.job.seen.lines)
    if unscored := cell.job.unscored():
        remarks.append(f"{plural(unscored, cell.job.recipe.unit)} could not be scored.")
    for level in cell.levels:
        yield measure(Line(run, name, level, remarks=tuple(remarks)), _scored(cell, level), cell.run)
    if not cell.predictions.known().samples:
        yield Line(run, name, remarks=(*remarks, "No face has a known label."))


def _scored(cell: Cell, level: str) -> Predictions:
    """The labelled scores of a cell, one a face or a video; data sets without a name get the set's."""
    found = cell.predictions.at_level(level).known()
    samples = [replace(sample, source=sample.source or cell.set.name) for sample in found.samples]
    return Predictions(samples, found.p_fake)


def measure(line: Line, scored: Predictions, run: Run) -> Line:
    """Fill in a row.

    Args:
        line: its names, with "face" or "video".
        scored: labelled scores, one a face or a video.
        run: the run, whose threshold, calibration and cuts are used.
    """
    cuts = cuts_at_home(run, line.by)
    raw = compute_without_ideal(scored, threshold=run.threshold())
    calibrated = Predictions(scored.samples, cuts.apply(scored.p_fake))
    mapped = compute_metrics(calibrated, threshold=0.5)
    estimates = {
        "auc": raw.estimates["auc"],
        "accuracy": raw.estimates["accuracy"],
        "ece": mapped.estimates["ece"],
        **_error_rates(calibrated, cuts),
    }
    return replace(
        line,
        reals=raw.n_real,
        fakes=raw.n_fake,
        groups=raw.n_groups,
        estimates=estimates,
        ideal=mapped.ideal_ece,
    )


def _error_rates(calibrated: Predictions, cuts: Calibration) -> dict[str, Estimate]:
    """Reals called substantial, and fakes called little."""
    wrong, labels, groups = cuts.wrong(calibrated.p_fake), calibrated.labels, calibrated.groups
    return {
        name: share_estimate(wrong[label][labels == label], groups[labels == label])
        for label, name in ((REAL, "alarms"), (FAKE, "misses"))
    }


def _together(cells: Sequence[Cell]) -> Iterator[Line]:
    """The rows of one run's sets together, at each level; none of fewer than two sets."""
    sound = [
        cell
        for cell in cells
        if cell.job and not (cell.failure or cell.home or cell.job.seen.lines) and cell.levels
    ]
    for level in dict.fromkeys(level for cell in sound for level in cell.levels):
        # A photo counts as a video of its own.
        scored = [_scored(cell, level) for cell in sound]
        if len(scored) < 2:
            continue
        run = sound[0].run
        p_fake = np.concatenate([one.p_fake for one in scored])
        pooled = Predictions([sample for one in scored for sample in one.samples], p_fake)
        yield measure(Line(run.name, f"{POOLED}, {plural(len(scored), 'set')}", level), pooled, run)
        both = [one for one in scored if set(one.labels.tolist()) == {REAL, FAKE}]
        if both:
            drawn = bootstrap([[Scored(one, run.threshold()) for one in both]], ["auc"])
            mean = {"auc": drawn.estimate("auc", 0)}
            yield Line(run.name, f"{MEAN}, {plural(len(both), 'set')}", level, estimates=mean)


def both_tables(lines: Sequence[Line], notes: Sequence[str] = ()) -> list[Table]:
    """The table of ranking and decisions, and that of the cuts.

    Args:
        lines: the rows.
        notes: sentences that hold for all of them.
    """
    known = list(dict.fromkeys(remark for line in lines for remark in line.remarks))
    together = [POOLED_NOTE] if any(line.set.startswith(POOLED) for line in lines) else []
    home = [HOME_NOTE] if any("(home)" in line.set for line in lines) else []
    return [
        Table(
            columns(["run", "set", "by"], ["real / fake", "groups", "AUC", "accuracy"]),
            [
                [*_names(line, known), _counts(line), _groups(line), *_values(line, "auc", "accuracy")]
                for line in lines
            ],
            "Ranking, and decisions at the run's threshold",
            label="auc",
            names=3,
            notes=[*home, *together, *notes],
            footnotes=known,
        ),
        Table(
            columns(["run", "set", "by"], ["ECE", IDEAL, "reals called substantial", "fakes called little"]),
            [
                [
                    *_names(line, known),
                    *_values(line, "ece"),
                    str(line.ideal or DASH),
                    *_values(line, "alarms", "misses"),
                ]
                for line in lines
                if not line.set.startswith(MEAN)
            ],
            "Calibration, and both errors at the run's cuts",
            label="cuts",
            names=3,
            notes=[CUTS_NOTE, *notes],
            footnotes=known,
        ),
    ]


def _names(line: Line, known: Sequence[str]) -> list[Entry]:
    marks = ", ".join(str(known.index(remark) + 1) for remark in line.remarks)
    return [line.run, f"{line.set} ({marks})" if marks else line.set, line.by or DASH]


def _counts(line: Line) -> Entry:
    return f"{line.reals:,} / {line.fakes:,}" if line.groups else DASH


def _groups(line: Line) -> Entry:
    return f"{line.groups:,}" if line.groups else DASH


def _values(line: Line, *names: str) -> list[Entry]:
    found = line.estimates or {}
    return [Value(found.get(name)) for name in names]


def _notes(cells: Sequence[Cell]) -> list[str]:
    """What holds for whole runs: training data that are unknown, and runs without a calibration."""
    unknown = [line for cell in cells if cell.job for line in cell.job.seen.unknown]
    runs = dict.fromkeys(cell.run for cell in cells)
    raw = [run.name for run in runs if cuts_at_home(run, "photo").cut is not None]
    return [*dict.fromkeys(unknown), *([UNCALIBRATED.format(runs=", ".join(raw))] if raw else [])]


def _sets(cells: Sequence[Cell]) -> Table:
    """The manifests of the matrix."""
    sets = dict.fromkeys(cell.set for cell in cells)
    return Table(
        columns(["set", "manifest", "rows", "SHA-256"]),
        [[each.name, show(str(each.manifest)), each.split, each.digest] for each in sets],
        "Sets",
    )
