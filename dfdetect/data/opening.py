"""Open a manifest: its rows, its hash, and the notices about it."""

from dataclasses import dataclass, replace
from pathlib import Path

from dfdetect.data.clips import check_videos, make_clips
from dfdetect.data.faces import check_classes, remedy_for
from dfdetect.data.held_out import with_pairs
from dfdetect.data.paired import check_kinds, check_reals
from dfdetect.data.splitting import choose, parted_swaps, parts_swaps
from dfdetect.recipe import PAIRED, Recipe, split_leak
from dfdetect.sample.sample_set import NOTICE, sample_manifest
from face_extraction.manifest import (
    SPLITS,
    FaceSample,
    count_table,
    manifest_hash,
    manifest_in,
    of_split,
    read_manifest,
)


@dataclass(frozen=True)
class Data:
    """The manifest of a training.

    Attributes:
        path: the manifest.
        samples: its rows.
        digest: SHA-256 of the manifest's bytes.
        notices: what a reader has to know wherever results are shown.
    """

    path: Path
    samples: list[FaceSample]
    digest: str
    notices: tuple[str, ...]

    def table(self) -> str:
        """The counts per split and class, as lines of text."""
        return f"{self.path}:\n{count_table(self.samples)}"

    def count(self, split: str, frames: int) -> int:
        """The number of faces of a split, or with `frames` the number of clips of so many faces."""
        samples = of_split(self.samples, split)
        return len(make_clips(samples, frames)[0]) if frames else len(samples)

    def facts(self) -> dict[str, str]:
        """The facts about the data that a run records."""
        return {
            "manifest": str(self.path),
            "manifest_sha256": self.digest,
            "counts": count_table(self.samples),
        }


def open_manifest(path: Path) -> Data:
    """Open a manifest, or the one in a folder, with its own split.

    Raises:
        InputError: the manifest is missing or wrong.
    """
    path = manifest_in(path)
    return Data(path, read_manifest(path), manifest_hash(path), ())


def manifest_path(manifest: str) -> Path:
    """The manifest that a recipe names, or that of the embedded sample set, which is drawn if need be."""
    return manifest_in(Path(manifest)) if manifest else sample_manifest()


def open_data(recipe: Recipe) -> Data:
    """The rows that a recipe takes from its manifest or the embedded sample set, each with its split.

    Raises:
        InputError: the manifest is missing or wrong, or has too few faces or clips.
    """
    path = manifest_path(recipe.manifest)
    data = open_manifest(path)
    if recipe.frames:
        check_videos(data.samples, recipe.frames, path)
    samples = choose(data.samples, recipe)
    parted = recipe.split == "group" and parts_swaps(samples)
    made: list[str] = []
    if recipe.augment == PAIRED:
        check_kinds(recipe)
        samples, made = with_pairs(path, samples, recipe)
    notices = (
        *made,
        "" if recipe.manifest else NOTICE,
        split_leak(recipe.split, recipe.frames),
        parted_swaps() if parted else "",
    )
    return replace(data, samples=samples, notices=tuple(filter(None, notices)))


def open_trainings(recipe: Recipe, *, tested: bool = False) -> list[tuple[Recipe, Data]]:
    """Every fold of a recipe, or the recipe alone, each with its data from `open_training_data`.

    All are opened before any is trained: a missing class would otherwise show up hours later.
    """
    return [(each, open_training_data(each, tested=tested)) for each in recipe.trainings()]


def open_training_data(recipe: Recipe, *, tested: bool = False) -> Data:
    """Like `open_data`, and check that train and val have both classes; with folds, the test fold too.

    Args:
        recipe: the recipe.
        tested: check the test split without folds too.

    Raises:
        InputError: the manifest is missing or wrong, or a class is missing.
    """
    data = open_data(recipe)
    samples = data.samples
    if recipe.frames:
        samples = [clip.sample for clip in make_clips(samples, recipe.frames)[0]]
    way = remedy_for(data.samples, samples, recipe)
    if not recipe.folds:
        for split in SPLITS if tested else ("train", "val"):
            if recipe.augment == PAIRED and split == "train":
                check_reals(samples, data.path)
            else:
                check_classes(samples, split, data.path, recipe.unit, way)
        return data
    where = f"{data.path}: fold {recipe.fold} of {recipe.folds}"
    for split in SPLITS:  # a test fold of one class has no AUC, so the average would have none
        check_classes(samples, split, where, recipe.unit, way)
    return data
