"""One trial: from a recipe to a run folder and the objective's value. Test faces are not opened."""

import dataclasses
import gc
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dfdetect.data.faces import Store, check_classes
from dfdetect.data.opening import Data
from dfdetect.data.splitting import choose, parted_swaps, parts_swaps
from dfdetect.models.weights import weights_origin
from dfdetect.recipe import Conditions, Recipe
from dfdetect.runs.build import build_from_recipe
from dfdetect.runs.checkpoint import read_state, save_weights
from dfdetect.runs.devices import check_batches, check_clipping, parallel
from dfdetect.runs.environment import describe
from dfdetect.runs.folder import Run
from dfdetect.train.early_stopping import Row
from dfdetect.train.fitting import fit
from dfdetect.train.training import open_stores
from face_extraction.errors import InputError
from face_extraction.settings import copy_settings
from tuning.features import FeatureCache, reduce_model

# Called with (epoch or fold, objective so far); it may raise an exception to cut the trial short.
Report = Callable[[int, float], None]
# What a trial records at its kept epoch, or as the mean over folds.
MEASURED = ("val_auc", "val_accuracy", "val_loss")
# How the run's environment says that features were cached.
ONCE = "computed once"
# The splits that a search reads.
OPENED = ("train", "val")
# A field of the environment that only a finished part has.
TRAINED = "training_seconds"


class SearchStopped(InputError):
    """A fault that does not come from what a trial varies, so other trials would fail too."""


@dataclass(frozen=True)
class Result:
    """The result of a trial.

    Attributes:
        score: the objective.
        facts: numbers for the table, by name.
    """

    score: float
    facts: dict[str, Any]


def parts_of(data: Data, recipe: Recipe, folds: int) -> list[Data]:
    """The data of a trial: unchanged, or once for each of `folds` parts, which validate in turn.

    The parts are made of the train and val rows, by whole groups, or over single faces if the
    recipe splits so. Test rows are left out. A part's notices say if it parts the people of a swap.

    Raises:
        InputError: there are too few groups or faces.
    """
    if not folds:
        return [data]
    rows = [sample for sample in data.samples if sample.split in OPENED]
    split = "random" if recipe.split == "random" else "group"
    parts = []
    for fold in range(1, folds + 1):
        chosen = choose(rows, recipe.with_changes(split=split, per_class=0, folds=folds, fold=fold))
        # In cross-validation that part tests; here it validates, and the rest trains.
        parted = split == "group" and parts_swaps(chosen)
        notice = (parted_swaps("validation"),) if parted else ()
        samples = [dataclasses.replace(s, split="val" if s.split == "test" else "train") for s in chosen]
        for name in OPENED:
            check_classes(samples, name, data.path, recipe.unit)
        notices = tuple(dict.fromkeys((*data.notices, *notice)))
        parts.append(dataclasses.replace(data, samples=samples, notices=notices))
    return parts


@dataclass
class Trainer:
    """Runs the trials of one case.

    Attributes:
        parts: the data: one part, or one for each fold.
        conditions: how to train.
        features: the cache for features of frozen backbones; None: no cache.
    """

    parts: Sequence[Data]
    conditions: Conditions
    features: FeatureCache | None
    _stores: dict[tuple[int, int, int], dict[str, Store]] = field(default_factory=dict)

    def run(
        self, recipe: Recipe, folder: Path, report: Report, progressed: Callable[[], None] = lambda: None
    ) -> Result:
        """Train and validate a recipe on every part; a part that the folder holds finished is kept.

        Args:
            recipe: the recipe, resolved.
            folder: the run's folder, or the folder for one run for each fold.
            report: called after every epoch, or with folds after every fold, that is trained now.
            progressed: called after every epoch, with folds too.

        Raises:
            SearchStopped: a crop cannot be read, a part lacks a class, or devices cannot share a batch.
            InputError: the weights cannot be had, or the training diverged.
            Exception: any error of the backend or of `report`.
        """
        start = time.monotonic()
        best: list[Row] = []
        with_features = True
        alone = len(self.parts) == 1

        def watch(history: Sequence[Row]) -> None:
            progressed()
            if alone:
                report(len(history), _best(history, recipe)[recipe.monitor])

        for number, data in enumerate(self.parts):
            run = Run(folder if alone else folder / f"fold-{number + 1}")
            kept = _is_trained(run, recipe)
            if kept:
                run.begin(recipe, data.digest)  # refuses weights that have changed since
            else:
                self._fit(recipe, number, data, run, watch)
            with_features &= run.environment()["features"] == ONCE
            best.append(_best(run.history(), recipe))
            if not alone and not kept:
                report(number + 1, _mean(best, recipe.monitor))
        score = _mean(best, recipe.monitor)
        if not math.isfinite(score):
            raise InputError(f"{recipe.monitor} is {score}")
        facts: dict[str, Any] = {name: _mean(best, name) for name in MEASURED}
        if len(best) > 1:
            facts["folds"] = [row[recipe.monitor] for row in best]
        facts |= {
            "kept_epoch": max(int(row["epoch"]) for row in best),
            "seconds": round(time.monotonic() - start, 2),
            "features": with_features,
        }
        return Result(score, facts)

    def _fit(
        self, recipe: Recipe, number: int, data: Data, run: Run, watch: Callable[[Sequence[Row]], None]
    ) -> None:
        """Train on one part, into a run."""
        keras.backend.clear_session()
        gc.collect()  # free the last trial's model before another is built on the same device
        keras.utils.set_random_seed(recipe.seed)
        with parallel(self.conditions.devices):
            model = build_from_recipe(recipe)
            try:
                stores = self._open(number, data, recipe)
                sizes = {split: len(store) for split, store in stores.items()}
                check_batches(self.conditions.devices, recipe.batch_size, sizes)
                check_clipping(self.conditions.devices, recipe.clip_norm)
            except InputError as error:
                raise SearchStopped(str(error)) from None
            reduced = reduce_model(model) if self.features else "not asked for"
            if recipe.head_epochs:
                reduced = "two phases train two models"
            _drop_other_work(run, recipe, on_features=not isinstance(reduced, str))
            run.begin(recipe, data.digest)
            copy_settings(data.path.parent, run.folder)
            origin = weights_origin(model)
            how = reduced if isinstance(reduced, str) else ONCE
            facts: dict[str, Any] = describe() | data.facts()
            facts |= {"weights": str(origin), "weights_source": origin.source}
            facts |= {"weights_sha256": origin.sha256, "features": how} | self._place(number)
            run.write_environment(facts)
            # history.csv is written before the checkpoint, so after a kill it can be an epoch ahead.
            history = read_state(run.checkpoint)["history"] if run.checkpoint.is_file() else []

            def each(row: Row) -> None:
                history.append(row)
                watch(history)

            if isinstance(reduced, str) or self.features is None:
                fit(model, recipe, stores, run, watch=each)
            else:
                # The same training, of the head on features; then the whole model's weights are written.
                inputs = {
                    split: self.features.store(reduced, model, recipe, store, data.digest)
                    for split, store in stores.items()
                }
                fit(reduced.head, recipe, inputs, run, watch=each)
                # Delete the checkpoint first: a resumed trial would load the whole model's weights into it.
                run.checkpoint.unlink(missing_ok=True)
                save_weights(run.weights, model)
        run.checkpoint.unlink(missing_ok=True)
        seconds = round(sum(row["seconds"] for row in run.history()), 1)
        run.write_environment(facts | {TRAINED: seconds})

    def _place(self, number: int) -> dict[str, Any]:
        """Which part it is; with a search's folds, the rows do not follow from the recipe alone."""
        folds = len(self.parts)
        return {"part": number + 1} | ({"search_fold": [number + 1, folds]} if folds > 1 else {})

    def _open(self, number: int, data: Data, recipe: Recipe) -> dict[str, Store]:
        """Open the training and validation faces, once in a process."""
        key = number, recipe.image_size, recipe.frames
        if key not in self._stores:
            self._stores[key] = open_stores(data, recipe, self.conditions, OPENED)[0]
        return self._stores[key]

    def forget_faces(self) -> None:
        """Open the faces again for the next trial, which shows whether they can still be read."""
        self._stores.clear()


def _is_trained(run: Run, recipe: Recipe) -> bool:
    """Whether the folder holds this recipe's training, from its first epoch to its last."""
    if not (run.weights.is_file() and run.recipe_file.is_file()) or run.recipe() != recipe:
        return False
    return TRAINED in run.environment()


def _drop_other_work(run: Run, recipe: Recipe, *, on_features: bool) -> None:
    """Delete a run of another recipe, or one that trained another part of the model."""
    # The first if the database lost its trial; the second if only one of both had --no-features.
    other = run.recipe_file.is_file() and run.recipe() != recipe
    if not other and run.checkpoint.is_file():
        other = (run.environment().get("features") == ONCE) != on_features
    if other:
        run.delete()


def why_failed(error: BaseException) -> str:
    """The reason why a trial failed, in one line."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
    kind = type(error).__name__
    if isinstance(error, MemoryError) or "ResourceExhausted" in kind or "RESOURCE_EXHAUSTED" in text:
        return f"out of memory: {text}"
    if isinstance(error, InputError):
        return text
    if "NaN" in text:
        return f"diverged: {text}"
    return f"{kind}: {text}"


def _best(history: Sequence[Row], recipe: Recipe) -> Row:
    """The row of the kept epoch: the first of the best."""
    return max(history, key=lambda row: row[recipe.monitor])


def _mean(rows: Sequence[Row], name: str) -> float:
    return float(np.mean([row[name] for row in rows]))
