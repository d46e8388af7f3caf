"""An experiment's tables for each size and manifest that was measured, never with a stale value.

A cell shows a result only if it was measured with exactly the recipe that the cell declares now. All cells of
one table are measured on one manifest at one size. A missing result is a dash.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dfdetect.render.table import Table
from dfdetect.report.comparisons import Comparison
from dfdetect.report.declared import FULL, Experiment
from dfdetect.report.results import DONE, Result, current
from dfdetect.report.tables import Asked, build

SIZES = {
    "image_size": "{} pixels",
    "epochs": "{} epochs",
    "batch_size": "batches of {}",
    "precision": "{}",
}
BACKENDS = {"jax": "JAX", "tensorflow": "TensorFlow"}


@dataclass(frozen=True)
class Section:
    """The tables of one size on one manifest.

    Attributes:
        profile: the size.
        manifest: its hash; "" if nothing was measured.
        caption: the data and how they were measured.
        data: the data, in a few words.
        tables: in order.
        results: the results that the tables show, by cell name.
    """

    profile: str
    manifest: str
    caption: str
    data: str
    tables: Sequence[Table]
    results: Mapping[str, Result]

    @property
    def done(self) -> list[Result]:
        """The results that did not fail."""
        return only_done(self.results)

    @property
    def heading(self) -> str:
        """A heading that tells it from other sections."""
        return f"Measured: {self.profile}, {self.data}" if self.results else "Published"


def sections(
    experiment: Experiment, results: Sequence[Result], comparisons: Sequence[Comparison]
) -> list[Section]:
    """All tables for each size and manifest with a current result; without any, the published numbers."""
    found = []
    for profile in experiment.profiles:
        cells = experiment.cells(profile)
        for manifest in dict.fromkeys(result.manifest for result in results if result.profile == profile):
            newest = {cell.name: current(results, cell, profile, manifest) for cell in cells}
            mine = {name: result for name, result in newest.items() if result is not None}
            if any(result.status == DONE for result in mine.values()):
                found.append(_section(experiment, profile, manifest, mine, comparisons))
    return found or [_section(experiment, FULL, "", {}, ())]


def _section(
    experiment: Experiment,
    profile: str,
    manifest: str,
    results: Mapping[str, Result],
    comparisons: Sequence[Comparison],
) -> Section:
    cells = experiment.cells(profile)
    tables = [
        build(Asked(experiment, spec, shown, results, comparisons))
        for spec in experiment.tables
        if (shown := [cell for cell in cells if spec.shows(cell)])
        # If something was measured, a table without any of it would hold only dashes.
        and (not results or any(cell.name in results for cell in shown))
    ]
    done = only_done(results)
    data = _data(done[0]) if done else ""
    return Section(profile, manifest, _caption(experiment, profile, done), data, tables, results)


def only_done(results: Mapping[str, Result]) -> list[Result]:
    """The results that did not fail."""
    return [result for result in results.values() if result.status == DONE]


def _data(result: Result) -> str:
    if result.data["sample_set"]:
        return "the embedded sample set of drawn people"
    return ", ".join(result.data["sources"]) or "an unnamed source"


def _caption(experiment: Experiment, profile: str, done: Sequence[Result]) -> str:
    if not done:
        return "Nothing has been measured yet."
    first = done[0]
    drawn = first.data["sample_set"]
    data = _data(first) + (", which says nothing about real faces" if drawn else "")
    size = (
        f"as declared for the report ({_size(done)})"
        if profile == FULL
        else f"profile {profile} ({experiment.profiles[profile].about})"
    )
    said = [f"Measured on {data} (manifest {first.manifest[:8]}), {size}."]
    if experiment.profiles[profile].smoke:
        said.append("It only shows that the cells run.")
    if not (drawn or set(first.data["sources"]) <= set(experiment.own_data)):
        said.append("These are not the report's own data: published and measured cannot be compared.")
    machines = dict.fromkeys(_machine(result.environment) for result in done if not result.members)
    said += [f"Trained on {'; '.join(machines)}."] if any(machines) else []
    return " ".join(said)


def _size(done: Sequence[Result]) -> str:
    """The size of the training: what all recipes have in common."""
    shared = {name: {result.recipe.get(name) for result in done} for name in SIZES}
    return ", ".join(text.format(*shared[name]) for name, text in SIZES.items() if len(shared[name]) == 1)


def _machine(environment: Mapping[str, Any]) -> str:
    """The devices that trained, such as "2 NVIDIA H200 with JAX 0.11.2"; "" if unknown."""
    counts = Counter(environment.get("devices", ()))
    devices = " and ".join(f"{count} {name}" if count > 1 else name for name, count in counts.items())
    backend = environment.get("backend", "")
    version = environment.get("packages", {}).get(backend, "")
    return f"{devices} with {BACKENDS.get(backend, backend)} {version}".rstrip() if devices else ""
