"""Open a search: refuse wrong input before anything is trained or deleted."""

import hashlib
import itertools
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dfdetect.data.opening import Data, manifest_path, open_training_data
from dfdetect.recipe import Conditions, Recipe
from dfdetect.runs.build import build_from_recipe
from dfdetect.runs.devices import check_clipping, parallel
from dfdetect.runs.folder import Run
from dfdetect.runs.lineage import training_leaks
from dfdetect.train.training import open_stores, resolve
from face_extraction.errors import InputError, check_name
from face_extraction.ledger import LedgerRow
from face_extraction.manifest import manifest_hash
from face_extraction.toml import read_toml
from tuning.job import Case, Job, cases, parse_job, slug
from tuning.space import Space, apply
from tuning.store import DATABASE, NAME, Store
from tuning.strategy import EPOCHS
from tuning.trial import OPENED, parts_of

JOB = "job.toml"
# The settings that decide whether a trial can begin.
DECISIVE = ("model", "weights", EPOCHS, "head_epochs")


@dataclass(frozen=True)
class Place:
    """Where a search is kept.

    Attributes:
        folder: where trials, tables and the page go.
        out: the file for the best trial's recipe.
        url: address of a database; "" for SQLite in the folder.
    """

    folder: Path
    out: Path
    url: str = ""


@dataclass(frozen=True)
class Search:
    """A job on data, in a folder.

    Attributes:
        job: what is searched.
        cases: all of the job's cases. Their recipes are not resolved: what a recipe leaves to the model
            has to follow from the model of the trial.
        data: the data of each case that is searched now.
        parts: the same data as a trial takes them: one part, or one for each fold.
        unscored: faces and clips that no trial takes, with the reason.
        notices: what a reader has to know wherever results of the search are shown.
        conditions: how to train.
        digests: SHA-256 of the manifest of every case of the job, searched now or not.
        place: where it is kept.
    """

    job: Job
    cases: Sequence[Case]
    data: Mapping[str, Data]
    parts: Mapping[str, Sequence[Data]]
    unscored: Sequence[LedgerRow]
    notices: Sequence[str]
    conditions: Conditions
    digests: Sequence[str]
    place: Place

    @property
    def folder(self) -> Path:
        """Where trials, tables and the page go."""
        return self.place.folder

    @property
    def searched(self) -> list[Case]:
        """The cases that are searched now."""
        return [case for case in self.cases if case.name in self.data]

    def store(self) -> Store:
        """Open the store of the trials.

        Raises:
            InputError: the database cannot be used.
        """
        content = {**self.job.content(), "trials": 0}  # a larger budget continues the same search
        facts = json.dumps([content, self.digests], sort_keys=True)
        digest = hashlib.sha256(facts.encode()).hexdigest()[:8]
        return Store(self.folder, digest, self.place.url)

    def trial_folder(self, case: str, number: int) -> Path:
        """The run folder of a trial."""
        return self.folder / "trials" / slug(case) / f"{number:04d}"


def open_search(
    job: Job, only: Sequence[str], place: Place, conditions: Conditions, *, overwrite: bool = False
) -> Search:
    """Check a job against its data, models and devices, before anything is trained or deleted.

    Args:
        job: the job.
        only: names of the wanted cases; empty for all.
        place: where the search begins or resumes.
        conditions: how to train.
        overwrite: the folder will be emptied, so accept what it holds.

    Raises:
        InputError: a case is unknown; the data, the weights or the devices cannot be had; no epoch would be
            trained; a crop cannot be read; or the folder holds another search.
    """
    every = cases(job)
    names = [case.name for case in every]
    for name in only:
        check_name("case", name, names)
    found = [case for case in every if not only or case.name in only]
    data = {case.name: open_training_data(case.recipe) for case in found}
    parts = {case.name: parts_of(data[case.name], case.recipe, job.folds) for case in found}
    starts = {case.name: _starts(case.recipe, job.space) for case in found}
    _check_starts([recipe for recipes in starts.values() for recipe in recipes], conditions.devices)
    if not overwrite:
        _check_folder(place.folder, job)
    digests = _digests([manifest_path(case.recipe.manifest) for case in every], data.values())
    unscored = _open_once([(data[name], recipes[0]) for name, recipes in starts.items()], conditions)
    notices = [*_notices(parts, starts), *_grid_notice(job)]
    if unscored:
        listed = Run(place.folder).unscored.name
        notices.append(f"Left out of training and validation: {len(unscored):,}; {listed} says why.")
    return Search(job, every, data, parts, unscored, notices, conditions, digests, place)


def _starts(recipe: Recipe, space: Space) -> list[Recipe]:
    """One recipe for each combination of decisive settings; other settings have their first value."""
    choices = [axis.ends() if axis.name in DECISIVE else axis.ends()[:1] for axis in space]
    names = [axis.name for axis in space]
    taken = (dict(zip(names, values, strict=True)) for values in itertools.product(*choices))
    return [resolve(apply(recipe, values)) for values in taken]


def _check_starts(recipes: Sequence[Recipe], devices: int) -> None:
    """Refuse recipes that would fail in every trial."""
    if not all(recipe.epochs + recipe.head_epochs for recipe in recipes):
        raise InputError("epochs 0 and head_epochs 0; accepted: 1 or more of either")
    built: set[tuple[str, str]] = set()
    with parallel(devices):
        for recipe in recipes:
            check_clipping(devices, recipe.clip_norm)
            if (recipe.model, recipe.weights) not in built:
                build_from_recipe(recipe)
                built.add((recipe.model, recipe.weights))


def _digests(manifests: Sequence[Path], opened: Iterable[Data]) -> list[str]:
    """SHA-256 of each manifest; some are already open."""
    known = {data.path: data.digest for data in opened}
    for path in manifests:
        if path not in known:
            if not path.is_file():
                raise InputError(f"{path}: no such manifest; another case of the job needs it")
            known[path] = manifest_hash(path)
    return [known[path] for path in manifests]


def _open_once(taken: Sequence[tuple[Data, Recipe]], conditions: Conditions) -> list[LedgerRow]:
    """A ledger row for each face or clip that cannot be used; cases with the same rows share one pass."""
    ledgers: dict[object, list[LedgerRow]] = {}
    for data, recipe in taken:
        rows = tuple((sample.split, sample.path) for sample in data.samples)
        key = data.path, recipe.frames, rows
        if key not in ledgers:
            ledgers[key] = open_stores(data, recipe, replace(conditions, cached=False), OPENED)[1]
    return list(dict.fromkeys(itertools.chain(*ledgers.values())))


def _notices(parts: Mapping[str, Sequence[Data]], starts: Mapping[str, Sequence[Recipe]]) -> list[str]:
    """The notices about the cases' data, and about validating groups that the weights saw before."""
    lines = [line for every in parts.values() for part in every for line in part.notices]
    for case, recipes in starts.items():
        for recipe in {recipe.weights: recipe for recipe in recipes}.values():
            for number, part in enumerate(parts[case], start=1):
                fold = f"Fold {number}: " if len(parts[case]) > 1 else ""
                lines += [fold + line for line in training_leaks(recipe, part)]
    return list(dict.fromkeys(lines))


def _grid_notice(job: Job) -> list[str]:
    if job.strategy != "grid":
        return []
    from tuning.oracle import grid_notice

    return [line for line in [grid_notice(job)] if line]


def delete_search(search: Search) -> None:
    """Delete a search's folder, and its trials in the database.

    Raises:
        InputError: the folder is no search, holds files that the search needs, or a worker runs a trial.
    """
    if not search.folder.exists():
        return
    if not (search.folder / JOB).is_file():
        raise InputError(f"{search.folder}: not a search (it has no {JOB}); give another --folder")
    _check_needed(search)
    search.store().delete()
    shutil.rmtree(search.folder)


def _check_needed(search: Search) -> None:
    """Refuse to delete starting weights or a manifest inside the folder."""
    weights = {case.recipe.weights for case in search.cases}
    weights |= {str(value) for axis in search.job.space if axis.name == "weights" for value in axis.values}
    manifests = {case.recipe.manifest for case in search.cases}
    for name in sorted(filter(None, weights | manifests)):
        path = Path(name)
        if path.exists() and path.resolve().is_relative_to(search.folder.resolve()):
            raise InputError(
                f"--overwrite would delete {name}, which the search needs; accepted: another --folder, or "
                f"files outside {search.folder}"
            )


def _first_difference(name: str, old: Any, new: Any) -> tuple[str, Any, Any]:
    """Where two values of JSON that differ do so first, in words, and both values there."""
    while isinstance(old, dict) and isinstance(new, dict):
        key = next(key for key in {**new, **old} if old.get(key) != new.get(key))
        name, old, new = f"{name}, {key}", old.get(key), new.get(key)
    return name, old, new


def _check_folder(folder: Path, job: Job) -> None:
    """Refuse a folder that holds other files, or another search."""
    path = folder / JOB
    if not path.is_file():
        known = {"locks", "features", DATABASE, NAME}
        if folder.is_dir() and {item.name for item in folder.iterdir()} - known:
            raise InputError(f"{folder}: holds files but is no search; give a new or empty --folder")
        return
    old = parse_job(read_toml(path), str(path)).content()
    before = json.loads(json.dumps(old))
    for name, value in json.loads(json.dumps(job.content())).items():
        if name != "trials" and before[name] != value:
            place, was, now = _first_difference(name, before[name], value)
            raise InputError(
                f"{folder}: holds a search with another {place}: {was!r}, not {now!r}; "
                "give another --out or --folder, or --overwrite"
            )
