"""An experiment as its experiment.toml declares it: a grid of recipes over axes, and its tables.

The grid is the product of the axes' choices. A cell's recipe joins `[recipe]`, its choices' recipes, each
`[[where]]` that names the cell, and the profile; later values win.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dfdetect.metrics.estimates import LEVELS
from dfdetect.metrics.measures import MEASURES
from dfdetect.recipe import Recipe, from_mapping
from dfdetect.report.finding import Finding, read_finding
from dfdetect.report.published import At, Published, name_of, read_published
from face_extraction.errors import InputError, check_name
from face_extraction.sources import list_sources
from face_extraction.toml import read_toml

EXPERIMENT = "experiment.toml"
FULL = "full"
KINDS = ("grid", "list", "folds")
ROC, FACES = "roc", "faces"
FIGURES = (ROC, FACES)
MATRIX = "confusion"
# What a list can show beside metrics: a setting that the report published, and the measured matrix.
COLUMNS = ("learning_rate", MATRIX)
KEYS = (
    "title", "source", "recipe", "axes", "where", "profiles", "tables", "figures", "headline", "published",
    "numbers", "claims", "opposed", "matrix_order", "own_data", "findings",
)  # fmt: skip
PROFILE_KEYS = ("about", "recipe", "where", "smoke", "repeat")


@dataclass(frozen=True)
class Choice:
    """One value of an axis.

    Attributes:
        title: its name in tables.
        recipe: the recipe fields that it sets.
        members: for an ensemble, the choices of the same axis that it combines.
        combine: how it combines them, as in `dfdetect.ensemble`.
    """

    title: str
    recipe: Mapping[str, Any] = field(default_factory=dict)
    members: Sequence[str] = ()
    combine: str = "mean"


@dataclass(frozen=True)
class Profile:
    """A size of the grid.

    Attributes:
        name: "full" is the report's own size.
        about: what it changes, for captions.
        recipe: the recipe fields that it sets.
        where: (at, recipe fields) for parts of the grid.
        smoke: it only shows that every cell runs, so the README leaves its numbers out.
        repeat: (at, further seeds) for parts of the grid whose training is repeated.
    """

    name: str
    about: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    where: Sequence[tuple[At, Mapping[str, Any]]] = ()
    smoke: bool = False
    repeat: Sequence[tuple[At, Sequence[int]]] = ()


@dataclass(frozen=True)
class TableSpec:
    """A table to render.

    Attributes:
        name: its file name, and its key in comparisons.
        title: its heading.
        kind: "grid" (one metric over two axes), "list" (one row a cell, metrics as columns) or "folds"
            (each fold of each cell, and the averages).
        metrics: names in `MEASURES`, for a list also in `COLUMNS`; a grid has one.
        rows: axes whose choices are the rows.
        columns: the axis whose choices are the columns of a grid.
        only: axis to the choices shown; the others are left out.
        level: "face" or "video".
        note: a sentence below the table.
    """

    name: str
    title: str
    kind: str
    metrics: Sequence[str]
    rows: Sequence[str]
    columns: str = ""
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    level: str = "face"
    note: str = ""

    def shows(self, cell: "Cell") -> bool:
        """Whether it shows a cell."""
        return all(cell.at[axis] in names for axis, names in self.only.items())


@dataclass(frozen=True)
class Cell:
    """One point of the grid.

    Attributes:
        at: the choice on each axis.
        recipe: what to train, without the manifest; for an ensemble, what its members share.
        members: the cells that an ensemble combines; none for a model.
        combine: how an ensemble combines them.
        seed: that of a repeated training; 0 for the grid's own.
    """

    at: dict[str, str]
    recipe: Recipe
    members: tuple["Cell", ...] = ()
    combine: str = ""
    seed: int = 0

    @property
    def name(self) -> str:
        """The cell's choices, such as "vgg16, with", and the seed of a repeated training."""
        return name_of(self.at) + (f", seed {self.seed}" if self.seed else "")

    def again(self, seed: int) -> "Cell":
        """The same cell on the same split, trained with another seed; an ensemble's members too."""
        recipe = replace(self.recipe, seed=seed, split_seed=self.recipe.drawing_seed)
        members = tuple(member.again(seed) for member in self.members)
        return replace(self, recipe=recipe, members=members, seed=seed)

    @property
    def trainings(self) -> int:
        """How many models it trains itself; an ensemble trains none."""
        return 0 if self.members else max(self.recipe.folds, 1)


@dataclass(frozen=True)
class Experiment:
    """A declared experiment.

    Attributes:
        folder: the folder of its experiment.toml, results and tables.
        title: its name.
        source: the report's sources and how they were read; names to sentences.
        axes: axis to name to choice, all in order.
        base: recipe fields of every cell.
        where: (at, recipe fields; None leaves the cell out), in order.
        profiles: by name, "full" first.
        tables: in order.
        figures: "roc" (all curves in one figure) and "faces" (each model's scores of drawn people).
        headline: cells that the README shows.
        published: the report's published numbers.
        own_data: the report's own data sets, by their names in manifests.
        findings: the report's claims that results can confirm or refute.
    """

    folder: Path
    title: str
    source: Mapping[str, str]
    axes: Mapping[str, Mapping[str, Choice]]
    base: Mapping[str, Any]
    where: Sequence[tuple[At, Mapping[str, Any] | None]]
    profiles: Mapping[str, Profile]
    tables: Sequence[TableSpec]
    figures: Sequence[str]
    headline: Sequence[dict[str, str]]
    published: Published
    own_data: Sequence[str] = ()
    findings: Sequence[Finding] = ()

    @property
    def name(self) -> str:
        """The folder's name, such as "report_b"."""
        return self.folder.name

    @property
    def short(self) -> str:
        """The title up to its colon, such as "Report B"."""
        return self.title.partition(":")[0]

    def cells(self, profile: str = FULL) -> list[Cell]:
        """The grid at one size: first the models, then their ensembles.

        Raises:
            InputError: the profile is unknown, or a recipe is not accepted.
        """
        check_name("profile", profile, self.profiles, str(self.folder / EXPERIMENT))
        return self._grids[profile]

    @cached_property
    def _grids(self) -> dict[str, list[Cell]]:
        return {name: self._grid(profile) for name, profile in self.profiles.items()}

    def _grid(self, profile: Profile) -> list[Cell]:
        cells: dict[tuple[str, ...], Cell] = {}
        ats = [dict(zip(self.axes, names, strict=True)) for names in itertools.product(*self.axes.values())]
        for at in sorted(ats, key=lambda at: self._ensemble(at) is not None):
            fields = self._fields(at, profile)
            if fields is None:
                continue
            recipe = from_mapping(fields, f"{self.folder / EXPERIMENT}: {name_of(at)}")
            found = self._ensemble(at)
            if found is None:
                cells[tuple(at.values())] = Cell(at, recipe)
            else:
                axis, choice = found
                keys = [tuple({**at, axis: member}.values()) for member in choice.members]
                members = tuple(cells[key] for key in keys if key in cells)
                if len(members) < max(2, len(keys)):
                    raise InputError(f"{self.folder / EXPERIMENT}: {name_of(at)}: members are left out")
                cells[tuple(at.values())] = Cell(at, recipe, members, choice.combine)
        return list(cells.values())

    def repeats(self, profile: str) -> list[Cell]:
        """The trainings of one size that are repeated with further seeds: models first, as in `cells`.

        Raises:
            InputError: as `cells`.
        """
        cells = self.cells(profile)
        asked = self.profiles[profile].repeat
        seeds = dict.fromkeys(seed for _, several in asked for seed in several)
        return [
            cell.again(seed)
            for seed in seeds
            for cell in cells
            if any(seed in several and at.items() <= cell.at.items() for at, several in asked)
        ]

    def title_of(self, axis: str, name: str) -> str:
        """A choice's name in tables."""
        return self.axes[axis][name].title

    def titles(self, at: At) -> list[str]:
        """The names of a point's choices in tables."""
        return [self.title_of(*item) for item in at.items()]

    def _ensemble(self, at: At) -> tuple[str, Choice] | None:
        """The axis and the choice that make this point an ensemble."""
        chosen = ((axis, self.axes[axis][name]) for axis, name in at.items())
        return next(((axis, choice) for axis, choice in chosen if choice.members), None)

    def _fields(self, at: At, profile: Profile) -> dict[str, Any] | None:
        """A point's recipe fields; None if it is left out."""
        fields: dict[str, Any] = {}
        _join(fields, self.base)
        for axis, name in at.items():
            _join(fields, self.axes[axis][name].recipe)
        for part, more in (*self.where, ({}, profile.recipe), *profile.where):
            if part.items() <= at.items():
                if more is None:
                    return None
                _join(fields, more)
        return fields


def _join(fields: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add recipe fields, where later ones win; a model's options are joined one by one."""
    options = {**fields.get("options", {}), **more.get("options", {})}
    fields |= more
    if options:
        fields["options"] = options


def read_experiment(folder: Path) -> Experiment:
    """Read a folder's experiment.toml and check it.

    Raises:
        InputError: the file is missing, or something in it is unknown or not accepted.
    """
    path = folder / EXPERIMENT
    content = read_toml(path)
    _check_keys(content, KEYS, str(path))
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
        _check_whole(experiment, table, f"{path}: table {table.name}")
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


def _check_whole(experiment: Experiment, table: TableSpec, where: str) -> None:
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
