"""From a finished run to what ships: calibrated, slim, hashed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import keras
import msgspec
import numpy as np
from numpy.typing import NDArray

from dfdetect.data.sharpness import least_sharpness
from dfdetect.fakes.reals import find_reals
from dfdetect.metrics.estimates import LEVELS
from dfdetect.metrics.measures import exact_auc
from dfdetect.models.names import PUBLISHED
from dfdetect.models.shipped import HASHES
from dfdetect.predictions import Predictions
from dfdetect.pretrained.graph import write_graph
from dfdetect.pretrained.trial import LOOKED, Trial, make_trial
from dfdetect.recipe import Recipe, read_recipe, write_recipe
from dfdetect.runs.build import load_model
from dfdetect.runs.calibration import Calibrations, calibrate_levels, write_calibrations
from dfdetect.runs.folder import Run
from dfdetect.runs.scoring import score_crops
from dfdetect.verdict import LITTLE, SUBSTANTIAL
from face_extraction.atomic import atomic_path, write_bytes, write_text
from face_extraction.digest import file_digest
from face_extraction.errors import InputError
from face_extraction.json_file import write_json
from face_extraction.manifest import FaceSample, manifest_hash, of_split, read_manifest
from face_extraction.settings import BLAZEFACE, read_settings, write_settings

CANNOT = (
    "It was trained on portraits and on fakes that this package made of them (blended, swapped, eyes or "
    "mouth altered). On swaps and reenactments that others made it is much weaker: MODEL_CARD.md "
    "beside its weights has the numbers. It cannot judge faces that are generated whole, "
    "text-to-video, or sound."
)
TRIAL_FILE = "trial.json"
# What a run's environment tells that is of use without its data and its machine.
FACTS = (
    *("dfdetect", "packages", "parameters", "trainable_parameters"),
    *("manifest_sha256", "counts", "training_seconds"),
)

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Shipped:
    """What a folder was made with.

    Attributes:
        calibrations: chosen on people of the validation split, by level.
        trial: what it does on videos of people of each split: AUC, and shares above and below the cuts.
    """

    calibrations: Calibrations
    trial: Mapping[str, Mapping[str, float]]


def ship(run: Run, manifest: Path, out: Path) -> Shipped:
    """Calibrate a run on videos of held-out people, and write the slim folder.

    Args:
        run: finished, of single faces, trained on the manifest with paired fakes; or an ensemble of such.
        manifest: the faces that it was trained on, with their landmarks beside it.
        out: the folder to write; its card is kept, all else is written anew.

    Raises:
        InputError: the run is not finished or not of these faces, or there are no landmarks of them.
    """
    run.require_finished()
    run.check_manifest(manifest, manifest_hash(manifest))
    # Both in half precision, so that the cuts are those of the scores that the shipped file gives.
    out.mkdir(parents=True, exist_ok=True)
    halve(run.weights, Run(out).weights)
    recipe = run.recipe()
    write_recipe(Run(out).recipe_file, anonymous(recipe))
    for member in run.members():
        write_recipe(out / "members" / member.name, anonymous(read_recipe(member)))
    model = load_model(Run(out))
    scores = {split: _videos(model, manifest, recipe, split) for split in ("val", "test")}
    shipped = calibrate(scores)
    write_graph(Run(out), model)
    _write_rest(run, out, shipped)
    return shipped


def halve(source: Path, target: Path) -> None:
    """Copy a weights file with all its numbers in half precision.

    Raises:
        InputError: a number does not fit into half precision.
    """
    with atomic_path(target) as temporary, h5py.File(source) as old, h5py.File(temporary, "w") as new:
        new.attrs.update(old.attrs)

        def copy(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                values = item[()]
                if values.dtype == np.float32:
                    if not np.abs(values).max(initial=0) <= np.finfo(np.float16).max:
                        raise InputError(f"{source}: {name} does not fit into half precision")
                    values = values.astype(np.float16)
                new.create_dataset(name, data=values, compression="gzip" if values.ndim else None)
            else:
                new.require_group(name)
            new[name].attrs.update(item.attrs)

        old.visititems(copy)


def anonymous(recipe: Recipe) -> Recipe:
    """The recipe with names in the place of paths, which are of the machine that trained it."""
    weights = recipe.weights if recipe.weights in (*PUBLISHED, "none") else Path(recipe.weights).name
    if Path(recipe.weights).is_dir():
        weights += ".weights.h5"  # a run's, which is not there for those who get this one
    return replace(recipe, manifest="open_faces/manifest.csv", weights=weights)


def _videos(model: keras.Model, manifest: Path, recipe: Recipe, split: str) -> tuple[Trial, Scores]:
    """The videos of a split's people, and the raw score of each of their faces."""
    reals, _ = find_reals(manifest, of_split(read_manifest(manifest), split))
    trial = make_trial(reals, recipe, model.input_shape[1])
    return trial, score_crops(model, trial.crops)


def calibrate(scores: Mapping[str, tuple[Trial, Scores]]) -> Shipped:
    """Calibrations and cuts by "val", and what they do on each split.

    Args:
        scores: the videos of each split, and the raw score of each of their faces.
    """
    predictions = {split: as_predictions(trial, raw, split) for split, (trial, raw) in scores.items()}
    trial = scores["val"][0]
    people = len(set(trial.people))
    what = (
        f"{len(trial.labels):,} compressed videos of {people:,} people of open_faces who were not trained "
        "on, half of them fakes of this package"
    )
    tested = ""
    if "test" in scores:
        others = scores["test"][0]
        tested = (
            f"{len(others.labels):,} compressed videos of {len(set(others.people)):,} other people of "
            "open_faces, half of them fakes of this package"
        )
    crops = trial.crops
    least = least_sharpness(
        [str(row) for row in range(len(crops))], lambda row: crops[int(row)], crops.shape[1]
    )
    made = calibrate_levels(predictions, LEVELS, least)
    if set(made) != set(LEVELS):
        raise InputError("the run's fakes do not score higher than its reals: nothing to ship")
    told = {
        level: msgspec.structs.replace(
            calibration,
            origin=what if level == "video" else f"single frames of {what}",
            tested_on=tested if level == "video" or not tested else f"single frames of {tested}",
            cannot=CANNOT,
        )
        for level, calibration in made.items()
    }
    return Shipped(
        told, {split: _shares(told, predictions[split].at_level("video")) for split in predictions}
    )


def as_predictions(trial: Trial, raw: Scores, split: str) -> Predictions:
    """The faces of a trial as rows of a manifest: a video has `LOOKED` of them."""
    samples = [
        FaceSample(f"{number}-{frame}.png", int(label), split, group, f"{number}.mp4", frame)
        for number, (label, group) in enumerate(zip(trial.labels, trial.people, strict=True))
        for frame in range(LOOKED)
    ]
    return Predictions(samples, np.asarray(raw, np.float64))


def _shares(calibrations: Calibrations, videos: Predictions) -> dict[str, float]:
    cuts, fake = calibrations["video"], videos.labels == 1
    scores = cuts.apply(videos.p_fake)
    levels = cuts.grades(scores)
    return {
        "videos": len(scores),
        "people": len(set(videos.groups.tolist())),
        "auc": exact_auc(videos.labels, scores),
        "reals_above_upper": float(np.mean(levels[~fake] == SUBSTANTIAL)),
        "fakes_above_upper": float(np.mean(levels[fake] == SUBSTANTIAL)),
        "reals_below_lower": float(np.mean(levels[~fake] == LITTLE)),
        "fakes_below_lower": float(np.mean(levels[fake] == LITTLE)),
    }


def _write_rest(run: Run, out: Path, shipped: Shipped) -> None:
    target = Run(out)
    write_calibrations(out, shipped.calibrations)
    write_json(out / TRIAL_FILE, {split: dict(shares) for split, shares in shipped.trial.items()})
    write_bytes(target.metrics_file, run.metrics_file.read_bytes())
    settings = read_settings(run.folder)
    if settings and settings.detector == "hog":
        # BlazeFace proposes where HOG looks, which is faster; boxes differ by less than training's jitter.
        settings = replace(settings, detector=BLAZEFACE)
    if settings:
        write_settings(out, settings)
    facts = {name: value for name, value in run.environment().items() if name in FACTS}
    target.write_environment({**facts, "leaks": []})
    write_hashes(out)


def write_hashes(folder: Path) -> None:
    """Write the SHA-256 of each file of a folder that ships, as `sha256sum` does."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != HASHES)
    lines = [f"{file_digest(path)}  {path.relative_to(folder).as_posix()}\n" for path in paths]
    write_text(folder / HASHES, "".join(lines))
