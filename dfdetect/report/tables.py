"""The kinds of tables, which show published beside measured numbers."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dfdetect.metrics.estimates import DASH, UNITS, Estimate, Metrics, collapse
from dfdetect.metrics.folds import matrix_text
from dfdetect.metrics.measures import MEASURES
from dfdetect.render.table import SAME, Table, Value, columns
from dfdetect.render.table import Cell as Entry
from dfdetect.report.comparisons import Comparison
from dfdetect.report.declared import MATRIX, Cell, Experiment, TableSpec
from dfdetect.report.published import Matrix, Values, title_of
from dfdetect.report.results import DONE, FAILED, Result

NOTE_BEST = (
    "Bold: the best of those in this table that were measured on the same faces; a row of dashes does not "
    f"compete. {SAME}: cannot be told from the best (paired bootstrap over groups; Holm over all pairs and "
    "metrics of the table, 5 %). Unmarked: worse, or not compared with it (other faces, its scores were "
    "missing, or no interval exists). The comparison is between these trained networks; another seed may "
    "reverse it."
)
NOTE_UNCOMPARED = "Nothing is bold, because none of these runs was compared with another."
NOTE_MATRIX = "Matrices: [[real called real, real called fake], [fake called real, fake called fake]]."
NOTE_THRESHOLD = (
    "Measured accuracy, and everything else that depends on a threshold, uses the one chosen on the "
    "validation faces. The report names none."
)
NOTE_INTERVAL = (
    "Brackets: 95 % intervals by a bootstrap over groups; for a mean over folds, Student's interval with the "
    "corrected variance of Nadeau and Bengio (2003), cut off at the end of the metric's range; a dash if "
    "there are too few groups, or if all folds or resamples give the same. The intervals of single runs do "
    "not contain the variation between trainings."
)


@dataclass(frozen=True)
class Asked:
    """What one table is built from.

    Attributes:
        experiment: the declaration.
        spec: the table's.
        cells: the cells that it shows.
        results: current results by cell name.
        comparisons: of the best cell with the others.
    """

    experiment: Experiment
    spec: TableSpec
    cells: Sequence[Cell]
    results: Mapping[str, Result]
    comparisons: Sequence[Comparison]

    def ordered(self) -> list[Cell]:
        """The cells in the order of the axes' choices."""
        places = {axis: list(choices) for axis, choices in self.experiment.axes.items()}
        return sorted(
            self.cells, key=lambda cell: [places[axis].index(name) for axis, name in cell.at.items()]
        )

    def axes(self) -> list[str]:
        """Titles of the columns that name a row."""
        return [axis.replace("_", " ") for axis in self.spec.rows]

    def labels(self, cell: Cell) -> list[Entry]:
        """The entries that name a row."""
        return [self.experiment.title_of(axis, cell.at[axis]) for axis in self.spec.rows]

    def published(self, cell: Cell, metric: str) -> str:
        """What the report prints for a cell, or a dash."""
        return self.experiment.published.shown(cell.at, _REPORTED.get(metric, metric)) or DASH


def build(asked: Asked) -> Table:
    """Build the table by its kind, with notes on its results as a whole."""
    table = _BUILD[asked.spec.kind](asked)
    results = [asked.results[cell.name] for cell in asked.cells if cell.name in asked.results]
    leaks = dict.fromkeys(result.split_leak for result in results if result.split_leak)
    return replace(table, notes=[*_sizes(asked.spec.level, results), *table.notes, *leaks])


def _sizes(level: str, results: Sequence[Result]) -> list[str]:
    """How many test faces or videos the results rest on."""
    sizes = sorted({result.n(level) for result in results if result.status != FAILED})
    if not sizes:
        return []
    span = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
    return [f"Tested on {span} {UNITS[level]}s."]


def _faces(result: Result) -> tuple[object, ...]:
    """What results that were measured on the same test faces have in common."""
    return result.manifest, result.data.get("faces"), result.recipe["split"], result.recipe["folds"]


class _Marks:
    """Which results in one table are best, and which cannot be told from the best."""

    def __init__(self, asked: Asked, footnotes: "Footnotes") -> None:
        results = (asked.results[cell.name] for cell in asked.cells if cell.name in asked.results)
        shown = {result.digest: result for result in results}
        # Comparisons may be older than the declaration of their cells or table.
        table = (asked.spec.name, asked.spec.level)
        mine = [
            one
            for one in asked.comparisons
            if (one.table, one.level) == table and {one.best, one.other} <= set(shown)
        ]

        def skill(result: Result, metric: str) -> float:
            return MEASURES[metric].sign * result.estimate(metric, asked.spec.level).value

        # If the scores of the best were not at hand, another one was compared with the rest.
        lost = {(one.metric, one.other) for one in mine} | {
            (one.metric, one.best)
            for one, rival in itertools.product(mine, shown.values())
            if rival.status == DONE
            and _faces(rival) == _faces(shown[one.best])
            and skill(shown[one.best], one.metric) < skill(rival, one.metric)
        }
        self._best = {(one.metric, one.best) for one in mine} - lost
        self._same = {
            (one.metric, one.other) for one in mine if (one.metric, one.best) in self._best and one.alike
        }
        self._footnotes = footnotes

    def value(self, result: Result | None, metric: str, level: str) -> Value:
        if result is None:
            return Value(None)
        if result.status == FAILED:
            return Value(None, footnote=self._footnotes.of_result(result))
        key = (metric, result.digest)
        return Value(
            result.estimate(metric, level),
            key in self._best,
            key in self._same,
            self._footnotes.of_result(result),
            result.n(level),
        )


class Footnotes:
    """Numbered notes of one table; equal ones share a number."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def number(self, text: str) -> int:
        """The number of a note, from 1; a new one is added."""
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1

    def of_result(self, result: Result) -> int:
        """A note on why it failed, or on its weights, test groups that they saw, and collapsed scores."""
        if result.status == FAILED:
            return self.number(f"Failed: {result.reason}")
        told = result.weights.get("partial") or result.weights_file
        parts = [f"Weights: {result.weights['origin']}."] if told else []
        parts += [result.random_start] if result.random_start else []
        parts += result.weights.get("leaks", ())
        parts += collapsed(result.metrics("face"))
        return self.number(" ".join(parts)) if parts else 0


def collapsed(folds: Sequence[Metrics]) -> list[str]:
    """A sentence if a training, or some folds of it, collapsed; else none.

    Args:
        folds: the metrics of each fold, or of the one training.
    """
    how = {number: text for number, one in enumerate(folds, start=1) if (text := collapse(one))}
    if not how:
        return []
    if len(folds) == 1:
        return [f"This training collapsed: all {how[1]}."]
    numbers = ", ".join(map(str, how))
    return [f"Of {len(folds)} folds, {numbers} collapsed: all {' or '.join(dict.fromkeys(how.values()))}."]


def _list(asked: Asked) -> Table:
    """One row a cell; for each metric the published column, if there is one, and the measured one."""
    spec, footnotes = asked.spec, Footnotes()
    marks = _Marks(asked, footnotes)
    published = {
        metric for metric in spec.metrics for cell in asked.cells if asked.published(cell, metric) != DASH
    }
    header = asked.axes()
    for metric in spec.metrics:
        title = _title(metric)
        header += [f"{title}, published"] if metric in published else []
        header += [title] if metric in MEASURES or metric == MATRIX else []
    rows = []
    for cell in asked.ordered():
        result, row = asked.results.get(cell.name), asked.labels(cell)
        for metric in spec.metrics:
            row += [asked.published(cell, metric)] if metric in published else []
            row += [marks.value(result, metric, spec.level)] if metric in MEASURES else []
            row += [_matrix(result, spec.level)] if metric == MATRIX else []
        rows.append(row)
    return _table(spec, header, rows, footnotes, *([NOTE_MATRIX] if MATRIX in spec.metrics else []))


def _matrix(result: Result | None, level: str) -> str:
    """A result's counts; for folds their mean."""
    if result is None or result.status == FAILED:
        return DASH
    several = len(result.parts) > 1
    return matrix_text(result.folds(level).confusion if several else result.metrics(level)[0].confusion)


def _grid(asked: Asked) -> Table:
    """One metric: one axis's choices down, another's across."""
    spec, footnotes = asked.spec, Footnotes()
    marks = _Marks(asked, footnotes)
    metric = spec.metrics[0]
    published = any(asked.published(cell, metric) != DASH for cell in asked.cells)
    names = list(dict.fromkeys(cell.at[spec.columns] for cell in asked.ordered()))
    header = asked.axes()
    for name in names:
        title = asked.experiment.title_of(spec.columns, name)
        header += [f"{title}, published"] if published else []
        header += [title]
    rows: dict[tuple[str, ...], dict[str, Cell]] = {}
    for cell in asked.ordered():
        rows.setdefault(tuple(cell.at[axis] for axis in spec.rows), {})[cell.at[spec.columns]] = cell
    entries = []
    for across in rows.values():
        row = asked.labels(next(iter(across.values())))
        for name in names:
            there = across.get(name)
            row += [asked.published(there, metric) if there else DASH] if published else []
            row += [marks.value(asked.results.get(there.name) if there else None, metric, spec.level)]
        entries.append(row)
    return _table(spec, header, entries, footnotes)


def _folds(asked: Asked) -> Table:
    """Every fold and the average of each cell, each with its confusion matrix."""
    spec, footnotes = asked.spec, Footnotes()
    header = [*asked.axes(), "fold"]
    for metric in spec.metrics:
        header += [f"{_title(metric)}, published", _title(metric)]
    header += ["Matrix, published", "Matrix"]
    rows = []
    for cell in asked.ordered():
        result = asked.results.get(cell.name)
        note = footnotes.of_result(result) if result else 0
        for line in _fold_lines(asked, cell, result):
            rows.append([replace(e, footnote=note) if isinstance(e, Value) else e for e in line])
    return _table(spec, header, rows, footnotes, NOTE_MATRIX)


def _fold_lines(asked: Asked, cell: Cell, result: Result | None) -> Iterator[list[Entry]]:
    spec = asked.spec
    block = next((block for block in asked.experiment.published.of(cell.at) if block.folds), None)
    measured = result.folds(spec.level) if result is not None and len(result.parts) > 1 else None
    numbers = [str(fold + 1) for fold in range(max(cell.recipe.folds, len(block.folds) if block else 0))]
    for place, name in enumerate((*numbers, "average")):
        stated: Values | None = None
        estimates: Mapping[str, Estimate] = {}
        matrix, n = DASH, 0
        if block:
            last = name == "average"
            stated = block.average if last else block.folds[place] if place < len(block.folds) else None
        if measured and name == "average":
            estimates, matrix = measured.averages, matrix_text(measured.confusion)
            n = sum(fold.metrics.n for fold in measured.folds)
        elif measured and place < len(measured.folds):
            found = measured.folds[place].metrics
            estimates, matrix, n = found.estimates, matrix_text(found.confusion), found.n
        row: list[Entry] = [*asked.labels(cell), name]
        for metric in spec.metrics:
            number = stated.numbers.get(metric) if stated else None
            row += [number.text if number else DASH, Value(estimates.get(metric), n=n)]
        yield [*row, _printed_matrix(stated.confusion if stated else None), matrix]


# Reports call the log loss of the test images "loss".
_REPORTED = {"log_loss": "loss"}
_BUILD = {"list": _list, "grid": _grid, "folds": _folds}


def _printed_matrix(matrix: Matrix | None) -> str:
    return matrix_text([[cell.value for cell in row] for row in matrix]) if matrix else DASH


def _table(
    spec: TableSpec, header: Sequence[str], rows: Sequence[Sequence[Entry]], footnotes: Footnotes, *more: str
) -> Table:
    values = [entry for row in rows for entry in row if isinstance(entry, Value)]
    notes = [*more, *([spec.note] if spec.note else [])]
    general = []
    measured = any(value.estimate for value in values)
    decided = any(name in MEASURES and MEASURES[name].part == "decision" for name in spec.metrics)
    general += [NOTE_THRESHOLD] if (measured and decided) or MATRIX in spec.metrics else []
    general += [NOTE_INTERVAL] if measured else []
    best = any(value.best for value in values)
    several = sum(any(isinstance(entry, Value) and entry.estimate for entry in row) for row in rows) > 1
    general += [NOTE_BEST] if best else []
    notes += [NOTE_UNCOMPARED] if several and not best and spec.kind != "folds" else []
    names = len(spec.rows) + (spec.kind == "folds")
    return Table(
        columns(header[:names], header[names:]),
        rows,
        spec.title,
        label=spec.name,
        names=names,
        notes=notes,
        general=general,
        footnotes=footnotes.texts,
    )


def _title(metric: str) -> str:
    return "Matrix" if metric == MATRIX else title_of(metric)
