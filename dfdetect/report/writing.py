"""The files of an experiment's folder that follow from its data: tables, figures, and the pages over all."""

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from dfdetect.metrics.estimates import DASH
from dfdetect.recipe import ENSEMBLE
from dfdetect.render.document import figure_list, frame, text_table
from dfdetect.render.figures.drawing import Figure
from dfdetect.render.markdown import markdown_table, plain
from dfdetect.report.comparisons import read_comparisons
from dfdetect.report.declared import FULL, Cell, Experiment
from dfdetect.report.pictures import faces_shown, roc_file
from dfdetect.report.recheck import Check, recheck
from dfdetect.report.render import csv_text, facts, html_table, latex, markdown
from dfdetect.report.results import DONE, FAILED, Result, current, read_results
from dfdetect.report.sections import Section, sections
from face_extraction.errors import InputError

Row = tuple[str, ...]
BEGIN, END = "<!-- reports: begin -->", "<!-- reports: end -->"
NOTES_TITLE = "How to read these tables"
ROC_TITLE, FACES_TITLE = "ROC curves of all models", "What each model says of drawn people"
ABOUT_FACES = (
    "Drawn people of the embedded sample set, and p_fake of models trained on it. ✓ right, ✗ wrong, each at "
    "the model's own threshold."
)


def files(experiment: Experiment) -> dict[Path, str]:
    """The text files of an experiment: path to content."""
    shown = sections(experiment, read_results(experiment.folder), read_comparisons(experiment.folder))
    folder = experiment.folder
    return {
        folder / "tables.md": _markdown(experiment, shown),
        folder / "tables.csv": csv_text(shown),
        folder / "tables.tex": _latex(experiment, shown),
        folder / "tables.html": _html(experiment, shown),
    }


def overview(experiments: Sequence[Experiment]) -> str:
    """The page that compares all models over all reports, as Markdown."""
    header = ("model", "report", "cell", "accuracy", "AUC", "n", "size", "data", "published accuracy")
    measured, smoke = list[Row](), list[Row]()
    for experiment in experiments:
        for section in sections(experiment, read_results(experiment.folder), ()):
            rows = smoke if experiment.profiles[section.profile].smoke else measured
            rows += _overview_rows(experiment, section)
    lines = [
        "# Five reports, and what was measured here",
        "",
        markdown_table(
            ("report", "its title", "its data"),
            [
                (_link(experiment), experiment.source.get("title", DASH), experiment.source.get("data", DASH))
                for experiment in experiments
            ],
        ),
        "",
        "`python -m dfdetect.report run reports/report_b --manifest FILE` runs what is missing on your "
        "faces, `report tables` renders this page and the tables, `report recheck` recomputes what the "
        "reports published from their own numbers.",
        "",
        "## All models over all reports",
        "",
        "Test faces. Brackets: 95 % intervals, a bootstrap over groups, of means over folds Student's with "
        "the corrected variance (n is then that of all folds). Sizes, data and splits differ between "
        "reports, so numbers of different reports are not a ranking; each report's tables say what they were "
        "measured on. Published numbers are as they are printed.",
        "",
        markdown_table(header, sorted(measured, key=_by_model)),
        "",
        f"<details><summary>{len(smoke)} more, which show that a cell runs, and nothing else</summary>",
        "",
        markdown_table(header[:-1], [row[:-1] for row in sorted(smoke, key=_by_model)]),
        "",
        "</details>",
        "",
        "## Contradictions in what was published",
        "",
        "Two numbers of one report that no rounding reconciles, or two statements that exclude each other.",
        "",
        markdown_table(
            ("report", "where", "what", "stated", "found", "how"),
            [
                (_link(experiment), check.where, check.what, check.stated, check.found, check.rule)
                for experiment in experiments
                for check in _wrong(experiment)
            ],
        ),
        "",
    ]
    return "\n".join(lines)


def summary(experiments: Sequence[Experiment]) -> str:
    """The README's table: the declared headlines, each with the command that makes its number."""
    rows = []
    for experiment in experiments:
        results = read_results(experiment.folder)
        for at in experiment.headline:
            found = _newest(experiment, results, at)
            profile = found.profile if found else FULL
            cell = _at(experiment, profile, at)
            command = [experiment.folder.as_posix(), *_only(cell)]
            command += [] if profile == FULL else [f"--profile {profile}"]
            command += _start(experiment, results, cell, found) if found else []
            rows.append(
                (
                    experiment.title.partition(":")[0],
                    ", ".join(experiment.titles(cell.at)),
                    experiment.published.shown(cell.at, "accuracy") or DASH,
                    *_numbers(found),
                    f"{_data(found)} (size {found.profile})" if found else DASH,
                    f"`{' '.join(command)}`",
                )
            )
    header = (
        "report",
        "model",
        "published accuracy",
        "accuracy",
        "AUC",
        "n",
        "data",
        "python -m dfdetect.report run ...",
    )
    return markdown_table(header, rows)


def with_summary(readme: Path, experiments: Sequence[Experiment]) -> str:
    """The README's text with the summary between its two marks.

    Raises:
        InputError: the marks are missing.
    """
    text = readme.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise InputError(f"{readme}: it has not the marks {BEGIN} and {END}")
    return f"{head}{BEGIN}\n{summary(experiments)}\n{END}{tail}"


def _by_model(row: Sequence[str]) -> tuple[bool, str]:
    """A model stands beside itself over all reports; ensembles stand last."""
    return row[0] == ENSEMBLE, row[0]


def _overview_rows(experiment: Experiment, section: Section) -> Iterator[Row]:
    """A row a result."""
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
    """What it was measured on, and what must be known beside its numbers; each table says it at length."""
    data = ["sample set"] if result.data["sample_set"] else list(result.data["sources"])
    data += ["split at random"] if result.split_leak else []
    data += ["weights of a part"] if result.weights.get("partial") else []
    data += ["weights that may have seen test groups"] if result.weights.get("leaks") else []
    return ", ".join(data)


def _numbers(result: Result | None) -> tuple[str, str, str]:
    if result is None:
        return DASH, DASH, DASH
    accuracy, auc = (str(result.estimate(name, "face")) for name in ("accuracy", "auc"))
    return accuracy, auc, f"{result.n('face'):,}"


def _link(experiment: Experiment) -> str:
    return f"[{experiment.title.partition(':')[0]}]({experiment.name}/tables.md)"


def _at(experiment: Experiment, profile: str, at: dict[str, str]) -> Cell:
    cells = [cell for cell in experiment.cells(profile) if at.items() <= cell.at.items()]
    if not cells:
        raise InputError(f"{experiment.folder}: headline {at} names no cell")
    return cells[0]


def _only(cell: Cell) -> Iterator[str]:
    """The flags that choose a cell, with the members that it needs."""
    for axis, name in cell.at.items():
        names = dict.fromkeys([*(member.at[axis] for member in cell.members), name])
        yield from (f"--only {axis}={each}" for each in names)


def _start(experiment: Experiment, results: Sequence[Result], cell: Cell, found: Result) -> Iterator[str]:
    """The flags for weights of a part of the model, from which it, or its members, started.

    A file of all of them is a copy of what Keras downloads.
    """
    members = [current(results, each, found.profile, found.manifest) for each in cell.members]
    started = [each for each in members or [found] if each and each.weights.get("partial")]
    if started:
        yield "--partial-weights"
    yield from dict.fromkeys(f"--weights {each.recipe['model']}=FILE" for each in started)


def _newest(experiment: Experiment, results: Sequence[Result], at: dict[str, str]) -> Result | None:
    """The result of the largest size at which all headlines of its model have one, else of its own largest.

    Sizes stand in order, "full" first. Drawn people do not count, nor do sizes that only show that cells run.
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
    for manifest in dict.fromkeys(
        result.manifest for result in reversed(results) if not result.data.get("sample_set")
    ):
        found = current(results, cell, profile, manifest)
        if found is not None and found.status == DONE:
            return found
    return None


def _wrong(experiment: Experiment) -> list[Check]:
    checks = recheck(experiment.published, str(experiment.folder))
    return [check for check in checks if not check.holds]


def _markdown(experiment: Experiment, shown: Sequence[Section]) -> str:
    lines = [f"# {experiment.title}", "", facts(experiment.source), ""]
    if notes := [f"- {plain(note)}" for note in _general(shown)]:
        lines += [f"## {NOTES_TITLE}", "", *notes, ""]
    for section in shown:
        lines += [f"## {section.heading}", ""]
        lines += [section.caption, ""]
        lines += [markdown(table) for table in section.tables]
        figure = roc_file(experiment, section)
        if figure:
            lines += [f"![{ROC_TITLE}]({figure.name})", ""]
        faces = faces_shown(experiment, section)
        if faces:
            lines += [f"![{FACES_TITLE}]({faces.name})", "", ABOUT_FACES, ""]
        failed = [f"- {plain(f'{name}: {reason}')}" for name, reason in _failures(section)]
        lines += ["Cells that failed:", "", *failed, ""] if failed else []
    found = _wrong(experiment)
    if found:
        lines += ["## Contradictions in what was published", ""]
        lines += [
            markdown_table(
                ("where", "what", "stated", "found", "how"),
                [(c.where, c.what, c.stated, c.found, c.rule) for c in found],
            ),
            "",
        ]
    return "\n".join(lines)


def _failures(section: Section) -> list[tuple[str, str]]:
    """The names of the cells that failed, and why."""
    return [(name, result.reason) for name, result in section.results.items() if result.status == FAILED]


def _latex(experiment: Experiment, shown: Sequence[Section]) -> str:
    lines = [f"% {experiment.title}"]
    for section in shown:
        measured = "-".join(filter(None, (section.profile, section.manifest[:8])))
        lines += [
            latex(table, section.caption, f"tab:{experiment.name}-{table.name}-{measured}")
            for table in section.tables
        ]
    return "\n".join(lines)


def _general(shown: Sequence[Section]) -> list[str]:
    """What holds for many of the tables, once."""
    return list(
        dict.fromkeys(note for section in shown for table in section.tables for note in table.general)
    )


def _html(experiment: Experiment, shown: Sequence[Section]) -> str:
    body = []
    for name, text in experiment.source.items():
        code = re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(text))
        body.append(f"<p><strong>{html.escape(name)}</strong>: {code}</p>")
    if notes := [f"<li>{html.escape(note)}</li>" for note in _general(shown)]:
        body += [f"<h2>{NOTES_TITLE}</h2>", "<ul>", *notes, "</ul>"]
    for section in shown:
        body.append(f"<h2>{html.escape(section.heading)}</h2>")
        body.append(f"<p>{html.escape(section.caption)}</p>")
        body += [html_table(table) for table in section.tables]
        roc, faces = roc_file(experiment, section), faces_shown(experiment, section)
        figures = [Figure(roc.name, ROC_TITLE, "Test faces.", wide=True)] if roc else []
        figures += [Figure(faces.name, FACES_TITLE, ABOUT_FACES, wide=True, photo=True)] if faces else []
        body.append(figure_list(figures))
        failed = [f"<li>{html.escape(f'{name}: {reason}')}</li>" for name, reason in _failures(section)]
        body += ["<p>Cells that failed:</p>", "<ul>", *failed, "</ul>"] if failed else []
    found = _wrong(experiment)
    if found:
        body.append("<h2>Contradictions in what was published</h2>")
        rows = [(c.where, c.what, c.stated, c.found, c.rule) for c in found]
        body.append(text_table(("where", "what", "stated", "found", "how"), rows, "Contradictions"))
    return frame(html.escape(experiment.title), "", "\n".join(body))
