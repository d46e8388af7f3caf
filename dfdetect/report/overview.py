"""The page over all reports, and the summary of them in the README."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from dfdetect.metrics.estimates import DASH
from dfdetect.recipe import ENSEMBLE
from dfdetect.render.table import Table, columns, markdown
from dfdetect.render.templating import render
from dfdetect.report.declared import FULL, Cell, Experiment
from dfdetect.report.files import CONTRADICTION, contradictions
from dfdetect.report.findings_table import bases, findings_table
from dfdetect.report.outcomes import ClaimOutcome, claim_outcomes, read_compared
from dfdetect.report.results import DONE, Result, current, finished, read_results, real_manifests
from dfdetect.report.sections import Section, sections
from dfdetect.report.tables import collapsed
from face_extraction.errors import InputError
from face_extraction.wording import plural

Row = tuple[str, ...]
BEGIN, END = "<!-- reports: begin -->", "<!-- reports: end -->"


def overview(experiments: Sequence[Experiment]) -> str:
    """The page that compares all models across all reports, as Markdown."""
    measured = list[Row]()
    for experiment in experiments:
        for section in sections(experiment, read_results(experiment.folder), ()):
            # A size that only shows that cells run has no numbers to read.
            if not experiment.profiles[section.profile].smoke:
                measured += _overview_rows(experiment, section)
    judged = [
        (
            experiment,
            claim_outcomes(experiment, read_results(experiment.folder), read_compared(experiment.folder)),
        )
        for experiment in experiments
    ]
    head = ["model", "report", "cell", "accuracy", "AUC", "n", "size", "data", "published accuracy"]
    return render(
        "overview.md.j2",
        count=plural(len(experiments), "report"),
        folder=experiments[0].folder.as_posix(),
        sources=_table(
            ["report", "its title", "its data"],
            [
                (_link(experiment), experiment.source.get("title", DASH), experiment.source.get("data", DASH))
                for experiment in experiments
            ],
        ),
        findings=[
            (_link(experiment), bases(claims), findings_table(experiment, claims))
            for experiment, claims in judged
            if claims
        ],
        waiting=_table(
            ["report", "size", "cells that findings wait for"],
            [
                (_link(experiment), profile, "; ".join(names))
                for experiment, claims in judged
                for profile, names in _waiting(claims)
            ],
        ),
        measured=_table(head, sorted(measured, key=_by_model)),
        contradictions=_table(
            ["report", *CONTRADICTION],
            [
                (_link(experiment), *map(str, row))
                for experiment in experiments
                for row in contradictions(experiment).rows
            ],
        ),
    )


def _waiting(judged: Sequence[ClaimOutcome]) -> list[tuple[str, list[str]]]:
    """The cells without a result that a report's findings wait for, by size."""
    cells: dict[str, list[str]] = {}
    for claim in judged:
        cells.setdefault(claim.found.profile, []).extend(cell.name for cell in claim.found.missing)
    return [(profile, list(dict.fromkeys(names))) for profile, names in cells.items() if names]


def _table(titles: Sequence[str], rows: Sequence[Row]) -> Table:
    return Table(columns(titles), rows)


def summary(experiments: Sequence[Experiment]) -> str:
    """The README's table: the declared headlines, each with the command that gives its number."""
    rows = []
    for experiment in experiments:
        results = read_results(experiment.folder)
        for at in experiment.headline:
            found = _newest(experiment, results, at)
            profile = found.profile if found else FULL
            cell = _at(experiment, profile, at)
            command = [experiment.folder.as_posix(), *_only(cell)]
            command += [] if profile == FULL else [f"--profile {profile}"]
            command += _start(results, cell, found) if found else []
            rows.append(
                (
                    experiment.short,
                    ", ".join(experiment.titles(cell.at)),
                    experiment.published.shown(cell.at, "accuracy") or DASH,
                    *_numbers(found),
                    f"{_data(found)} (size {found.profile})" if found else DASH,
                    f"`{' '.join(command)}`",
                )
            )
    head = ["report", "model", "published accuracy", "accuracy", "AUC", "n", "data"]
    return markdown(_table([*head, "python -m dfdetect.report run ..."], rows))


def with_summary(readme: Path, experiments: Sequence[Experiment]) -> str:
    """The README's text with the summary between its two marks.

    Raises:
        InputError: the marks are missing.
    """
    text = readme.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise InputError(f"{readme}: lacks the marks {BEGIN} and {END}")
    return f"{head}{BEGIN}\n{summary(experiments)}\n{END}{tail}"


def _by_model(row: Sequence[str]) -> tuple[bool, str]:
    """Sort key: each model stands beside itself from other reports; ensembles come last."""
    return row[0] == ENSEMBLE, row[0]


def _overview_rows(experiment: Experiment, section: Section) -> Iterator[Row]:
    """One row for each result."""
    cells = {cell.name: cell for cell in experiment.cells(section.profile)}
    for name, result in section.results.items():
        if result.status == DONE:
            cell = cells[name]
            yield (
                ENSEMBLE if result.members else str(result.recipe["model"]),
                _link(experiment), ", ".join(experiment.titles(cell.at)), *_numbers(result),
                section.profile, _data(result),
                experiment.published.shown(cell.at, "accuracy") or DASH,
            )  # fmt: skip


def _data(result: Result) -> str:
    """The data, and warnings about the numbers in short; each table gives them at length."""
    data = ["sample set"] if result.data["sample_set"] else list(result.data["sources"])
    data += ["split at random"] if result.split_leak else []
    data += ["weights of a part"] if result.weights.get("partial") else []
    data += ["weights that may have seen test groups"] if result.weights.get("leaks") else []
    data += ["random start"] if result.random_start else []
    data += ["collapsed"] if collapsed(result.metrics("face")) else []
    return ", ".join(data)


def _numbers(result: Result | None) -> tuple[str, str, str]:
    if result is None:
        return DASH, DASH, DASH
    accuracy, auc = (str(result.estimate(name, "face")) for name in ("accuracy", "auc"))
    return accuracy, auc, f"{result.n('face'):,}"


def _link(experiment: Experiment, name: str = "") -> str:
    """A link to a report's tables, under this name or the report's own."""
    return f"[{name or experiment.short}]({experiment.name}/tables.md)"


def _at(experiment: Experiment, profile: str, at: dict[str, str]) -> Cell:
    cells = [cell for cell in experiment.cells(profile) if at.items() <= cell.at.items()]
    if not cells:
        raise InputError(f"{experiment.folder}: headline {at} names no cell")
    return cells[0]


def _only(cell: Cell) -> Iterator[str]:
    """The flags that choose a cell, and the members that it needs."""
    for axis, name in cell.at.items():
        names = dict.fromkeys([*(member.at[axis] for member in cell.members), name])
        yield from (f"--only {axis}={each}" for each in names)


def _start(results: Sequence[Result], cell: Cell, found: Result) -> Iterator[str]:
    """The flags for weights that cover a part of the model, if it or its members started from them.

    Weights that cover all of it are a copy of what Keras downloads and need no flag.
    """
    members = [current(results, each, found.profile, found.manifest) for each in cell.members]
    started = [each for each in members or [found] if each and each.weights.get("partial")]
    if started:
        yield "--partial-weights"
    yield from dict.fromkeys(f"--weights {each.recipe['model']}=FILE" for each in started)


def _newest(experiment: Experiment, results: Sequence[Result], at: dict[str, str]) -> Result | None:
    """The result of a headline, at the largest size at which all headlines of its model have results.

    If there is no such size, it is the largest at which this one has a result. Sizes go in order, "full"
    first. Drawn people do not count, nor do sizes that only show that cells run.
    """
    axis = next(iter(experiment.axes))
    beside = [other for other in experiment.headline if other[axis] == at[axis]]
    found = [
        [_done_at(experiment, results, name, other) for other in beside]
        for name, profile in experiment.profiles.items()
        if not profile.smoke
    ]
    mine = beside.index(at)
    together = [each[mine] for each in found if all(each)]
    alone = [each[mine] for each in found if each[mine]]
    return next(iter(together + alone), None)


def _done_at(
    experiment: Experiment, results: Sequence[Result], profile: str, at: dict[str, str]
) -> Result | None:
    cell = _at(experiment, profile, at)
    found = (finished(results, cell, profile, manifest) for manifest in real_manifests(results))
    return next(filter(None, found), None)
