"""One trial: a recipe in, a run folder and the value of the objective out. Test faces are not opened."""

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

from dfdetect.checkpoint import read_state, save_weights
from dfdetect.data.faces import Store, check_classes
from dfdetect.data.opening import Data
from dfdetect.data.splitting import choose
from dfdetect.devices import check_batches, parallel
from dfdetect.environment import describe
from dfdetect.fitting import Row, fit
from dfdetect.flags import Conditions
from dfdetect.models import weights_origin
from dfdetect.recipe import Recipe
from dfdetect.runs import Run, build_from_recipe
from dfdetect.training import open_stores
from face_extraction.errors import InputError
from face_extraction.settings import copy_settings
from tuning.features import FeatureCache, Reduced, reduce_model

# Called with (epoch or fold, objective so far); it may raise to cut the trial short.
Report = Callable[[int, float], None]
# What a trial records of its kept epoch, or the mean over folds.
MEASURED = ("val_auc", "val_accuracy", "val_loss")
# How a run's features came about, where they were kept.
ONCE = "computed once"


@dataclass(frozen=True)
class Result:
    """What a trial gave.

    Attributes:
        score: the objective.
        facts: numbers for the table, by name.
    """

    score: float
    facts: dict[str, Any]


def parts_of(data: Data, recipe: Recipe, folds: int) -> list[Data]:
    """The data of a trial: as they are, or once for each of `folds` parts that validate in turn.

    The parts are made of the train and val rows, by whole groups, or over single faces where the
    recipe splits so. Test rows keep out.

    Raises:
        InputError: there are not enough groups or faces.
    """
    if not folds:
        return [data]
    rows = [sample for sample in data.samples if sample.split in ("train", "val")]
    split = "random" if recipe.split == "random" else "group"
    parts = []
    for fold in range(1, folds + 1):
        chosen = choose(rows, recipe.with_changes(split=split, per_class=0, folds=folds, fold=fold))
        # In cross-validation that part tests; here it validates, and the rest trains.
        samples = [dataclasses.replace(s, split="val" if s.split == "test" else "train") for s in chosen]
        for name in ("train", "val"):
            check_classes(samples, name, data.path, recipe.unit)
        parts.append(dataclasses.replace(data, samples=samples))
    return parts


@dataclass
class Trainer:
    """Runs the trials of one case.

    Attributes:
        parts: the data, one part or one a fold.
        conditions: how to go about it.
        features: where features of frozen backbones are kept; None: they are not.
    """

    parts: Sequence[Data]
    conditions: Conditions
    features: FeatureCache | None
    _stores: dict[tuple[int, int, int], dict[str, Store]] = field(default_factory=dict)

    def run(self, recipe: Recipe, folder: Path, report: Report) -> Result:
        """Train and validate a recipe, on every part.

        Args:
            recipe: resolved.
            folder: of the run, or of one run a fold.
            report: told of every epoch, or with folds of every fold.

        Raises:
            InputError: the weights cannot be had, a crop cannot be read, or the training diverged.
            Exception: whatever the backend raises, or `report`.
        """
        start = time.monotonic()
        best: list[Row] = []
        with_features = True
        for number, data in enumerate(self.parts):
            alone = len(self.parts) == 1
            run = Run(folder if alone else folder / f"fold-{number + 1}")

            def watch(history: Sequence[Row], alone: bool = alone) -> None:
                if alone:
                    report(len(history), _best(history, recipe)[recipe.monitor])

            with_features &= self._fit(recipe, number, data, run, watch)
            best.append(_best(run.history(), recipe))
            if not alone:
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
    ) -> bool:
        """Train on one part, into a run; tell whether on features computed before."""
        keras.backend.clear_session()
        gc.collect()  # the last trial's model, before another is built on the same device
        keras.utils.set_random_seed(recipe.seed)
        with parallel(self.conditions.devices):
            model = build_from_recipe(recipe)
            stores = self._open(number, data, recipe)
            sizes = {split: len(store) for split, store in stores.items()}
            check_batches(self.conditions.devices, recipe.batch_size, sizes)
            reduced = reduce_model(model) if self.features else "not asked for"
            if recipe.head_epochs:
                reduced = "two phases train two models"
            _drop_other_work(run, recipe, on_features=not isinstance(reduced, str))
            run.begin(recipe, data.digest)
            copy_settings(data.path.parent, run.folder)
            origin = weights_origin(model)
            facts = {"weights": str(origin), "weights_source": origin.source, "weights_sha256": origin.sha256}
            how = reduced if isinstance(reduced, str) else ONCE
            run.write_environment(describe() | data.facts() | facts | {"part": number + 1, "features": how})
            # Not from history.csv, which is written first: after a kill it can be an epoch ahead.
            history = read_state(run.checkpoint)["history"] if run.checkpoint.is_file() else []

            def each(row: Row) -> None:
                history.append(row)
                watch(history)

            if isinstance(reduced, str) or self.features is None:
                fit(model, recipe, stores["train"], stores["val"], run, watch=each)
            else:
                self._fit_head(model, reduced, recipe, data, stores, run, each)
        run.checkpoint.unlink(missing_ok=True)
        return not isinstance(reduced, str)

    def _fit_head(
        self,
        model: keras.Model,
        reduced: Reduced,
        recipe: Recipe,
        data: Data,
        stores: dict[str, Store],
        run: Run,
        watch: Callable[[Row], None],
    ) -> None:
        """Train the head on features, with the same `fit`, and leave the whole model's weights."""
        assert self.features is not None
        inputs = {
            split: self.features.store(reduced, model, recipe, store, data.digest)
            for split, store in stores.items()
        }
        fit(reduced.head, recipe, inputs["train"], inputs["val"], run, watch=watch)
        # The checkpoint first: with it, a trial taken up again would load the whole into the head.
        run.checkpoint.unlink(missing_ok=True)
        save_weights(run.weights, model)

    def _open(self, number: int, data: Data, recipe: Recipe) -> dict[str, Store]:
        """The faces that train and that validate, opened once in a process."""
        key = number, recipe.image_size, recipe.frames
        if key not in self._stores:
            self._stores[key] = open_stores(data, recipe, self.conditions, ("train", "val"))[0]
        return self._stores[key]


def _drop_other_work(run: Run, recipe: Recipe, *, on_features: bool) -> None:
    """Delete what the run's folder holds of another recipe, or of a training of another part of the model."""
    # The one is left by a trial that the database lost, the other by a search without --no-features, or with.
    other = run.recipe_file.is_file() and run.recipe() != recipe
    if not other and run.checkpoint.is_file():
        other = (run.environment().get("features") == ONCE) != on_features
    if other:
        run.delete()


def why_failed(error: BaseException) -> str:
    """The reason of a failed trial, in one line."""
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
    """The row of the epoch that is kept: the first of the best."""
    if not history:
        raise InputError("no epoch was trained; accepted: epochs of 1 or more")
    return max(history, key=lambda row: row[recipe.monitor])


def _mean(rows: Sequence[Row], name: str) -> float:
    return float(np.mean([row[name] for row in rows]))
