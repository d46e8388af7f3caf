"""Choose which rows train, validate and test: by the manifest's split, or by a new one as in reports."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dfdetect.data.clips import make_clips
from dfdetect.data.grouping import assign_groups
from dfdetect.data.naming import people
from dfdetect.predictions import by_video
from dfdetect.recipe import Recipe
from face_extraction.errors import InputError
from face_extraction.manifest import FAKE, LABEL_NAMES, REAL, FaceSample


def parted_swaps(scored: str = "test") -> str:
    """The caution about a new split with `parts_swaps`, when `scored` faces are measured."""
    return (
        f"New split by group: file names tell that people in {scored} faces, as target or source of a swap, "
        "are in training faces too, so these numbers tend to be higher than on unseen people. The split made "
        "at extraction leaves such swaps out."
    )


def parts_swaps(samples: Sequence[FaceSample]) -> bool:
    """Whether people are in both train and test faces: a swap shows two people but is in one's group."""
    shown = {
        split: {person for row in samples if row.split == split for person in people(row)}
        for split in ("train", "test")
    }
    return not shown["train"].isdisjoint(shown["test"])


def choose(samples: Sequence[FaceSample], recipe: Recipe) -> list[FaceSample]:
    """The rows that the recipe takes, in the manifest's order, each with its split.

    If the recipe has `frames`, whole videos are chosen and counted in place of faces. Videos in which nobody
    has enough faces do not count: `per_class` leaves them out; otherwise they join the split of their group,
    or of the manifest, so that they get listed.

    With `per_class`, that many faces of each class are drawn first (Report A: 20,000, Report C:
    8,000). With `folds`, the test split is fold number `fold` (from 1), and `val_share` of the rest
    validates (Report B: 3 folds). A split by group gives train, val and test both classes if there are
    enough groups (but a test fold can lack one), and without folds it does not depend on the order
    of the rows. A new split leaves out rows with an unknown label; the manifest's own split keeps them.

    Raises:
        InputError: there are too few faces or groups.
    """
    if not recipe.frames:
        return _choose(samples, recipe)
    videos = by_video(samples)
    as_it_is = recipe.split == "manifest" and not recipe.per_class  # nothing is counted, so nothing left out
    able, unable = list[FaceSample](), list[FaceSample]()
    for video in videos:
        (able if as_it_is or make_clips(video, recipe.frames)[0] else unable).append(video[0])
    chosen = _choose(able, recipe) if able or recipe.per_class else []
    splits = {row.path: row.split for row in chosen}
    if not recipe.per_class:
        groups = {_group(row): row.split for row in chosen}
        labelled = [row for row in unable if row.label in (REAL, FAKE)]
        splits |= {row.path: groups.get(_group(row), "train") for row in labelled}
    homes = {row.path: splits[video[0].path] for video in videos if video[0].path in splits for row in video}
    return [dataclasses.replace(row, split=homes[row.path]) for row in samples if row.path in homes]


def _choose(samples: Sequence[FaceSample], recipe: Recipe) -> list[FaceSample]:
    chosen = list(samples)
    if recipe.per_class:
        chosen = _draw(chosen, recipe)
    if recipe.split == "manifest":
        return chosen
    chosen = [sample for sample in chosen if sample.label in (REAL, FAKE)]
    places = _fold_places(chosen, recipe) if recipe.folds else ["train"] * len(chosen)
    rest = [row for row, place in enumerate(places) if place == "train"]
    # With folds, val_share is a share of the rows outside the test fold.
    shares = {"val": recipe.val_share} | ({} if recipe.folds else {"test": recipe.test_share})
    divide = _by_group if recipe.split == "group" else _at_random
    for row, place in zip(
        rest, divide([chosen[row] for row in rest], shares, recipe.drawing_seed), strict=True
    ):
        places[row] = place
    return [dataclasses.replace(sample, split=place) for sample, place in zip(chosen, places, strict=True)]


def _draw(samples: Sequence[FaceSample], recipe: Recipe) -> list[FaceSample]:
    per_class = recipe.per_class
    rng = np.random.default_rng((recipe.drawing_seed, per_class))
    kept: list[int] = []
    for label in (REAL, FAKE):
        rows = [row for row, sample in enumerate(samples) if sample.label == label]
        if len(rows) < per_class:
            there = f"{LABEL_NAMES[label]} {recipe.counted}s"
            raise InputError(f"per_class {per_class}; there are {len(rows)} {there}; accepted: up to that")
        kept += rng.permutation(rows)[:per_class].tolist()
    return [samples[row] for row in sorted(kept)]


def _fold_places(samples: Sequence[FaceSample], recipe: Recipe) -> list[str]:
    """The split of each row: "test" for the recipe's fold, "train" for the others."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold  # the audit runs without it

    by_group = recipe.split == "group"
    kind = StratifiedGroupKFold if by_group else StratifiedKFold
    folds = kind(recipe.folds, shuffle=True, random_state=recipe.drawing_seed)
    labels = [sample.label for sample in samples]
    groups = [_group(sample) for sample in samples]
    for label in (REAL, FAKE):
        units = {groups[row] if by_group else row for row, other in enumerate(labels) if other == label}
        if len(units) < recipe.folds:
            what = "groups" if by_group else f"{recipe.counted}s"
            there = f"{LABEL_NAMES[label]} {what}"
            raise InputError(f"folds {recipe.folds}; there are {len(units)} {there}; accepted: up to that")
    parts = list(folds.split(np.zeros(len(samples)), labels, groups if by_group else None))
    places = ["train"] * len(samples)
    for row in parts[recipe.fold - 1][1]:
        places[row] = "test"
    return places


def _by_group(samples: Sequence[FaceSample], shares: Mapping[str, float], seed: int) -> list[str]:
    counts: dict[str, list[int]] = {}
    for sample in samples:
        counts.setdefault(_group(sample), [0, 0])[sample.label] += 1
    wanted = {"train": 1 - sum(shares.values())} | {name: share for name, share in shares.items() if share}
    homes = assign_groups({name: (real, fake) for name, (real, fake) in counts.items()}, wanted, seed)
    return [homes[_group(sample)] for sample in samples]


def _at_random(samples: Sequence[FaceSample], shares: Mapping[str, float], seed: int) -> list[str]:
    from sklearn.model_selection import train_test_split

    places = np.array(["train"] * len(samples))
    rest, left = np.arange(len(samples)), 1.0
    labels = np.array([sample.label for sample in samples])
    for name, share in reversed([*shares.items()]):
        if share:
            try:
                rest, held = train_test_split(
                    rest, test_size=share / left, stratify=labels[rest], random_state=seed
                )
            except ValueError:  # a split would lack a class
                raise _too_few(labels, shares) from None
            places[held] = name
            # Back in the manifest's order, so that the next draw depends only on which rows remain.
            rest, left = np.sort(rest), left - share
    return [str(place) for place in places]


def _too_few(labels: NDArray[np.int64], shares: Mapping[str, float]) -> InputError:
    counts = f"{np.sum(labels == REAL)} real and {np.sum(labels == FAKE)} fake"
    wanted = " and ".join(f"{name}_share {share:g}" for name, share in shares.items() if share)
    return InputError(
        f"split random: {counts} are too few for both classes in train and in each of {wanted}; "
        "accepted: more of them, larger shares, or a share of 0 for test"
    )


def _group(sample: FaceSample) -> str:
    return f"{sample.source}/{sample.group}"
