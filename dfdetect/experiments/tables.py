"""Tables of an experiment: what was published beside what was measured. Never a stale value.

A cell shows a result only when it was measured with just the recipe that the cell declares now, and
all of one table are measured on one manifest at one size. What is missing is a dash.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dfdetect.experiments.comparisons import Comparison
from dfdetect.experiments.declared import FULL, Cell, Experiment, TableSpec
from dfdetect.experiments.published import At, Matrix, Values
from dfdetect.experiments.results import DONE, FAILED, Result, current
from dfdetect.metrics import DASH, MEASURES, Estimate
from dfdetect.metrics.folds import matrix_text

SAME = "≈"
NOTE_BEST = (
    "Bold: the best measured of its metric among those that scored the same faces. "
    f"{SAME}: cannot be told from it (paired bootstrap over groups, Holm over the table, 5 %)."
)
NOTE_INTERVAL = (
    "Brackets: 95 % intervals, a bootstrap over groups; of a mean over folds Student's with the corrected "
    "variance of Nadeau and Bengio (2003). They hold no variation between trainings."
)


@dataclass(frozen=True)
class Value:
    """One measured number in a table.

    Attributes:
        estimate: the number and its interval; None where nothing was measured.
        best: it is the best of its column.
        same: it cannot be told from the best.
        footnote: number of the table's footnote, from 1; 0 = none.
    """

    estimate: Estimate | None
    best: bool = False
    same: bool = False
    footnote: int = 0


Entry = str | Value


@dataclass(frozen=True)
class Table:
    """A table, before it is rendered.

    Attributes:
        name: its key.
        title: its heading.
        labels: how many columns name the row.
        header: a title for each column.
        rows: an entry for each column.
        notes: sentences below it.
    """

    name: str
    title: str
    labels: int
    header: Sequence[str]
    rows: Sequence[Sequence[Entry]]
    notes: Sequence[str]


@dataclass(frozen=True)
class Section:
    """The tables of one size on one manifest.

    Attributes:
        profile: the size.
        manifest: its hash; "" where nothing was measured.
        caption: what was measured on, and how.
        tables: in order.
        results: those that the tables show, by cell name.
    """

    profile: str
    manifest: str
    caption: str
    tables: Sequence[Table]
    results: Mapping[str, Result]


def sections(
    experiment: Experiment, results: Sequence[Result], comparisons: Sequence[Comparison]
) -> list[Section]:
    """All tables, for each size and manifest with a current result; without any, what was published."""
    found = []
    for profile in experiment.profiles:
        cells = experiment.cells(profile)
        for manifest in dict.fromkeys(result.manifest for result in results if result.profile == profile):
            newest = {cell.name: current(results, cell, profile, manifest) for cell in cells}
            mine = {name: result for name, result in newest.items() if result is not None}
            if any(result.status == DONE for result in mine.values()):
                found.append(_section(experiment, profile, manifest, cells, mine, comparisons))
    return found or [_section(experiment, FULL, "", experiment.cells(), {}, ())]


def _section(
    experiment: Experiment,
    profile: str,
    manifest: str,
    cells: Sequence[Cell],
    results: Mapping[str, Result],
    comparisons: Sequence[Comparison],
) -> Section:
    tables = [
        _BUILD[spec.kind](
            experiment, spec, [cell for cell in cells if spec.shows(cell)], results, comparisons
        )
        for spec in experiment.tables
    ]
    return Section(profile, manifest, _caption(experiment, profile, results), tables, results)


def _caption(experiment: Experiment, profile: str, results: Mapping[str, Result]) -> str:
    done = [result for result in results.values() if result.status == DONE]
    if not done:
        return "Nothing has been measured yet."
    first = done[0]
    if first.data["sample_set"]:
        data = "the embedded sample set of drawn people, which says nothing about real faces"
    else:
        data = f"{', '.join(first.data['sources']) or 'an unnamed source'}"
    size = (
        "as declared for the report"
        if profile == FULL
        else f"profile {profile} ({experiment.profiles[profile].about})"
    )
    return f"Measured on {data} (manifest {first.manifest[:8]}), {size}."


class _Marks:
    """Which results are best, and which cannot be told from the best, in one table."""

    def __init__(self, table: str, comparisons: Sequence[Comparison], footnotes: "_Footnotes") -> None:
        mine = [one for one in comparisons if one.table == table]
        self._best = {(one.metric, one.best) for one in mine}
        self._same = {(one.metric, one.other) for one in mine if not one.differs}
        self._footnotes = footnotes

    def value(self, result: Result | None, metric: str, level: str) -> Value:
        if result is None:
            return Value(None)
        if result.status == FAILED:
            return Value(None, footnote=self._footnotes.number(f"Failed: {result.reason}"))
        key = (metric, result.digest)
        return Value(
            result.estimate(metric, level),
            key in self._best,
            key in self._same and key not in self._best,
            self._footnotes.of_weights(result),
        )


class _Footnotes:
    """Numbered notes of one table; equal ones share a number."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def number(self, text: str) -> int:
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1

    def of_weights(self, result: Result) -> int:
        """A note where weights were asked for that fill a part of the model only."""
        random = result.weights.get("random_layers", 0)
        if result.recipe["weights"] == "none" or not random or not result.recipe["partial_weights"]:
            return 0
        return self.number(f"Weights: {result.weights['origin']}; {random} layers began at random.")


def _list(
    experiment: Experiment,
    spec: TableSpec,
    cells: Sequence[Cell],
    results: Mapping[str, Result],
    comparisons: Sequence[Comparison],
) -> Table:
    """A row a cell; for each metric the published column, if there is any, and the measured one."""
    footnotes = _Footnotes()
    marks = _Marks(spec.name, comparisons, footnotes)
    published = {
        metric for metric in spec.metrics for cell in cells if _published(experiment, cell.at, metric) != DASH
    }
    header = [axis.replace("_", " ") for axis in spec.rows]
    for metric in spec.metrics:
        title = _title(metric)
        header += [f"{title}, published"] if metric in published else []
        header += [title] if metric in MEASURES else []
    rows = []
    for cell in _ordered(experiment, cells):
        result, row = results.get(cell.name), _labels(experiment, spec, cell)
        for metric in spec.metrics:
            row += [_published(experiment, cell.at, metric)] if metric in published else []
            row += [marks.value(result, metric, spec.level)] if metric in MEASURES else []
        rows.append(row)
    return _table(spec, header, rows, footnotes)


def _grid(
    experiment: Experiment,
    spec: TableSpec,
    cells: Sequence[Cell],
    results: Mapping[str, Result],
    comparisons: Sequence[Comparison],
) -> Table:
    """One metric: choices of one axis down, of another across."""
    footnotes = _Footnotes()
    marks = _Marks(spec.name, comparisons, footnotes)
    metric = spec.metrics[0]
    published = any(_published(experiment, cell.at, metric) != DASH for cell in cells)
    names = list(dict.fromkeys(cell.at[spec.columns] for cell in _ordered(experiment, cells)))
    header = [axis.replace("_", " ") for axis in spec.rows]
    for name in names:
        title = experiment.title_of(spec.columns, name)
        header += [f"{title}, published"] if published else []
        header += [title]
    rows: dict[tuple[str, ...], dict[str, Cell]] = {}
    for cell in _ordered(experiment, cells):
        rows.setdefault(tuple(cell.at[axis] for axis in spec.rows), {})[cell.at[spec.columns]] = cell
    entries = []
    for across in rows.values():
        row = _labels(experiment, spec, next(iter(across.values())))
        for name in names:
            there = across.get(name)
            row += [_published(experiment, there.at, metric) if there else DASH] if published else []
            row += [marks.value(results.get(there.name) if there else None, metric, spec.level)]
        entries.append(row)
    return _table(spec, header, entries, footnotes)


def _folds(
    experiment: Experiment,
    spec: TableSpec,
    cells: Sequence[Cell],
    results: Mapping[str, Result],
    comparisons: Sequence[Comparison],
) -> Table:
    """For each cell every fold and the average, each with its confusion matrix."""
    footnotes = _Footnotes()
    header = [*(axis.replace("_", " ") for axis in spec.rows), "fold"]
    for metric in spec.metrics:
        header += [f"{_title(metric)}, published", _title(metric)]
    header += ["Matrix, published", "Matrix"]
    rows = []
    for cell in _ordered(experiment, cells):
        result = results.get(cell.name)
        lines = list(_fold_lines(experiment, spec, cell, result))
        if result is not None and result.status == FAILED:
            note = footnotes.number(f"Failed: {result.reason}")
            lines = [[Value(None, footnote=note) if e == Value(None) else e for e in line] for line in lines]
        rows += lines
    return _table(
        spec, header, rows, footnotes,
        "Matrices: [[real called real, real called fake], [fake called real, fake called fake]].",
    )  # fmt: skip


def _fold_lines(
    experiment: Experiment, spec: TableSpec, cell: Cell, result: Result | None
) -> Iterator[list[Entry]]:
    block = next((block for block in experiment.published.of(cell.at) if block.folds), None)
    measured = result.folds(spec.level) if result is not None and len(result.parts) > 1 else None
    numbers = [str(fold + 1) for fold in range(max(cell.recipe.folds, len(block.folds) if block else 0))]
    for place, name in enumerate((*numbers, "average")):
        stated: Values | None = None
        estimates: Mapping[str, Estimate] = {}
        matrix = DASH
        if block:
            last = name == "average"
            stated = block.average if last else block.folds[place] if place < len(block.folds) else None
        if measured and name == "average":
            estimates, matrix = measured.averages, matrix_text(measured.confusion)
        elif measured and place < len(measured.folds):
            found = measured.folds[place].metrics
            estimates, matrix = found.estimates, matrix_text(found.confusion)
        row: list[Entry] = [*_labels(experiment, spec, cell), name]
        for metric in spec.metrics:
            number = stated.numbers.get(metric) if stated else None
            row += [number.text if number else DASH, Value(estimates.get(metric))]
        yield [*row, _printed_matrix(stated.confusion if stated else None), matrix]


# What reports call a loss is the log loss of the test images.
_REPORTED = {"log_loss": "loss"}
_BUILD = {"list": _list, "grid": _grid, "folds": _folds}


def _printed_matrix(matrix: Matrix | None) -> str:
    return matrix_text([[cell.value for cell in row] for row in matrix]) if matrix else DASH


def _table(
    spec: TableSpec, header: Sequence[str], rows: Sequence[Sequence[Entry]], footnotes: _Footnotes, *more: str
) -> Table:
    values = [entry for row in rows for entry in row if isinstance(entry, Value)]
    notes = [*more, *([spec.note] if spec.note else [])]
    notes += [NOTE_INTERVAL] if any(value.estimate for value in values) else []
    notes += [NOTE_BEST] if any(value.best for value in values) else []
    notes += [f"({number}) {text}" for number, text in enumerate(footnotes.texts, start=1)]
    labels = len(spec.rows) + (spec.kind == "folds")
    return Table(spec.name, spec.title, labels, header, rows, notes)


def _labels(experiment: Experiment, spec: TableSpec, cell: Cell) -> list[Entry]:
    return [experiment.title_of(axis, cell.at[axis]) for axis in spec.rows]


def _ordered(experiment: Experiment, cells: Sequence[Cell]) -> list[Cell]:
    """In the order in which the axes name their choices."""
    places = {axis: list(choices) for axis, choices in experiment.axes.items()}
    return sorted(cells, key=lambda cell: [places[axis].index(name) for axis, name in cell.at.items()])


def _published(experiment: Experiment, at: At, metric: str) -> str:
    return experiment.published.shown(at, _REPORTED.get(metric, metric)) or DASH


def _title(metric: str) -> str:
    return MEASURES[metric].title if metric in MEASURES else metric.replace("_", " ").capitalize()
