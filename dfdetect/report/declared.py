"""An experiment as its experiment.toml declares it: a grid of recipes over axes, and its tables.

The grid is the product of the axes' choices. A cell's recipe joins `[recipe]`, its choices' recipes, each
`[[where]]` that names the cell, and the profile; later values win.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dfdetect.recipe import Recipe, from_mapping
from dfdetect.report.finding import Finding
from dfdetect.report.published import At, Published, name_of
from face_extraction.errors import InputError, check_name

EXPERIMENT = "experiment.toml"
FULL = "full"
KINDS = ("grid", "list", "folds")
ROC, FACES = "roc", "faces"
FIGURES = (ROC, FACES)
MATRIX = "confusion"
# What a list can show beside metrics: a setting that the report published, and the measured matrix.
COLUMNS = ("learning_rate", MATRIX)


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
