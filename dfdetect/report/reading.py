"""Read an experiment.toml, and check that everything that it names is there."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import msgspec

from dfdetect.metrics.estimates import LEVELS
from dfdetect.metrics.measures import MEASURES
from dfdetect.report.declared import (
    COLUMNS,
    EXPERIMENT,
    FIGURES,
    FULL,
    KINDS,
    Choice,
    Experiment,
    Profile,
    TableSpec,
)
from dfdetect.report.finding import read_finding
from dfdetect.report.published import At, name_of, read_published
from face_extraction.errors import InputError, check_name, one_line
from face_extraction.sources import list_sources
from face_extraction.toml import read_toml

KEYS = (
    "title", "source", "recipe", "axes", "where", "profiles", "tables", "figures", "headline", "published",
    "numbers", "claims", "opposed", "matrix_order", "own_data", "findings",
)  # fmt: skip
PROFILE_KEYS = ("about", "recipe", "where", "smoke", "repeat")
Fields = dict[str, Any]
"""Fields of a recipe, which are checked where recipes are made of them."""


class _Part(TypedDict, total=False):
    at: dict[str, str]
    recipe: Fields
    skip: bool
    seeds: list[int]


class _Choice(TypedDict, total=False):
    title: str
    recipe: Fields
    members: list[str]
    combine: str


class _Profile(TypedDict, total=False):
    about: str
    recipe: Fields
    where: list[_Part]
    smoke: bool
    repeat: list[_Part]


class _Table(TypedDict, total=False):
    name: str
    title: str
    kind: str
    metrics: list[str]
    rows: list[str]
    columns: str
    only: dict[str, list[str]]
    level: str
    note: str


class _Published(TypedDict, total=False):
    place: str
    at: dict[str, str]
    folds: list[dict[str, Any]]
    average: dict[str, Any]


class _Number(TypedDict, total=False):
    value: str
    place: str
    at: dict[str, str]
    metric: str


class _Finding(TypedDict, total=False):
    says: str
    place: str
    metric: str
    published: str
    each: bool
    first: dict[str, str | list[str]]
    second: dict[str, str | list[str]]
    order: list[dict[str, str | list[str]]]


class _Content(TypedDict, total=False):
    """The types of the values in an experiment.toml. The code below checks which parts it must have."""

    title: str
    source: dict[str, str]
    recipe: Fields
    axes: dict[str, dict[str, _Choice]]
    where: list[_Part]
    profiles: dict[str, _Profile]
    tables: list[_Table]
    figures: list[str]
    headline: list[dict[str, str]]
    published: list[_Published]
    numbers: dict[str, _Number]
    claims: list[dict[str, str]]
    opposed: list[dict[str, dict[str, str]]]
    matrix_order: list[str]
    own_data: list[str]
    findings: list[_Finding]


def read_experiment(folder: Path) -> Experiment:
    """Read a folder's experiment.toml and check it.

    Raises:
        InputError: the file is missing, or something in it is unknown or not accepted.
    """
    path = folder / EXPERIMENT
    content = read_toml(path)
    _check_keys(content, KEYS, str(path))
    try:
        msgspec.convert(content, _Content)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {one_line(error)}") from None
    try:
        axes = {
            axis: {name: Choice(**choice) for name, choice in choices.items()}
            for axis, choices in content.get("axes", {}).items()
        }
        for entry in content.get("where", ()):
            _check_keys(entry, ("at", "recipe", "skip"), f"{path}: where")
        experiment = Experiment(
            folder=folder,
            title=content["title"],
            source=content.get("source", {}),
            axes=axes,
            base=content.get("recipe", {}),
            where=[
                (entry["at"], None if entry.get("skip") else entry["recipe"])
                for entry in content.get("where", ())
            ],
            profiles=_profiles(content, str(path)),
            tables=[TableSpec(**entry) for entry in content.get("tables", ())],
            figures=content.get("figures", ()),
            headline=content.get("headline", ()),
            published=read_published(content, str(path)),
            own_data=content.get("own_data", ()),
            findings=[read_finding(entry, axes, str(path)) for entry in content.get("findings", ())],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: {type(error).__name__}: {error}") from None
    _check(experiment, path)
    return experiment


def _profiles(content: Mapping[str, Any], where: str) -> dict[str, Profile]:
    """The sizes, "full" first."""
    profiles = {FULL: Profile(FULL)}
    for name, entry in content.get("profiles", {}).items():
        here = f"{where}: profile {name}"
        _check_keys(entry, PROFILE_KEYS, here)
        for part in entry.get("where", ()):
            _check_keys(part, ("at", "recipe"), f"{here}, where")
        for part in entry.get("repeat", ()):
            _check_keys(part, ("at", "seeds"), f"{here}, repeat")
        profiles[name] = Profile(
            name=name,
            about=entry["about"],
            recipe=entry.get("recipe", {}),
            where=[(part["at"], part["recipe"]) for part in entry.get("where", ())],
            smoke=entry.get("smoke", False),
            repeat=[(part["at"], part["seeds"]) for part in entry.get("repeat", ())],
        )
    return profiles


def find_experiments(root: Path) -> list[Experiment]:
    """All experiments below `root`, by name.

    Raises:
        InputError: there is none, or one is wrong.
    """
    folders = sorted(path.parent for path in root.glob(f"*/{EXPERIMENT}"))
    if not folders:
        raise InputError(f"{root}: no folder in it has an {EXPERIMENT}")
    return [read_experiment(folder) for folder in folders]


def _check_keys(entry: Mapping[str, Any], accepted: Sequence[str], where: str) -> None:
    for key in entry:
        check_name("key", key, accepted, where)


def _check(experiment: Experiment, path: Path) -> None:
    for at in _named_points(experiment):
        for axis, name in at.items():
            check_name("axis", axis, experiment.axes, str(path))
            check_name(f"choice of {axis}", name, experiment.axes[axis], str(path))
    for figure in experiment.figures:
        check_name("figure", figure, FIGURES, str(path))
    for table in experiment.tables:
        check_name("kind of table", table.kind, KINDS, str(path))
        check_name("level", table.level, LEVELS, str(path))
        for metric in table.metrics:
            check_name("metric", metric, (*MEASURES, *COLUMNS), str(path))
        for axis in (*table.rows, *([table.columns] if table.columns else ()), *table.only):
            check_name("axis", axis, experiment.axes, str(path))
        _check_table(experiment, table, f"{path}: table {table.name}")
    for at in (*(block.at for block in experiment.published.blocks), *experiment.headline):
        missing = [axis for axis in experiment.axes if axis not in at]
        if missing:
            raise InputError(f"{path}: {dict(at)}: a cell has a choice of {', '.join(missing)} too")
    known = [source.name for source in list_sources()]
    for name in experiment.own_data:
        check_name("data set in own_data", name, known, str(path))
    for profile in experiment.profiles:
        cells = [cell.at for cell in experiment.cells(profile)]
        for finding in experiment.findings:
            for at in finding.points:
                if at not in cells:
                    where = f"{path}: finding {finding.says!r}"
                    raise InputError(f"{where}: size {profile} has no cell {name_of(at)}")
    _check_repeats(experiment, path)


def _check_repeats(experiment: Experiment, path: Path) -> None:
    """Refuse seeds that repeat a training with its own seed, and ensembles of members with other seeds."""
    for name, profile in experiment.profiles.items():
        where = f"{path}: profile {name}, repeat"
        for _, seeds in profile.repeat:
            if not all(type(seed) is int and seed > 0 for seed in seeds):
                raise InputError(f"{where}: seeds {seeds}; accepted: whole numbers above 0")
        repeated = {cell.name: cell for cell in experiment.repeats(name)}
        for cell in repeated.values():
            for member in cell.members:
                if member.name not in repeated:
                    raise InputError(f"{where}: {cell.name}: its member {member.name} is not repeated")


def _check_table(experiment: Experiment, table: TableSpec, where: str) -> None:
    """Refuse a table that cannot be built, or that would put several cells in one place."""
    if not table.metrics:
        raise InputError(f"{where}: no metrics")
    if table.kind == "grid" and (not table.columns or len(table.metrics) > 1):
        raise InputError(f"{where}: a grid has columns, and one metric")
    if table.kind == "grid" and table.metrics[0] not in MEASURES:
        raise InputError(f"{where}: a grid shows a measured metric, not {table.metrics[0]}")
    for axis, choices in experiment.axes.items():
        several = len(table.only.get(axis, choices)) > 1
        if several and axis not in (*table.rows, table.columns):
            raise InputError(
                f"{where}: several choices of {axis} would share a place; name it in rows or columns, or one "
                "choice in only"
            )


def _named_points(experiment: Experiment) -> Iterator[At]:
    yield from (part for part, _ in experiment.where)
    for profile in experiment.profiles.values():
        yield from (part for part, _ in profile.where)
        yield from (part for part, _ in profile.repeat)
    yield from (block.at for block in experiment.published.blocks)
    yield from experiment.headline
    for table in experiment.tables:
        yield from ({axis: name} for axis, names in table.only.items() for name in names)
    for axis, choices in experiment.axes.items():
        for choice in choices.values():
            yield from ({axis: member} for member in choice.members)
