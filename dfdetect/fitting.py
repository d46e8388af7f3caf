"""Training: a recipe in, a run out. Validation data choose the epoch; test data are not read here."""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from sklearn.metrics import log_loss, roc_auc_score

from dfdetect.checkpoint import load_checkpoint, reset_seeds, save_checkpoint
from dfdetect.data.faces import Pass, Store, class_weights, epoch_order
from dfdetect.data.pipeline import make_batches
from dfdetect.recipe import Recipe
from dfdetect.runs import Run
from dfdetect.schedule import Schedule
from dfdetect.scoring import score_store
from face_extraction.atomic import atomic_path
from face_extraction.errors import InputError
from face_extraction.progress import Advance, progress

Row = dict[str, float]


@dataclass
class State:
    """What a training has come to, between epochs; kept in the checkpoint.

    Attributes:
        epoch: epochs finished.
        best_epoch: the best of them, from 1; 0 before the first.
        best: its value of the monitored metric, signed so that more is better.
        history: one row an epoch.
    """

    epoch: int = 0
    best_epoch: int = 0
    best: float = -math.inf
    history: list[Row] = field(default_factory=list)


def compile_model(model: keras.Model, recipe: Recipe, steps: int) -> None:
    """Give the model the recipe's loss, optimizer and schedule.

    Args:
        model: a model of `dfdetect.models`.
        recipe: the recipe.
        steps: steps of the whole training, which the schedule spans.
    """
    rate = Schedule(recipe.schedule, recipe.learning_rate, steps, recipe.warmup)
    model.compile(
        optimizer=make_optimizer(recipe, rate),
        loss=keras.losses.BinaryCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=[keras.metrics.BinaryAccuracy(name="accuracy")],
    )


def make_optimizer(recipe: Recipe, rate: Schedule) -> keras.optimizers.Optimizer:
    """The recipe's optimizer. Weight decay leaves biases and normalisation alone.

    Weight decay is decoupled from the gradient for every optimizer (Loshchilov and Hutter 2019).
    SGD has a momentum of .9, the field's usual.
    """
    kinds: dict[str, Callable[..., Any]] = {
        "adamw": keras.optimizers.AdamW,
        "adam": keras.optimizers.Adam,
        "nadam": keras.optimizers.Nadam,
        "sgd": keras.optimizers.SGD,
    }
    extra = {"momentum": 0.9} if recipe.optimizer == "sgd" else {}
    # Keras skips the work for None, which its AdamW does not take.
    decay = recipe.weight_decay if recipe.optimizer == "adamw" else recipe.weight_decay or None
    optimizer = kinds[recipe.optimizer](rate, weight_decay=decay, **extra)
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def fit(
    model: keras.Model,
    recipe: Recipe,
    train: Store,
    val: Store,
    run: Run,
    *,
    watch: Callable[[Row], None] = lambda row: None,
) -> None:
    """Train `model`, going on from the run's checkpoint if there is one; leave the best weights in it.

    The order, augmentation and dropout of an epoch follow from the seed and the epoch's number
    alone, so a training that was killed and resumed goes the way of one that was not.

    Args:
        model: the model, not compiled.
        recipe: the recipe.
        train: training faces or clips.
        val: validation faces or clips, which choose the best epoch.
        run: the folder; `best.weights.h5`, `history.csv` and, meanwhile, the checkpoint go there.
        watch: called with each epoch's row of the history.

    Raises:
        InputError: the loss is not a number, or the checkpoint is of another model.
    """
    steps = Pass(train, np.arange(len(train)), recipe.batch_size).steps
    compile_model(model, recipe, steps * recipe.epochs)
    state = State()
    if run.checkpoint.is_file():
        state = State(**load_checkpoint(run.checkpoint, model))
    while state.epoch < recipe.epochs and not _patience_spent(state, recipe):
        row = _train_epoch(model, recipe, train, state.epoch)
        row |= _validate(model, val, recipe.batch_size)
        _record(state, row, recipe, model, run)
        print(_line(row, recipe, state.best_epoch), flush=True)
        watch(row)
    _keep_best(state, model, run)


def _train_epoch(model: keras.Model, recipe: Recipe, train: Store, epoch: int) -> Row:
    reset_seeds(model, recipe.seed, epoch)
    faces = Pass(
        train,
        epoch_order(train.labels, seed=recipe.seed, epoch=epoch, balance=recipe.balance),
        recipe.batch_size,
        recipe.augment,
        (recipe.seed, epoch),
        class_weights(train.labels) if recipe.balance == "weights" else None,
    )
    start = time.monotonic()
    with _epoch_bar(epoch, recipe, faces) as bar:
        # Our own loop over epochs, one `fit` each: all state lives between two calls.
        history = model.fit(
            make_batches(faces),
            initial_epoch=epoch,
            epochs=epoch + 1,
            verbose=0,
            shuffle=False,
            callbacks=[bar],
        ).history
    seconds = time.monotonic() - start
    loss = history["loss"][0]
    if not math.isfinite(loss):
        raise InputError(
            f"training diverged: the loss of epoch {epoch + 1} is {loss}; try a lower --learning-rate "
            f"than {recipe.learning_rate} or --precision float32"
        )
    return {
        "epoch": epoch + 1,
        "learning_rate": float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)),
        "loss": loss,
        "accuracy": history["accuracy"][0],
        "seconds": round(seconds, 3),
        "faces_per_second": round(len(faces.order) * max(1, recipe.frames) / seconds, 2),
    }


def _validate(model: keras.Model, val: Store, batch_size: int) -> Row:
    """Loss, accuracy at 0.5 and exact AUC on validation faces or clips."""
    p_fake = score_store(model, val, batch_size)
    return {
        "val_loss": float(log_loss(val.labels, np.clip(p_fake, 1e-7, 1 - 1e-7), labels=[0, 1])),
        "val_accuracy": float(np.mean((p_fake >= 0.5) == val.labels)),
        "val_auc": float(roc_auc_score(val.labels, p_fake)),
    }


def _record(state: State, row: Row, recipe: Recipe, model: keras.Model, run: Run) -> None:
    """Count the epoch, keep its weights if they are the best, then write the checkpoint.

    In this order, and with the epoch in the weights' name: whenever a kill comes, the checkpoint on
    disk names a weights file that is there.
    """
    value = row[recipe.monitor] * (-1 if recipe.monitor == "val_loss" else 1)
    old = state.best_epoch
    state.epoch += 1
    state.history.append(row)
    if value > state.best:
        state.best, state.best_epoch = value, state.epoch
        with atomic_path(run.epoch_weights(state.epoch)) as temporary:
            model.save_weights(temporary)
    run.write_history(state.history)
    save_checkpoint(run.checkpoint, model, dataclasses.asdict(state))
    if old and old != state.best_epoch:
        run.epoch_weights(old).unlink(missing_ok=True)


def _keep_best(state: State, model: keras.Model, run: Run) -> None:
    """Leave the best epoch's weights in the model and under their final name."""
    best = run.epoch_weights(state.best_epoch)
    if best.is_file():
        best.replace(run.weights)
    for leftover in run.folder.glob("epoch-*.weights.h5"):
        leftover.unlink()
    if not run.weights.is_file():
        # No epoch was trained: the run holds the weights it was given.
        with atomic_path(run.weights) as temporary:
            model.save_weights(temporary)
    model.load_weights(run.weights)


def _patience_spent(state: State, recipe: Recipe) -> bool:
    return 0 < recipe.early_stopping <= state.epoch - state.best_epoch


def _line(row: Row, recipe: Recipe, best_epoch: int) -> str:
    mark = "  best" if row["epoch"] == best_epoch else ""
    return (
        f"epoch {row['epoch']:>3}/{recipe.epochs}  loss {row['loss']:.4f}  accuracy {row['accuracy']:.3f}  "
        f"val loss {row['val_loss']:.4f}  accuracy {row['val_accuracy']:.3f}  AUC {row['val_auc']:.3f}  "
        f"{row['faces_per_second']:.1f} faces/s{mark}"
    )


@contextmanager
def _epoch_bar(epoch: int, recipe: Recipe, faces: Pass) -> Iterator[keras.callbacks.Callback]:
    with progress(f"epoch {epoch + 1}/{recipe.epochs}", len(faces.order), unit=f"{recipe.unit}s") as advance:
        yield _Bar(advance, faces)


class _Bar(keras.callbacks.Callback):  # type: ignore[misc]
    """Moves the progress bar after each batch."""

    def __init__(self, advance: Advance, faces: Pass) -> None:
        super().__init__()
        self._advance, self._faces = advance, faces

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        done = min(self._faces.batch_size, len(self._faces.order) - batch * self._faces.batch_size)
        self._advance(done, f"loss {logs['loss']:.4f}" if logs else "")
