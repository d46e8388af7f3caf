"""The audit: look for every requested kind of leak in the rows of a manifest or a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dfdetect.audit.links import Crossing, Links, crossings, leaking, to_drop
from dfdetect.audit.registry import Kind, NotLooked
from dfdetect.audit.rows import Rows
from dfdetect.data.opening import manifest_path
from dfdetect.data.splitting import choose
from dfdetect.recipe import Recipe, read_recipe
from dfdetect.runs.folder import Run
from face_extraction.errors import InputError
from face_extraction.ledger import LedgerRow
from face_extraction.manifest import SPLITS, FaceSample, manifest_hash, manifest_in, read_manifest

CACHE = "audit-cache.sqlite"


@dataclass(frozen=True)
class Target:
    """The data to audit.

    Attributes:
        name: the name that the user gave.
        manifest: the manifest that the rows come from.
        samples: the rows, each in the audited split.
    """

    name: str
    manifest: Path
    samples: list[FaceSample]


@dataclass(frozen=True, eq=False)
class Audit:
    """The result of an audit.

    Attributes:
        rows: the rows.
        found: the links of each kind that was looked for.
        skipped: for each other kind, why it was not looked for.
    """

    rows: Rows
    found: dict[Kind, Links]
    skipped: dict[Kind, str]

    @cached_property
    def crossings(self) -> dict[Kind, list[Crossing]]:
        """What crosses between splits, by kind; an empty list if nothing does."""
        rows = self.rows
        return {kind: crossings(links, rows.splits, rows.groups) for kind, links in self.found.items()}

    @property
    def clean(self) -> bool:
        """Whether nothing crosses."""
        return not any(self.crossings.values())

    @cached_property
    def leaking(self) -> NDArray[np.bool_]:
        """The rows that have something in common with a row of another split, as a mask."""
        return leaking(list(self.found.values()), self.rows.splits)

    @property
    def unread(self) -> list[LedgerRow]:
        """Crops that a kind could not read, although it could read others."""
        pictures = any(kind.needs != "columns" for kind in self.found)
        return self.rows.prints.ledger if pictures else []


def open_target(path: Path | None, run: Run | None) -> Target:
    """The rows to audit.

    Args:
        path: a manifest or its folder, a recipe or a run's folder; None for `run`.
        run: the run whose scores are shown; it also decides how a manifest is split.

    Raises:
        InputError: it cannot be read, or has changed since the run was made from it.
    """
    if path and not Run(path).recipe_file.is_file():
        path = manifest_in(path)
    if path is None or path.is_dir():
        of = Run(path) if path else run
        if of is None:
            raise InputError(
                "nothing to audit; accepted: a manifest or its folder, a recipe, a run, or --scores RUN"
            )
        recipe = of.located()
        manifest = manifest_path(recipe.manifest)
        target = Target(str(of.folder), manifest, _rows(manifest, recipe))
        run = run or of
    elif path.suffix == ".toml":
        recipe = read_recipe(path)
        manifest = manifest_path(recipe.manifest)
        target = Target(str(path), manifest, _rows(manifest, recipe))
    else:
        target = Target(str(path), path, _rows(path, run.recipe() if run else Recipe()))
    if run and manifest_hash(target.manifest) != run.environment()["manifest_sha256"]:
        raise InputError(f"{target.manifest}: {run.folder} was made from other data, or it changed since")
    return target


def _rows(manifest: Path, recipe: Recipe) -> list[FaceSample]:
    return choose(read_manifest(manifest, torn_groups=True), recipe)


def audit(rows: Rows, kinds: Sequence[Kind], *, named: bool = False) -> Audit:
    """Look for each of these kinds of leak, in this order.

    Args:
        rows: the rows.
        kinds: what to look for.
        named: whether the user named each kind, so that a kind that cannot be looked for is an error.

    Raises:
        InputError: a library is missing, the cache cannot be used, or a named kind cannot be looked for.
    """
    found, skipped = {}, {}
    for kind in kinds:
        try:
            found[kind] = kind.find(rows)
        except NotLooked as why:
            if named:
                raise InputError(f"--kinds {kind.name}: {why}") from None
            skipped[kind] = str(why)
    return Audit(rows, found, skipped)


@dataclass(frozen=True, eq=False)
class Repair:
    """A manifest without leaks.

    Attributes:
        samples: the rows kept, in order; none is moved.
        dropped: how many rows of each split were dropped.
    """

    samples: list[FaceSample]
    dropped: dict[str, int]


def repair(result: Audit) -> Repair:
    """Drop the fewest rows after which an audit of the same kinds finds nothing.

    All test rows stay, so that numbers remain comparable; val rows yield to test, train rows to both. No
    row changes its split, because a test split with other rows is another test. Dropping rows can change
    the clusters of identity, so the rest is audited again until it is clean.
    """
    kept, now = np.ones(len(result.rows), dtype=bool), result
    while not now.clean:
        stays = ~to_drop(list(now.found.values()), now.rows.splits)
        kept[np.flatnonzero(kept)[~stays]] = False
        now = audit(now.rows.subset(stays), list(result.found))
    gone = result.rows.splits[~kept]
    dropped = {split: int((gone == number).sum()) for number, split in enumerate(SPLITS)}
    return Repair(list(now.rows.samples), dropped)
