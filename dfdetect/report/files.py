"""The files of a report's folder that its data decide: its tables in Markdown, CSV, LaTeX and HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dfdetect.render.figures.drawing import Figure
from dfdetect.render.table import Table, columns, latex
from dfdetect.render.templating import render
from dfdetect.report.comparisons import read_comparisons
from dfdetect.report.declared import Experiment
from dfdetect.report.pictures import faces_shown, roc_file
from dfdetect.report.recheck import recheck
from dfdetect.report.results import FAILED, read_results
from dfdetect.report.sections import Section, sections
from dfdetect.report.tables_csv import csv_text

CONTRADICTION = ("where", "what", "stated", "found", "how")
ROC_TITLE, FACES_TITLE = "ROC curves of all models", "What each model says of drawn people"
ABOUT_FACES = (
    "Drawn people of the embedded sample set, and p_fake of models trained on it. ✓ right, ✗ wrong, each at "
    "the model's own threshold."
)


@dataclass(frozen=True)
class Part:
    """A section in the form that pages show.

    Attributes:
        section: the tables.
        figures: the figures of its results.
        failed: names of the cells that failed, and the reasons.
    """

    section: Section
    figures: Sequence[Figure]
    failed: Sequence[tuple[str, str]]


def files(experiment: Experiment) -> dict[Path, str]:
    """The text files of a report: path to content."""
    shown = sections(experiment, read_results(experiment.folder), read_comparisons(experiment.folder))
    folder = experiment.folder
    return {
        folder / "tables.md": page("report.md.j2", experiment, shown),
        folder / "tables.csv": csv_text(shown),
        folder / "tables.tex": _latex(experiment, shown),
        folder / "tables.html": page("report.html.j2", experiment, shown),
    }


def page(template: str, experiment: Experiment, shown: Sequence[Section]) -> str:
    """A report's tables and figures, rendered with a template."""
    general = dict.fromkeys(note for section in shown for table in section.tables for note in table.general)
    return render(
        template,
        experiment=experiment,
        general=list(general),
        parts=[_part(experiment, section) for section in shown],
        contradictions=contradictions(experiment),
    )


def contradictions(experiment: Experiment) -> Table:
    """The contradictions between a report and its own numbers."""
    checks = recheck(experiment.published, str(experiment.folder))
    rows = [(c.where, c.what, c.stated, c.found, c.rule) for c in checks if not c.holds]
    return Table(columns(CONTRADICTION), rows, "Contradictions")


def _part(experiment: Experiment, section: Section) -> Part:
    roc, faces = roc_file(experiment, section), faces_shown(experiment, section)
    figures = [Figure(roc.name, ROC_TITLE, "Test faces.", wide=True)] if roc else []
    figures += [Figure(faces.name, FACES_TITLE, ABOUT_FACES, wide=True, photo=True)] if faces else []
    failed = [(name, result.reason) for name, result in section.results.items() if result.status == FAILED]
    return Part(section, figures, failed)


def _latex(experiment: Experiment, shown: Sequence[Section]) -> str:
    lines = [f"% {experiment.title}"]
    for section in shown:
        measured = "-".join(filter(None, (section.profile, section.manifest[:8])))
        lines += [
            latex(table, section.caption, f"tab:{experiment.name}-{table.label}-{measured}")
            for table in section.tables
        ]
    return "\n".join(lines)
