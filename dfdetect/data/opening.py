"""Opening a manifest: its rows, its hash, and what must be said of it."""

from dataclasses import dataclass, replace
from pathlib import Path

from dfdetect.data.clips import check_videos, make_clips
from dfdetect.data.faces import NEW_FOLDS, check_classes
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
    read_manifest,
)


@dataclass(frozen=True)
class Data:
    """The manifest of a training.

    Attributes:
        path: the manifest.
        samples: its rows.
        digest: SHA-256 of the manifest's bytes.
        notices: what must be said wherever results from it are shown.
    """

    path: Path
    samples: list[FaceSample]
    digest: str
    notices: tuple[str, ...]

    def table(self) -> str:
        """What there is per split and class, as lines of text."""
        return f"{self.path}:\n{count_table(self.samples)}"

    def count(self, split: str, frames: int) -> int:
        """How many faces a split has; with `frames`, how many clips of so many faces (one of each person)."""
        samples = [sample for sample in self.samples if sample.split == split]
        return len(make_clips(samples, frames)[0]) if frames else len(samples)

    def facts(self) -> dict[str, str]:
        """What a run records of its data."""
        return {
            "manifest": str(self.path),
            "manifest_sha256": self.digest,
            "counts": count_table(self.samples),
        }


def open_manifest(path: Path) -> Data:
    """A manifest, or that of a folder, with its own split.

    Raises:
        InputError: the manifest is missing or wrong.
    """
    path = manifest_in(path)
    return Data(path, read_manifest(path), manifest_hash(path), ())


def manifest_path(manifest: str) -> Path:
    """The manifest that a recipe names; the embedded sample set's, drawn if need be, where it names none."""
    return manifest_in(Path(manifest)) if manifest else sample_manifest()


def open_data(recipe: Recipe) -> Data:
    """The rows that a recipe takes of its manifest, or of the embedded sample set, split as it says.

    Raises:
        InputError: the manifest is missing or wrong, or has not enough faces or clips.
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
    """Every fold of a recipe with its data, or the recipe with its own, as `open_training_data` gives them.

    All are opened before any is trained: a fold that lacks a class would come hours later.
    """
    return [(each, open_training_data(each, tested=tested)) for each in recipe.trainings()]


def open_training_data(recipe: Recipe, *, tested: bool = False) -> Data:
    """As `open_data`, of which train and val have both classes, and with folds the test fold too.

    Args:
        recipe: the recipe.
        tested: the test split has to have both, folds or not.

    Raises:
        InputError: the manifest is missing or wrong, or a class is.
    """
    data = open_data(recipe)
    samples = data.samples
    if recipe.frames:
        samples = [clip.sample for clip in make_clips(samples, recipe.frames)[0]]
    if not recipe.folds:
        for split in SPLITS if tested else ("train", "val"):
            if recipe.augment == PAIRED and split == "train":
                check_reals(samples, data.path)
            else:
                check_classes(samples, split, data.path, recipe.unit)
        return data
    where = f"{data.path}: fold {recipe.fold} of {recipe.folds}"
    for split in SPLITS:  # a test fold of one class has no AUC, nor has the average of all then
        check_classes(samples, split, where, recipe.unit, NEW_FOLDS)
    return data
