"""A whole training: from manifest and recipe to a finished run folder."""

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import keras

from dfdetect.data.clips import ClipStore, InputSize, open_store
from dfdetect.data.faces import Store, check_classes, labelled
from dfdetect.data.opening import Data
from dfdetect.data.paired import open_pairs
from dfdetect.metrics.estimates import choose_threshold
from dfdetect.models.registry import family
from dfdetect.models.weights import check_there, weights_origin
from dfdetect.out_folder import check_writable
from dfdetect.predictions import Predictions
from dfdetect.recipe import PAIRED, Conditions, Recipe
from dfdetect.runs.build import build_from_recipe
from dfdetect.runs.devices import check_batches, check_clipping, parallel
from dfdetect.runs.environment import describe
from dfdetect.runs.folder import RUNS, Run, default_name, started_from
from dfdetect.runs.lineage import training_leaks
from dfdetect.runs.results import Outcome, write_results
from dfdetect.runs.scoring import score_store
from dfdetect.train.early_stopping import Row
from dfdetect.train.fitting import fit
from face_extraction.errors import InputError
from face_extraction.ledger import NO_FACE, TOO_FEW, LedgerRow, read_ledger
from face_extraction.manifest import SPLITS
from face_extraction.missing import extra
from face_extraction.settings import copy_settings
from face_extraction.wording import plural


def resolve(recipe: Recipe) -> Recipe:
    """The recipe with the model's own defaults filled in; what needs no data is checked before any is opened.

    Raises:
        InputError: the model is unknown, or does not take the recipe's image size or options.
    """
    model = family(recipe.model)
    size = recipe.image_size or model.image_size
    model.check_size(size)
    model.check_options(recipe.options)
    return replace(recipe, weights=recipe.weights or model.default_weights, image_size=size)


def check_start(recipe: Recipe, out: Path | None) -> None:
    """Refuse weights that are not there and a folder that cannot take a run, before any data are opened.

    Args:
        recipe: the recipe, resolved.
        out: the run's folder; None for the default.

    Raises:
        InputError: there is no such weights file; the folder is a file, cannot be written or is no run's.
    """
    parent = started_from(recipe)
    check_there(family(recipe.model), str(parent.weights) if parent else recipe.weights)
    if out and not Run(out).finished:
        check_writable(out)
        Run(out).check_is_run()


def default_folder(recipe: Recipe, data: Data) -> Path:
    """The default run folder for this recipe and these data, below runs/."""
    return RUNS / default_name(recipe, data.digest)


def train(recipe: Recipe, data: Data, run: Run, conditions: Conditions, *, overwrite: bool = False) -> None:
    """Train, evaluate and write the run; resume a run that was interrupted.

    Args:
        recipe: the recipe, resolved.
        data: the result of `open_training_data` for this recipe.
        run: the run folder.
        conditions: how to train.
        overwrite: delete the run in the folder as soon as the training can begin.

    Raises:
        InputError: the weights cannot be had, a crop cannot be read, the training diverged, the folder
            holds another run, another process trains in it, or `overwrite` would delete the weights to
            start from or a folder that is no run.
    """
    if overwrite:
        _check_overwrite(recipe, run)
    check_clipping(conditions.devices, recipe.clip_norm)
    watch = _watcher(run, conditions)
    keras.utils.set_random_seed(recipe.seed)
    with ExitStack() as held:
        with parallel(conditions.devices):
            # Cheap checks come before the crops are opened, and before the folder is made.
            model = build_from_recipe(recipe)
            leaks = training_leaks(recipe, data)
            print("".join(f"{line}\n" for line in leaks), end="", flush=True)
            stores, unscored = open_stores(data, recipe, conditions, SPLITS)
            sizes = {split: len(store) for split, store in stores.items()}
            check_batches(conditions.devices, recipe.batch_size, sizes)
            if overwrite:
                run.delete()
            held.enter_context(run.alone())
            run.begin(recipe, data.digest)
            copy_settings(data.path.parent, run.folder)  # prediction must crop as extraction did
            facts = describe() | data.facts() | _clip_facts(stores) | _model_facts(model)
            print(_summary(recipe, facts), flush=True)
            fit(model, recipe, stores, run, watch=watch)
        facts["training_seconds"] = round(sum(row["seconds"] for row in run.history()), 1)
        predictions = {
            split: Predictions(stores[split].samples, score_store(model, stores[split], recipe.batch_size))
            for split in ("val", "test")
        }
        outcome = Outcome(
            recipe=recipe,
            environment=facts,
            predictions=predictions,
            threshold=choose_threshold(predictions["val"]),
            unscored=unscored,
            crops=data.path.parent,
            notices=data.notices,
            leaks=leaks,
        )
        write_results(run, outcome)
        run.checkpoint.unlink(missing_ok=True)


def open_stores(
    data: Data, recipe: Recipe, conditions: Conditions, splits: Sequence[str]
) -> tuple[dict[str, Store], list[LedgerRow]]:
    """Open the faces or clips with known labels of some splits; train and val must be among them.

    Returns:
        A store for each split, and a ledger row for each face or clip that could not be used.

    Raises:
        InputError: train or val lacks a class, or a crop cannot be read and may not be skipped.
    """
    stores: dict[str, Store] = {}
    ledger: list[LedgerRow] = []
    for split in splits:
        samples, title = labelled(data.samples, split), f"open {split}"
        if split == "train" and recipe.augment == PAIRED:
            stores[split], rows = open_pairs(
                data.path, samples, recipe, title=title, cached=conditions.cached
            )
        else:
            stores[split], rows = open_store(
                data.path.parent,
                samples,
                InputSize(recipe.image_size, recipe.frames),
                title=title,
                cached=conditions.cached,
            )
        ledger += rows
    unreadable = _unread(ledger)
    if unreadable and not conditions.skip_unreadable:
        first = unreadable[0]
        raise InputError(
            f"{data.path.parent / first.path}: {first.detail} ({len(unreadable)} unreadable in all); "
            "repair them, or give --unreadable skip to list them and go on"
        )
    for split in ("train", "val"):
        check_classes(stores[split].samples, split, data.path, recipe.unit)
    return stores, ledger


def unread(run: Run) -> str:
    """A line about the crops that a finished run skipped because they are unreadable; "" without any."""
    count = len(_unread(read_ledger(run.unscored))) if run.unscored.is_file() else 0
    return (
        f"{plural(count, 'crop')} could not be read and went into no number: {run.unscored}" if count else ""
    )


def _unread(ledger: Sequence[LedgerRow]) -> list[LedgerRow]:
    # A face without landmarks gives no pair, and a short video no clip, but their files are readable.
    return [row for row in ledger if row.reason not in (TOO_FEW, NO_FACE)]


def _check_overwrite(recipe: Recipe, run: Run) -> None:
    """Refuse to delete a folder that is no run, or that holds the weights to start from."""
    if run.folder.exists():
        run.require_run()
    weights = Path(recipe.weights)
    if weights.exists() and weights.resolve().is_relative_to(run.folder.resolve()):
        raise InputError(
            f"--overwrite would delete --weights {recipe.weights}; accepted: another --out, or weights "
            f"outside {run.folder}"
        )


def _clip_facts(stores: dict[str, Store]) -> dict[str, Any]:
    repeats = {split: store.repeats() for split, store in stores.items() if isinstance(store, ClipStore)}
    return {"clips_that_repeat_a_face": repeats} if repeats else {}


def _model_facts(model: keras.Model) -> dict[str, Any]:
    origin = weights_origin(model)
    return {
        "weights": str(origin),
        "weights_source": origin.source,
        "weights_sha256": origin.sha256,
        "random_layers": list(origin.random),
        "parameters": model.count_params(),
        "trainable_parameters": sum(math.prod(variable.shape) for variable in model.trainable_variables),
    }


def _summary(recipe: Recipe, facts: dict[str, Any]) -> str:
    return (
        f"{recipe.model}: {facts['parameters']:,} parameters, "
        f"{facts['trainable_parameters']:,} of them trained; weights: {facts['weights']}; "
        f"input {f'{recipe.frames} x ' if recipe.frames else ''}{recipe.image_size} x {recipe.image_size}; "
        f"on {', '.join(facts['devices'])}"
    )


def _watcher(run: Run, conditions: Conditions) -> Callable[[Row], None]:
    """The function to call after each epoch; it writes TensorBoard's files, if asked for.

    Raises:
        InputError: TensorBoard is not installed.
    """
    if not conditions.tensorboard:
        return lambda row: None
    try:
        from tensorboard.summary import Writer
    except ImportError:
        raise InputError(f"--tensorboard needs TensorBoard: {extra('tensorboard')}") from None
    # Opened at the first epoch: before training begins, nothing may be written into the folder.
    opened = cache(lambda: Writer(str(run.tensorboard)))

    def watch(row: Row) -> None:
        writer = opened()
        for name, value in row.items():
            if name != "epoch":
                writer.add_scalar(name, value, step=int(row["epoch"]))
        writer.flush()

    return watch
