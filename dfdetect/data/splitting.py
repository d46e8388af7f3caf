"""Which rows of a manifest train, validate and test: as it says, or split anew as reports did."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, train_test_split

from dfdetect.predictions import by_clip
from dfdetect.recipe import Recipe
from face_extraction.errors import InputError
from face_extraction.manifest import FAKE, LABEL_NAMES, REAL, FaceSample
from face_extraction.splits import SplitRule


def leak(unit: str) -> str:
    """What must be said of a split at random over faces or clips."""
    return (
        f"Split at random over {unit}s, as some reports did: {unit}s of one original stand on both sides of "
        "the split, so these numbers tend to be higher than those on unseen originals."
    )


def choose(samples: Sequence[FaceSample], recipe: Recipe) -> list[FaceSample]:
    """The rows that the recipe takes, in the manifest's order, each with its split.

    Where the recipe has `frames`, clips are chosen as a whole, and counted where faces are otherwise.

    With `per_class`, that many faces of each class are drawn first (Report A: 20,000, Report C:
    8,000). With `folds`, the test split is fold number `fold` (from 1), and `val_share` of the rest
    validates (Report B: 3 folds). Rows of unknown label stay out of anything but the manifest's own
    split.

    Raises:
        InputError: there are not enough faces or groups.
    """
    if not recipe.frames:
        return _choose(samples, recipe)
    clips = by_clip(samples)
    splits = {row.path: row.split for row in _choose([clip[0] for clip in clips], recipe)}
    homes = {row.path: splits[clip[0].path] for clip in clips if clip[0].path in splits for row in clip}
    return [dataclasses.replace(row, split=homes[row.path]) for row in samples if row.path in homes]


def _choose(samples: Sequence[FaceSample], recipe: Recipe) -> list[FaceSample]:
    chosen = list(samples)
    if recipe.per_class:
        chosen = _draw(chosen, recipe)
    if recipe.split == "manifest":
        return chosen
    chosen = [sample for sample in chosen if sample.label in (REAL, FAKE)]
    test = _test_rows(chosen, recipe)
    val = np.zeros(len(chosen), dtype=bool)
    rest = np.flatnonzero(~test)
    # Of what the test split leaves; in a split without folds, val_share is a share of all rows.
    share = recipe.val_share if recipe.folds else recipe.val_share / (1 - recipe.test_share)
    val[rest] = _hold_out([chosen[row] for row in rest], recipe, share, "val")
    return [
        dataclasses.replace(sample, split="test" if test[row] else "val" if val[row] else "train")
        for row, sample in enumerate(chosen)
    ]


def _draw(samples: Sequence[FaceSample], recipe: Recipe) -> list[FaceSample]:
    per_class = recipe.per_class
    rng = np.random.default_rng((recipe.seed, per_class))
    kept: list[int] = []
    for label in (REAL, FAKE):
        rows = [row for row, sample in enumerate(samples) if sample.label == label]
        if len(rows) < per_class:
            raise InputError(
                f"per_class {per_class}; there are {len(rows)} {LABEL_NAMES[label]} {recipe.unit}s"
            )
        kept += rng.permutation(rows)[:per_class].tolist()
    return [samples[row] for row in sorted(kept)]


def _test_rows(samples: Sequence[FaceSample], recipe: Recipe) -> NDArray[np.bool_]:
    if not recipe.folds:
        return _hold_out(samples, recipe, recipe.test_share, "test")
    by_group = recipe.split == "group"
    kind = StratifiedGroupKFold if by_group else StratifiedKFold
    folds = kind(recipe.folds, shuffle=True, random_state=recipe.seed)
    labels = [sample.label for sample in samples]
    groups = [_group(sample) for sample in samples]
    for label in (REAL, FAKE):
        units = {groups[row] if by_group else row for row, other in enumerate(labels) if other == label}
        if len(units) < recipe.folds:
            what = "groups" if by_group else f"{recipe.unit}s"
            raise InputError(f"folds {recipe.folds}; there are {len(units)} {LABEL_NAMES[label]} {what}")
    parts = list(folds.split(np.zeros(len(samples)), labels, groups if by_group else None))
    rows = np.zeros(len(samples), dtype=bool)
    rows[parts[recipe.fold - 1][1]] = True
    return rows


def _hold_out(samples: Sequence[FaceSample], recipe: Recipe, share: float, name: str) -> NDArray[np.bool_]:
    """Which rows go to a split of this share: whole groups by their hash, or faces at random."""
    if recipe.split == "group":
        rule = SplitRule(val=0.0, test=share, seed=recipe.seed)
        return np.array([rule.split_of(f"{name}:{_group(sample)}") == "test" for sample in samples])
    rows = np.zeros(len(samples), dtype=bool)
    if share:
        labels = [sample.label for sample in samples]
        held = train_test_split(
            np.arange(len(samples)), test_size=share, stratify=labels, random_state=recipe.seed
        )[1]
        rows[held] = True
    return rows


def _group(sample: FaceSample) -> str:
    return f"{sample.source}/{sample.group}"
