"""Comparing, in each column of a table, the best cell with all others, from their run folders."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from dfdetect.experiments.comparisons import COMPARISONS, Comparison, read_comparisons
from dfdetect.experiments.declared import Cell, Experiment, TableSpec
from dfdetect.experiments.results import DONE, Result, current, read_results
from dfdetect.metrics import MEASURES
from dfdetect.metrics.comparison import Difference, Pair, Scored, holm, paired_bootstrap
from dfdetect.runs import Run, write_json
from face_extraction.progress import progress

RESAMPLES, RESAMPLES_A_CELL = 1000, 100
Scores = list[Scored]


def compare_tables(experiment: Experiment, profile: str, manifest: str, runs: Path) -> int:
    """Compare the cells of every table with the best of their column, from their run folders.

    Comparisons of results that are still current are kept. A cell whose run folders are not here
    cannot be compared, and cells are compared on equal test faces only.

    Returns:
        How many cells of tables could not be compared for want of their run folders.
    """
    results = read_results(experiment.folder)
    scored: dict[str, Scores] = {}
    absent = set()
    cells = {}
    for cell in experiment.cells(profile):
        result = current(results, cell, profile, manifest)
        if result is None or result.status != DONE:
            continue
        found = _scores(result, runs)
        if found is None:
            absent.add(result.digest)
        else:
            scored[result.digest] = found
            cells[result.digest] = (cell, result)
    kept = {old.key: old for old in read_comparisons(experiment.folder)}
    columns = list(_columns(experiment, cells, scored))
    sizes = {
        table.name: sum(table.shows(cell) for cell in experiment.cells(profile))
        for table in experiment.tables
    }
    fresh: list[Comparison] = []
    with progress("compare", len(columns), unit="columns") as advance:
        for table, metric, column in columns:
            fresh += _compare(table, metric, column, scored, kept, enough(sizes[table.name]))
            advance(note=table.name)
    alive = {result.digest for result in results}
    names = {(new.table, new.level, new.best, new.other) for new in fresh}
    theirs = [
        old
        for old in kept.values()
        if {old.best, old.other} <= alive and not {old.best, old.other} <= set(scored)
        and (old.table, old.level, old.best, old.other) not in names
    ]  # fmt: skip
    write_json(experiment.folder / COMPARISONS, {"comparisons": [asdict(new) for new in (*theirs, *fresh)]})
    return len(absent)


def enough(cells: int) -> int:
    """How many resamples the comparisons in a table of so many cells need.

    A p-value is at least 2 / (resamples + 1), and Holm's method multiplies it by the number of comparisons:
    with 1,000 and more than 25 cells nothing could be told apart. It goes by the cells declared, so that
    comparisons made while some were missing are still good when they are there.
    """
    return max(RESAMPLES, RESAMPLES_A_CELL * cells)


def _scores(result: Result, runs: Path) -> Scores | None:
    """The test predictions of each fold; None where a run folder is not here."""
    folders = [Run(runs / name) for name in result.runs]
    if not all(run.finished for run in folders):
        return None
    return [Scored(run.predictions("test"), run.threshold()) for run in folders]


def _columns(
    experiment: Experiment, cells: Mapping[str, tuple[Cell, Result]], scored: Mapping[str, Scores]
) -> list[tuple[TableSpec, str, list[tuple[str, Result]]]]:
    """(table, metric, cells) of which all scored the same faces, two cells or more."""
    columns = []
    for table in experiment.tables:
        families: dict[int, list[tuple[str, Result]]] = defaultdict(list)
        for digest, (cell, result) in cells.items():
            if table.shows(cell):
                faces = tuple(s.path for part in scored[digest] for s in part.predictions.samples)
                families[hash(faces)].append((digest, result))
        columns += [
            (table, metric, family)
            for metric in table.metrics
            if metric in MEASURES
            for family in families.values()
            if len(family) > 1
        ]
    return columns


def _compare(
    table: TableSpec,
    metric: str,
    column: Sequence[tuple[str, Result]],
    scored: Mapping[str, Scores],
    kept: Mapping[tuple[str, ...], Comparison],
    resamples: int,
) -> list[Comparison]:
    values = {digest: result.estimate(metric, table.level).value for digest, result in column}
    sign = 1 if MEASURES[metric].better == "higher" else -1
    best = max(values, key=lambda digest: -math.inf if math.isnan(values[digest]) else sign * values[digest])
    others = [digest for digest in values if digest != best]
    differences: dict[str, Difference] = {}
    for other in others:
        old = kept.get((table.name, table.level, metric, best, other))
        if old is not None:
            differences[other] = Difference(*map(_nan, (old.value, old.low, old.high, old.p)))
            continue
        pairs = [_pair(a, b, table.level) for a, b in zip(scored[best], scored[other], strict=True)]
        differences[other] = paired_bootstrap(pairs, [metric], resamples=resamples)[metric]
    adjusted = holm({other: difference.p for other, difference in differences.items()})
    return [
        Comparison(
            table.name, table.level, metric, best, other,
            *map(_none, (difference.value, difference.low, difference.high, difference.p, adjusted[other])),
        )
        for other, difference in differences.items()
    ]  # fmt: skip


def _pair(first: Scored, second: Scored, level: str) -> Pair:
    if level == "face":
        return first, second
    return (
        Scored(first.predictions.by_clip(), first.threshold),
        Scored(second.predictions.by_clip(), second.threshold),
    )


def _none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _nan(value: float | None) -> float:
    return math.nan if value is None else value
