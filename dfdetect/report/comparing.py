"""Compare the best cell in each column of a table with all others, by their scores of equal test faces."""

import hashlib
import itertools
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from filelock import FileLock

from dfdetect.metrics.comparison import Difference, Scored, bootstrap, holm
from dfdetect.metrics.measures import MEASURES
from dfdetect.report.comparisons import COMPARISONS, Comparison, read_comparisons, write_entries
from dfdetect.report.declared import Cell, Experiment, TableSpec
from dfdetect.report.results import Result, finished, read_results
from dfdetect.report.scores import Scores, scores_for, still_measures
from face_extraction.errors import InputError
from face_extraction.progress import progress

RESAMPLES, RESAMPLES_A_TEST = 1000, 50
Cells = Mapping[str, tuple[Cell, Result]]


def compare_tables(experiment: Experiment, profile: str, manifest: str, runs: Path) -> list[str]:
    """Compare the cells of every table with the best of their column.

    Comparisons of the same results are kept. A cell cannot be compared if its scores are neither in run
    folders nor in the report's folder, or are not those that the result was measured on. Cells are compared
    only on equal test faces.

    Returns:
        Lines about the cells that could not be compared.
    """
    results = read_results(experiment.folder)
    scored: dict[str, Scores] = {}
    absent, damaged = 0, []
    cells = {}
    for cell in experiment.cells(profile):
        result = finished(results, cell, profile, manifest)
        if result is None:
            continue
        try:
            found = scores_for(experiment.folder, result, runs)
        except InputError as error:
            damaged.append(f"{cell.name} stays out of comparisons: {error}")
            continue
        if found is None:
            absent += 1
        elif not still_measures(result, found):
            damaged.append(f"{cell.name} stays out of comparisons: its scores are now others")
        else:
            scored[result.digest] = found
            cells[result.digest] = (cell, result)
    kept = read_comparisons(experiment.folder)
    fresh: list[Comparison] = []
    with progress("compare", len(experiment.tables), unit="tables") as advance:
        for table in experiment.tables:
            families = _families(table, cells, scored)
            together = _digest(table, families)
            old = [one for one in kept if one.table == table.name and one.together == together]
            fresh += old or _compare(table, families, scored, together)
            advance(note=table.name)
    _write(experiment.folder, fresh, set(scored))
    if absent:
        damaged.append(
            f"{absent} results stay out of comparisons: their scores are neither in {runs} nor kept"
        )
    return damaged


def _write(folder: Path, fresh: Sequence[Comparison], scored: set[str]) -> None:
    """Write the comparisons, and keep those that other processes or other people's runs added meanwhile."""
    path = folder / COMPARISONS
    names = {(new.table, new.level, new.best, new.other) for new in fresh}
    with FileLock(f"{path}.lock"):
        alive = {result.digest for result in read_results(folder)}
        theirs = [
            old
            for old in read_comparisons(folder)
            if {old.best, old.other} <= alive
            and not {old.best, old.other} <= scored
            and (old.table, old.level, old.best, old.other) not in names
        ]
        write_entries(path, [*theirs, *fresh])


def enough(tests: int) -> int:
    """How many resamples one table with this many tests needs.

    A p-value is at least 2 / (resamples + 1), and Holm's method multiplies it by the number of tests: with
    1,000 resamples and more than 25 tests no difference could be shown.
    """
    return max(RESAMPLES, RESAMPLES_A_TEST * tests)


def _families(table: TableSpec, cells: Cells, scored: Mapping[str, Scores]) -> list[dict[str, Result]]:
    """The results that a table shows, by digest, grouped by equal faces; only groups of two or more."""
    families: dict[int, dict[str, Result]] = defaultdict(dict)
    for digest, (cell, result) in cells.items():
        if table.shows(cell):
            faces = tuple(s.path for part in scored[digest] for s in part.predictions.samples)
            families[hash(faces)][digest] = result
    return [family for family in families.values() if len(family) > 1]


def _digest(table: TableSpec, families: Sequence[Mapping[str, Result]]) -> str:
    """A digest that changes with everything that a table's comparisons depend on."""
    facts = [table.level, list(table.metrics), sorted(sorted(family) for family in families)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _compare(
    table: TableSpec,
    families: Sequence[Mapping[str, Result]],
    scored: Mapping[str, Scores],
    together: str,
) -> list[Comparison]:
    """Compare the best of each metric in each family with the others.

    The same scores chose the best, so Holm's method covers all pairs, metrics and families of the
    table.
    """
    metrics = [metric for metric in table.metrics if metric in MEASURES]
    tests = len(metrics) * sum(math.comb(len(family), 2) for family in families)
    differences: dict[tuple[str, str, str], Difference] = {}
    for family in families:
        scores = [[_at_level(part, table.level) for part in scored[digest]] for digest in family]
        drawn = bootstrap(scores, metrics, resamples=enough(tests))
        for metric in metrics:
            for (i, one), (j, other) in itertools.permutations(enumerate(family), 2):
                differences[metric, one, other] = drawn.difference(metric, i, j)
    adjusted = holm({key: found.p for key, found in differences.items() if key[1] < key[2]})
    comparisons = []
    for family, metric in itertools.product(families, metrics):
        best = _best(family, metric, table.level)
        for other in family if best else ():
            if other != best:
                found = differences[metric, best, other]
                first, second = sorted((best, other))
                comparisons.append(
                    Comparison(
                        table=table.name,
                        level=table.level,
                        metric=metric,
                        best=best,
                        other=other,
                        **vars(found),
                        holm=adjusted[metric, first, second],
                        together=together,
                    )
                )
    return comparisons


def _best(family: Mapping[str, Result], metric: str, level: str) -> str:
    """The digest of the best; "" if none has the metric."""
    sign = MEASURES[metric].sign
    values = {digest: sign * result.estimate(metric, level).value for digest, result in family.items()}
    known = {digest: value for digest, value in values.items() if not math.isnan(value)}
    return max(known, key=lambda digest: known[digest], default="")


def _at_level(scored: Scored, level: str) -> Scored:
    return Scored(scored.predictions.at_level(level), scored.threshold)
