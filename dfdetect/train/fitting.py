"""Training: from a recipe to the best weights. The val split chooses the epoch; test is not read here."""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

import keras
import numpy as np
from sklearn.metrics import log_loss

from dfdetect.data.faces import Pass, Store, class_weights, epoch_order
from dfdetect.data.pipeline import make_batches
from dfdetect.metrics.measures import exact_auc
from dfdetect.models.blocks import set_trainable
from dfdetect.models.head import logits_of
from dfdetect.models.registry import family
from dfdetect.recipe import LOGISTIC, PAIRED, Recipe
from dfdetect.runs.checkpoint import load_checkpoint, read_state, reset_seeds, save_checkpoint, save_weights
from dfdetect.runs.devices import dtype_policy
from dfdetect.runs.folder import Run
from dfdetect.runs.scoring import score_store
from dfdetect.train.early_stopping import Row, State
from dfdetect.train.head_start import start_head
from dfdetect.train.optimization import averaged, make_optimizer
from dfdetect.train.schedule import Schedule
from face_extraction.errors import InputError
from face_extraction.progress import Advance, progress


@dataclass(frozen=True)
class Phase:
    """A stretch of epochs with its own optimizer and schedule.

    Attributes:
        start: epochs before the phase.
        end: epochs by the end of the phase.
        trainable: what is trained, as in the recipe.
        learning_rate: the highest learning rate.
    """

    start: int
    end: int
    trainable: str
    learning_rate: float


def phases(recipe: Recipe) -> list[Phase]:
    """The phases of a training: the head alone, if the recipe asks for it, then the recipe's `trainable`."""
    head, total = recipe.head_epochs, recipe.head_epochs + recipe.epochs
    last = Phase(head, total, recipe.trainable, recipe.learning_rate)
    return [Phase(0, head, "head", recipe.head_learning_rate), last] if head else [last]


def start_phase(model: keras.Model, recipe: Recipe, phase: Phase, steps: int) -> keras.Model:
    """Make the phase's layers trainable, and compile with the recipe's loss and a new optimizer.

    Args:
        model: a model of `dfdetect.models`.
        recipe: the recipe.
        phase: the phase.
        steps: steps an epoch; the schedule spans the phase.

    Returns:
        The model to train: the same layers up to `logit`. The loss takes logits, because a sigmoid rounds
        to 0 or 1 and then passes no gradient on. TensorFlow finds the logits behind `p_fake` by itself,
        JAX does not.
    """
    if recipe.head_epochs:  # a training with one phase keeps the layers trainable as they were built
        set_trainable(model, family(recipe.model), phase.trainable)
    span = steps * (phase.end - phase.start)
    rate = Schedule(recipe.schedule, phase.learning_rate, span, recipe.warmup)
    with dtype_policy(model.dtype_policy.name):  # by it, compiling decides whether the loss is scaled
        trained = keras.Model(model.input, logits_of(model))
    trained.compile(
        optimizer=make_optimizer(recipe, rate),
        loss=keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
        # A logit of 0 is a p_fake of 0.5. `BinaryAccuracy` takes no such threshold.
        metrics=[
            keras.metrics.MeanMetricWrapper(keras.metrics.binary_accuracy, name="accuracy", threshold=0.0)
        ],
    )
    return trained


def fit(
    model: keras.Model,
    recipe: Recipe,
    stores: Mapping[str, Store],
    run: Run,
    *,
    watch: Callable[[Row], None] = lambda row: None,
) -> None:
    """Train `model`, from the run's checkpoint if there is one; leave the best weights in it.

    The seed and the epoch's number alone decide the order, augmentation and dropout of an epoch, so a
    training that was killed and resumed takes the same course as one that was not.

    The best epoch can come from any phase. Early stopping ends only the last phase: it neither cuts
    the head's epochs short nor counts them as epochs without improvement. With `ema`, the running
    average of the weights is validated and kept; a second phase starts from the latest weights, with
    an average of its own.

    Args:
        model: the model, not compiled.
        recipe: the recipe.
        stores: the faces or clips of "train", and those of "val", which choose the best epoch.
        run: receives `best.weights.h5`, `history.csv` and, during training, the checkpoint.
        watch: called with each epoch's row of the history.

    Raises:
        InputError: the loss is not a number, or the checkpoint fits another model, or its weights are gone.
    """
    train, val = stores["train"], stores["val"]
    steps = Pass(train, np.arange(len(train)), recipe.batch_size).steps
    state = State(**read_state(run.checkpoint)) if run.checkpoint.is_file() else State()
    finished = state.epoch
    if recipe.head_start == LOGISTIC and not finished:
        start_head(model, _epoch_pass(recipe, train, 0))
    for phase in phases(recipe):
        if phase.end < finished:
            continue
        trained = start_phase(model, recipe, phase, steps)
        if phase.start < finished:
            # The checkpoint holds the optimizer of the phase that its last epoch belongs to.
            load_checkpoint(run.checkpoint, trained)
        while state.epoch < phase.end and not state.patience_spent(recipe):
            row = train_epoch(trained, recipe, train, state.epoch)
            with averaged(trained, recipe):
                row |= _validate(model, val, recipe)
                _keep_if_best(state, row, recipe, model, run)
            _record(state, trained, run)
            print(_line(row, recipe, state.best_epoch), flush=True)
            watch(row)
    _keep_best(state, model, run)


def _epoch_pass(recipe: Recipe, train: Store, epoch: int) -> Pass:
    """The training faces of an epoch, in its order and with its augmentation."""
    return Pass(
        train,
        epoch_order(
            train.labels,
            seed=recipe.seed,
            epoch=epoch,
            balance=recipe.balance,
            paired=recipe.augment == PAIRED,
        ),
        recipe.batch_size,
        recipe.augment,
        (recipe.seed, epoch),
        class_weights(train.labels) if recipe.balance == "weights" else None,
    )


def train_epoch(model: keras.Model, recipe: Recipe, train: Store, epoch: int) -> Row:
    """Train one epoch; the seed and the epoch's number draw its order, augmentation and dropout.

    Args:
        model: the one that `start_phase` returned.
        recipe: the recipe.
        train: training faces or clips.
        epoch: its number, from 0.

    Returns:
        The training columns of the history's row, with the learning rate at the end of the epoch.

    Raises:
        InputError: the loss is not a number.
    """
    reset_seeds(model, recipe.seed, epoch)
    faces = _epoch_pass(recipe, train, epoch)
    start = time.monotonic()
    with _epoch_bar(epoch, recipe, faces) as bar:
        # Our own loop with one `fit` an epoch: between two calls all state is in our hands.
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
        raise _diverged(f"the loss of epoch {epoch + 1} is {loss}", recipe)
    row: Row = {"epoch": epoch + 1}
    if recipe.head_epochs:
        row["phase"] = 1 if epoch < recipe.head_epochs else 2
    return row | {
        "learning_rate": float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)),
        "loss": loss,
        "accuracy": history["accuracy"][0],
        "seconds": round(seconds, 3),
        "faces_per_second": round(len(faces.order) * max(1, recipe.frames) / seconds, 2),
    }


def _diverged(what: str, recipe: Recipe) -> InputError:
    mixed = " or --precision float32" if recipe.precision != "float32" else ""
    return InputError(
        f"training diverged: {what}; try a lower --learning-rate than {recipe.learning_rate}{mixed}"
    )


def _validate(model: keras.Model, val: Store, recipe: Recipe) -> Row:
    """Loss, accuracy at 0.5 and exact AUC on validation faces or clips."""
    p_fake = score_store(model, val, recipe.batch_size)
    if not np.isfinite(p_fake).all():  # the epoch's loss misses this: it is from before the last step
        raise _diverged("the scores are not numbers", recipe)
    return {
        "val_loss": float(log_loss(val.labels, np.clip(p_fake, 1e-7, 1 - 1e-7), labels=[0, 1])),
        "val_accuracy": float(np.mean((p_fake >= 0.5) == val.labels)),
        "val_auc": exact_auc(val.labels, p_fake),
    }


def _keep_if_best(state: State, row: Row, recipe: Recipe, model: keras.Model, run: Run) -> None:
    """Count the epoch, and keep the model's weights if they are the best so far."""
    if state.count(row, recipe):
        save_weights(run.epoch_weights(state.epoch), _bare(model))


def _record(state: State, trained: keras.Model, run: Run) -> None:
    """Write history and checkpoint, then delete the weights of earlier best epochs.

    This order, and the epoch in the file's name, ensure that after a kill at any moment the checkpoint
    on disk names a weights file that exists.
    """
    run.write_history(state.history)
    save_checkpoint(run.checkpoint, trained, dataclasses.asdict(state))
    for path in run.folder.glob("epoch-*.weights.h5"):
        if path != run.epoch_weights(state.best_epoch):
            path.unlink()


def _keep_best(state: State, model: keras.Model, run: Run) -> None:
    """Leave the best epoch's weights in the model and under their final name."""
    best = run.epoch_weights(state.best_epoch)
    if best.is_file():
        best.replace(run.weights)
    elif state.best_epoch and not run.weights.is_file():
        raise InputError(
            f"{best}: the weights of the best epoch are gone; dfdetect.train --overwrite trains again"
        )
    for leftover in run.folder.glob("epoch-*.weights.h5"):
        leftover.unlink()
    if not run.weights.is_file():
        # No epoch was trained: keep the weights that the run started with.
        save_weights(run.weights, _bare(model))
    _bare(model).load_weights(run.weights)


def _bare(model: keras.Model) -> keras.Model:
    """The same layers without the optimizer, whose state would fill two thirds of a weights file."""
    return keras.Model(model.input, model.output)


def _title(epoch: float, recipe: Recipe) -> str:
    phase = "  head" if epoch <= recipe.head_epochs else ""
    return f"epoch {epoch:>3}/{recipe.head_epochs + recipe.epochs}{phase}"


def _line(row: Row, recipe: Recipe, best_epoch: int) -> str:
    mark = "  best" if row["epoch"] == best_epoch and recipe.monitor != "epoch" else ""
    return (
        f"{_title(row['epoch'], recipe)}  loss {row['loss']:.4f}  accuracy {row['accuracy']:.3f}  "
        f"val loss {row['val_loss']:.4f}  accuracy {row['val_accuracy']:.3f}  AUC {row['val_auc']:.3f}  "
        f"{row['faces_per_second']:.1f} faces/s{mark}"
    )


@contextmanager
def _epoch_bar(epoch: int, recipe: Recipe, faces: Pass) -> Iterator[keras.callbacks.Callback]:
    with progress(_title(epoch + 1, recipe), len(faces.order), unit=f"{recipe.unit}s") as advance:
        yield _Bar(advance, faces)


class _Bar(keras.callbacks.Callback):  # type: ignore[misc]
    """Moves the progress bar after each batch."""

    # Keras then calls it in threads, and the next step does not wait for this step's loss.
    async_safe = True

    def __init__(self, advance: Advance, faces: Pass) -> None:
        super().__init__()
        self._advance, self._faces = advance, faces
        self._lock = Lock()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        done = min(self._faces.batch_size, len(self._faces.order) - batch * self._faces.batch_size)
        with self._lock:
            self._advance(done, f"loss {logs['loss']:.4f}" if logs else "")
