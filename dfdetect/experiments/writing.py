"""The files of an experiment's folder that follow from its data: tables, figures, and the pages over all."""

import html
from collections.abc import Sequence
from pathlib import Path

from dfdetect.experiments.audit import Check, audit
from dfdetect.experiments.comparisons import read_comparisons
from dfdetect.experiments.declared import FACES, FIGURES, FULL, ROC, Cell, Experiment
from dfdetect.experiments.render import (
    csv_text,
    facts,
    html_table,
    latex,
    markdown,
)
from dfdetect.experiments.results import DONE, FAILED, Result, current, figure_name, read_results
from dfdetect.experiments.sections import Section, sections
from dfdetect.figures.comparison import Curve, roc_curves
from dfdetect.metrics import DASH
from dfdetect.page.document import frame, text_table
from dfdetect.page.markdown import markdown_table
from dfdetect.recipe import ENSEMBLE
from face_extraction.errors import InputError

BEGIN, END = "<!-- reports: begin -->", "<!-- reports: end -->"
CURVES = 7  # which the eye can follow in one square
ABOUT_FACES = "Drawn people of the embedded sample set, and p_fake of models trained on it."


def files(experiment: Experiment) -> dict[Path, str]:
    """The text files of an experiment: path to content."""
    shown = sections(experiment, read_results(experiment.folder), read_comparisons(experiment.folder))
    folder = experiment.folder
    return {
        folder / "tables.md": _markdown(experiment, shown),
        folder / "tables.csv": csv_text(shown),
        folder / "tables.tex": "\n".join([f"% {experiment.title}", *(_latex(section) for section in shown)]),
        folder / "tables.html": _html(experiment, shown),
    }


def draw_figures(experiment: Experiment) -> list[Path]:
    """Draw the figures that follow from results.jsonl, and delete former ones; returns their files."""
    drawn = _curves(experiment)
    for path, panels in drawn.items():
        if not path.is_file():
            roc_curves(panels, path)
    faces = {_faces(experiment, section) for section in _measured(experiment)}
    for kind in FIGURES:
        for old in {*experiment.folder.glob(f"{kind}-*.png")} - drawn.keys() - faces:
            old.unlink()
    return list(drawn)


def figure_files(experiment: Experiment) -> list[Path]:
    """The figures that tables.md shows, drawn or not."""
    return list(_curves(experiment))


def overview(experiments: Sequence[Experiment]) -> str:
    """The page that compares all models over all reports, as Markdown."""
    lines = [
        "# Five reports, and what was measured here",
        "",
        "`python -m dfdetect.report run reports/report_b` runs what is missing, `report tables` renders this "
        "page and the tables, `report audit` recomputes what the reports published from their own numbers.",
        "",
        "## All models over all reports",
        "",
        "Test faces. Brackets: 95 % intervals, a bootstrap over groups, of means over folds Student's with "
        "the corrected variance (n is then that of all folds). Sizes, data and splits differ between "
        "reports, so numbers of different reports are not a ranking; each report's tables say what they were "
        "measured on.",
        "",
        markdown_table(
            ("model", "report", "cell", "published accuracy", "accuracy", "AUC", "n", "size", "data"),
            sorted((row for experiment in experiments for row in _overview_rows(experiment)), key=_by_model),
        ),
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
            cells = {profile: _at(experiment, profile, at) for profile in experiment.profiles}
            found = _newest(experiment, results, at)
            profile = found.profile if found else FULL
            published = experiment.published.shown(cells[profile].at, "accuracy")
            only = " ".join(f"--only {axis}={name}" for axis, name in at.items())
            size = "" if profile == FULL else f" --profile {profile}"
            if found and found.weights.get("partial"):
                size += f" --partial-weights --weights {found.recipe['model']}=FILE"
            rows.append(
                (
                    experiment.title.partition(":")[0],
                    ", ".join(experiment.title_of(*item) for item in cells[profile].at.items()),
                    published or DASH,
                    *_numbers(found),
                    f"{_data(found)} (size {found.profile})" if found else DASH,
                    f"`{experiment.folder.as_posix()} {only}{size}`",
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


def _overview_rows(experiment: Experiment) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for section in _measured(experiment):
        cells = {cell.name: cell for cell in experiment.cells(section.profile)}
        for name, result in section.results.items():
            if result.status == DONE:
                published = experiment.published.shown(cells[name].at, "accuracy")
                rows.append(
                    (
                        ENSEMBLE if result.members else str(result.recipe["model"]),
                        _link(experiment), name, published or DASH, *_numbers(result),
                        section.profile, _data(result),
                    )
                )  # fmt: skip
    return rows


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


def _newest(experiment: Experiment, results: Sequence[Result], at: dict[str, str]) -> Result | None:
    """The result of the largest size; sizes stand in order, "full" first. Drawn people do not count."""
    for profile in experiment.profiles:
        cell = _at(experiment, profile, at)
        for manifest in dict.fromkeys(
            result.manifest for result in reversed(results) if not result.data.get("sample_set")
        ):
            found = current(results, cell, profile, manifest)
            if found is not None and found.status == DONE:
                return found
    return None


def _wrong(experiment: Experiment) -> list[Check]:
    checks = audit(experiment.published, str(experiment.folder))
    return [check for check in checks if not check.holds]


def _markdown(experiment: Experiment, shown: Sequence[Section]) -> str:
    lines = [f"# {experiment.title}", "", facts(experiment.source), ""]
    for section in shown:
        lines += [f"## Measured: {section.profile}" if section.results else "## Published", ""]
        lines += [section.caption, ""]
        lines += [markdown(table) for table in section.tables]
        figure = _figure(experiment, section)
        if figure:
            lines += [f"![ROC curves of all models]({figure.name})", ""]
        faces = _faces(experiment, section)
        if faces:
            lines += [f"![What each model says of drawn people]({faces.name})", "", ABOUT_FACES, ""]
        lines += _failures(section)
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


def _failures(section: Section) -> list[str]:
    failed = [
        f"- {name}: {result.reason}" for name, result in section.results.items() if result.status == FAILED
    ]
    return ["Cells that failed:", "", *failed, ""] if failed else []


def _latex(section: Section) -> str:
    return "\n".join(latex(table, section.caption) for table in section.tables)


def _html(experiment: Experiment, shown: Sequence[Section]) -> str:
    body = []
    for name, text in experiment.source.items():
        body.append(f"<p><strong>{html.escape(name)}</strong>: {html.escape(text)}</p>")
    for section in shown:
        body.append(f"<h2>{'Measured: ' + section.profile if section.results else 'Published'}</h2>")
        body.append(f"<p>{html.escape(section.caption)}</p>")
        body += [html_table(table) for table in section.tables]
        figure = _figure(experiment, section)
        if figure:
            body.append(
                '<figure class="figure"><img alt="ROC curves of all models" '
                f'src="{figure.name}"><figcaption>ROC curves, test faces.</figcaption></figure>'
            )
        faces = _faces(experiment, section)
        if faces:
            body.append(
                '<figure class="figure"><img alt="What each model says of drawn people" '
                f'src="{faces.name}"><figcaption>{ABOUT_FACES}</figcaption></figure>'
            )
        body += [f"<p>{html.escape(line)}</p>" for line in _failures(section) if line]
    found = _wrong(experiment)
    if found:
        body.append("<h2>Contradictions in what was published</h2>")
        rows = [(c.where, c.what, c.stated, c.found, c.rule) for c in found]
        body.append(text_table(("where", "what", "stated", "found", "how"), rows, "Contradictions"))
    return frame(html.escape(experiment.title), "", "\n".join(body))


def _figure(experiment: Experiment, section: Section) -> Path | None:
    done = _done(section)
    if not done or ROC not in experiment.figures:
        return None
    return experiment.folder / figure_name(ROC, section.profile, done)


def _faces(experiment: Experiment, section: Section) -> Path | None:
    """The figure of drawn people, if it was drawn of just these results (by `dfdetect.report run`)."""
    path = experiment.folder / figure_name(FACES, section.profile, _done(section))
    return path if FACES in experiment.figures and path.is_file() else None


def _done(section: Section) -> list[Result]:
    return [result for result in section.results.values() if result.status == DONE]


def _measured(experiment: Experiment) -> list[Section]:
    return sections(experiment, read_results(experiment.folder), ())


def _curves(experiment: Experiment) -> dict[Path, dict[str, list[Curve]]]:
    """The curves of each figure: in one panel, or many in one for each choice of the first axis."""
    found: dict[Path, dict[str, list[Curve]]] = {}
    for section in _measured(experiment):
        path = _figure(experiment, section)
        if not path:
            continue
        done = _done(section)
        panels = found.setdefault(path, {})
        for result in done:
            names = [experiment.title_of(*item) for item in result.at.items()]
            title = names.pop(0) if len(done) > CURVES and len(names) > 1 else ""
            curve = Curve(", ".join(names), result.roc, str(result.estimate("auc", "face")))
            panels.setdefault(title, []).append(curve)
    return found
