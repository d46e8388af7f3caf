"""The figures of an experiment: their content, and the file names that follow from it."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from dfdetect.render.figures.comparison import Curve, roc_curves
from dfdetect.report.declared import FACES, FIGURES, ROC, Experiment
from dfdetect.report.results import Result, figure_name, read_results
from dfdetect.report.sections import Section, sections

CURVES = 7  # the most that the eye can follow in one square
# Version of each kind's drawing. Raise it with a change: new names have committed figures drawn again.
VERSIONS = {ROC: 3, FACES: 2}

Panels = dict[str, list[Curve]]


def draw_figures(experiment: Experiment) -> list[Path]:
    """Draw the figures that follow from results.jsonl, and delete old ones; returns their files."""
    drawn: set[Path] = set()
    faces: set[Path] = set()
    for section in _measured(experiment):
        path = roc_file(experiment, section)
        if path:
            drawn.add(path)
            if not path.is_file():
                roc_curves(_panels(experiment, section), path)
        faces.add(faces_file(experiment, section.profile, section.done))
    for kind in FIGURES:
        for old in {*experiment.folder.glob(f"{kind}-*.png")} - drawn - faces:
            old.unlink()
    return sorted(drawn)


def figure_files(experiment: Experiment) -> list[Path]:
    """The figures that follow from results.jsonl, drawn or not."""
    found = (roc_file(experiment, section) for section in _measured(experiment))
    return [path for path in found if path]


def roc_file(experiment: Experiment, section: Section) -> Path | None:
    """The figure of all curves in a section; None if there is none."""
    if not section.done or ROC not in experiment.figures:
        return None
    return _file(experiment, ROC, section.profile, [repr(_panels(experiment, section))])


def faces_shown(experiment: Experiment, section: Section) -> Path | None:
    """The figure of drawn people, if `dfdetect.report run` drew it from exactly these results."""
    path = faces_file(experiment, section.profile, section.done)
    return path if FACES in experiment.figures and path.is_file() else None


def faces_file(experiment: Experiment, profile: str, done: Iterable[Result]) -> Path:
    """The file of the figure that shows drawn people, and how each of these results' models scores them."""
    shown = [f"{title_of(experiment, result)}: {result.digest}" for result in pictured(done)]
    return _file(experiment, FACES, profile, shown)


def _file(experiment: Experiment, kind: str, profile: str, shown: Iterable[str]) -> Path:
    return experiment.folder / figure_name(kind, profile, [f"version {VERSIONS[kind]}", *shown])


def pictured(done: Iterable[Result]) -> Iterator[Result]:
    """The results of single models: folds are several models with different test faces."""
    return (result for result in done if len(result.runs) == 1)


def title_of(experiment: Experiment, result: Result) -> str:
    """The name of a result's cell in figures."""
    return ", ".join(experiment.titles(result.at))


def _panels(experiment: Experiment, section: Section) -> Panels:
    """The curves in one panel, or, if many, in one panel for each choice of the first axis."""
    panels: Panels = {}
    done = section.done
    for result in done:
        names = experiment.titles(result.at)
        title = names.pop(0) if len(done) > CURVES and len(names) > 1 else ""
        auc = str(result.estimate("auc", "face"))
        curve = Curve(", ".join(names), result.roc, auc, result.n("face"))
        panels.setdefault(title, []).append(curve)
    return panels


def _measured(experiment: Experiment) -> list[Section]:
    return sections(experiment, read_results(experiment.folder), ())
