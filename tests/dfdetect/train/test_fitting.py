"""Training in epochs: what is kept, resumed, stopped and refused."""

import dataclasses
import gc
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from dfdetect.data.augment import augment
from dfdetect.data.faces import FaceStore, epoch_order
from dfdetect.recipe import BALANCES, OPTIMIZERS, Recipe
from dfdetect.render.figures.curves import best_epoch
from dfdetect.runs.checkpoint import save_checkpoint
from dfdetect.runs.folder import Run
from dfdetect.train.fitting import fit, phases, start_phase, train_epoch
from dfdetect.train.schedule import Schedule
from face_extraction.errors import InputError

from ..fitted import RECIPE, by_split, train


class Killed(BaseException):
    """Stands for a kill: nothing may catch it."""


PATIENT = {"schedule": "one-cycle", "early_stopping": 1, "epochs": 6, "batch_size": 8}
TWO_PHASES = {"head_epochs": 2, "head_learning_rate": 0.05, "epochs": 2, "ema": 0.7}


@pytest.fixture
def eager(monkeypatch):
    """Steps run without a graph, which takes longer to make than a few steps. JAX compiles as ever."""
    if keras.backend.backend() == "tensorflow":
        always = property(lambda model: True, lambda model, value: None)
        monkeypatch.setattr(keras.Model, "run_eagerly", always)


@pytest.fixture
def counted(monkeypatch):
    """Epochs are not trained but counted, and add 1 to each weight; the numbers of those that were."""
    numbers = []

    def count(model, recipe, train, epoch):
        numbers.append(epoch)
        model.optimizer.build(model.trainable_variables)
        for weight in model.weights:
            weight.assign(weight + 1)
        row = {"epoch": epoch + 1, "learning_rate": 0.1, "loss": 1.0, "accuracy": 0.5}
        return row | {"seconds": 1.0, "faces_per_second": 1.0}

    monkeypatch.setattr("dfdetect.train.fitting.train_epoch", count)
    return numbers


def check_resumed(stores, make_model, folder, recipe, *lasts):
    """A training that is killed after one of these epochs, and resumed, ends as one that was not."""
    whole = make_model()

    def copy(row):
        if row["epoch"] in lasts:  # what a kill leaves now
            shutil.copytree(folder / "whole", folder / f"cut{row['epoch']}")

    expected = train(whole, stores, folder / "whole", recipe, watch=copy)
    for last in lasts:
        assert (folder / f"cut{last}").is_dir()
        resumed = make_model(seed=7)  # as a new process would: nothing of the old model is left
        run = train(resumed, stores, folder / f"cut{last}", recipe)

        timing = ("seconds", "faces_per_second")
        for left, right in zip(run.history(), expected.history(), strict=True):
            for name in left.keys() - timing:
                assert left[name] == pytest.approx(right[name], rel=1e-4, abs=1e-6), (last, name)
        for left, right in zip(resumed.weights, whole.weights, strict=True):
            np.testing.assert_allclose(left.numpy(), right.numpy(), rtol=1e-3, atol=1e-5)


# With graphs: test_training.py.
@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("changes", "lasts"),
    [
        # In the head's phase, at its end, and after it.
        (TWO_PHASES, (1, 2, 3)),
        # Where patience is spent by then, and where it is not.
        (PATIENT, (1, 3)),
    ],
    ids=["two phases", "patience"],
)
def test_a_training_killed_after_an_epoch_and_resumed_ends_as_one_that_was_not(
    stores, make_model, tmp_path, changes, lasts
):
    lasts = lasts[-1:] if keras.backend.backend() == "jax" else lasts  # each compiles anew there
    check_resumed(stores, make_model, tmp_path, dataclasses.replace(RECIPE, **changes), *lasts)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    "changes",
    [
        *({"optimizer": name} for name in OPTIMIZERS),
        {"balance": "sampling", "l2": 1e-2, "label_smoothing": 0.1},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_a_killed_training_goes_on_with_each_optimizer_and_loss(stores, make_model, tmp_path, changes):
    recipe = dataclasses.replace(RECIPE, **changes, epochs=3)
    check_resumed(stores, make_model, tmp_path, recipe, 2)


def test_a_kill_in_an_epoch_redoes_that_epoch_alone(stores, make_model, tmp_path, monkeypatch, counted):
    whole = make_model()
    train(whole, stores, tmp_path / "whole")
    import dfdetect.train.fitting as module

    saved = []

    def killed(*args):
        saved.append(args)
        if len(saved) == 2:
            raise Killed
        save_checkpoint(*args)

    with monkeypatch.context() as patch:
        # After the best weights are on disk, before the checkpoint says so.
        patch.setattr(module, "save_checkpoint", killed)
        with pytest.raises(Killed):
            train(make_model(), stores, tmp_path / "cut")
    again = make_model(seed=3)
    run = train(again, stores, tmp_path / "cut")
    assert counted == [0, 1, 2, 3, 0, 1, 1, 2, 3]
    assert len(run.history()) == RECIPE.epochs
    for left, right in zip(again.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(left.numpy(), right.numpy())


def test_the_best_epoch_by_validation_is_what_is_kept(stores, make_model, tmp_path, monkeypatch):
    import dfdetect.train.fitting as module

    aucs = iter((0.6, 0.9, 0.7, 0.9))  # of equals the first
    saved = {}
    model = make_model()

    def validate(*args):
        return {"val_loss": 1.0, "val_accuracy": 0.5, "val_auc": next(aucs)}

    def keep(row):
        saved[row["epoch"]] = [weight.numpy() for weight in model.weights]

    monkeypatch.setattr(module, "_validate", validate)
    run = train(model, stores, tmp_path / "run", dataclasses.replace(RECIPE, batch_size=8), watch=keep)
    assert [row["val_auc"] for row in run.history()] == [0.6, 0.9, 0.7, 0.9]
    rate = Schedule("cosine", 0.02, 12, RECIPE.warmup)  # 20 faces are 3 steps of 8, the last one smaller
    assert [row["learning_rate"] for row in run.history()] == pytest.approx(
        [float(rate(step)) for step in (3, 6, 9, 12)], abs=1e-8
    )
    for kept, second in zip(model.weights, saved[2], strict=True):
        np.testing.assert_array_equal(kept.numpy(), second)
    fresh = make_model(seed=5)
    fresh.load_weights(run.weights)
    np.testing.assert_array_equal(fresh.weights[0].numpy(), saved[2][0])
    assert not list(run.folder.glob("epoch-*"))
    assert not list(run.folder.glob(".tmp-*"))


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 4), (0, 5)])
def test_early_stopping_counts_epochs_without_a_better_one(
    stores, make_model, tmp_path, monkeypatch, patience, epochs
):
    import dfdetect.train.fitting as module

    losses = iter((1.0, 0.5, 0.6, 0.7, 0.8))
    monkeypatch.setattr(
        module, "_validate", lambda *a: {"val_loss": next(losses), "val_accuracy": 0.5, "val_auc": 0.5}
    )
    recipe = dataclasses.replace(RECIPE, epochs=5, early_stopping=patience, monitor="val_loss")
    assert len(train(make_model(), stores, tmp_path / "run", recipe).history()) == epochs


def test_a_trained_model_leaves_nothing_in_memory(stores, make_model, tmp_path):
    def graphs():
        keras.utils.clear_session()
        return sum(type(thing).__name__ == "FuncGraph" for thing in gc.get_objects())

    before = graphs()
    train(make_model(), stores, tmp_path / "run", dataclasses.replace(RECIPE, epochs=1))
    assert graphs() == before


@pytest.mark.usefixtures("counted")
def test_the_last_epoch_is_kept_where_the_recipe_says_so(stores, make_model, tmp_path, monkeypatch):
    import dfdetect.train.fitting as module

    aucs = iter((0.9, 0.5, 0.6))
    monkeypatch.setattr(
        module, "_validate", lambda *a: {"val_loss": 1.0, "val_accuracy": 0.5, "val_auc": next(aucs)}
    )
    model, saved = make_model(), {}
    run = train(
        model,
        stores,
        tmp_path / "run",
        dataclasses.replace(RECIPE, epochs=3, monitor="epoch"),
        watch=lambda row: saved.update({row["epoch"]: [w.numpy() for w in model.weights]}),
    )
    assert best_epoch(run.history(), "epoch") == 3
    for kept, third, first in zip(model.weights, saved[3], saved[1], strict=True):
        np.testing.assert_array_equal(kept.numpy(), third)
        assert not np.array_equal(third, first)


def test_training_learns_and_scores_the_validation_split_exactly(stores, make_model, tmp_path):
    recipe = dataclasses.replace(RECIPE, epochs=12, augment="none", batch_size=8)
    model = make_model()
    history = train(model, stores, tmp_path / "run", recipe).history()
    assert history[-1]["loss"] < 0.6 * history[0]["loss"]
    best = max(row["val_auc"] for row in history)
    faces = np.stack([stores[1].load(i) for i in range(len(stores[1]))])
    p_fake = model.predict(faces, verbose=0)[:, 0]
    pairs = [(f > r) + (f == r) / 2 for f in p_fake[1::2] for r in p_fake[::2]]
    assert np.mean(pairs) == pytest.approx(best)
    assert best > 0.9
    kept = next(row for row in history if row["val_auc"] == best)
    assert kept["val_accuracy"] == np.mean((p_fake >= 0.5) == (stores[1].labels == 1)) > 0.5


class Recorder:
    """Stands for a model: keeps what it is given to train on."""

    optimizer = SimpleNamespace(learning_rate=0.1)

    def __init__(self):
        self.dropout = keras.layers.Dropout(0.5)

    def _flatten_layers(self):
        return [self.dropout]

    def fit(self, batches, **how):
        self.given = batches
        return SimpleNamespace(history={"loss": [1.0], "accuracy": [0.5]})


@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (0, 3), (5, 3)])
@pytest.mark.parametrize("balance", BALANCES)
def test_an_epoch_is_drawn_from_its_number_and_the_recipe(stores, monkeypatch, balance, seed, epoch):
    monkeypatch.setattr("dfdetect.train.fitting.make_batches", lambda faces: faces)
    few = stores[0].subset([0, 1, 2, 4])  # three reals and a fake
    recipe = dataclasses.replace(RECIPE, seed=seed, balance=balance, augment="strong", epochs=9)
    model = Recorder()
    row = train_epoch(model, recipe, few, epoch)
    order = epoch_order(few.labels, seed=seed, epoch=epoch, balance=balance)
    assert row["epoch"] == epoch + 1
    state = np.random.SeedSequence((seed, epoch, 0)).generate_state(2)
    assert model.dropout.seed_generator.state.numpy().tolist() == state.tolist()
    assert model.given.order.tolist() == order.tolist()
    weights = (2 / 3, 2) if balance == "weights" else (1, 1)
    for position, index in enumerate(order):
        drawn = augment(few.load(index), "strong", np.random.default_rng((seed, epoch, position)))
        np.testing.assert_array_equal(model.given.item(position), drawn)
        assert model.given.targets()[1][position] == pytest.approx(weights[few.labels[index]])


@pytest.mark.parametrize(("frames", "faces"), [(0, 4), (3, 12)])
def test_the_speed_of_an_epoch_is_its_faces_by_the_seconds_of_its_steps(stores, monkeypatch, frames, faces):
    class Slow(Recorder):
        def fit(self, batches, **how):
            time.sleep(0.05)
            return super().fit(batches, **how)

    monkeypatch.setattr("dfdetect.train.fitting.make_batches", lambda faces: faces)
    start = time.monotonic()
    row = train_epoch(Slow(), dataclasses.replace(RECIPE, frames=frames), stores[0].subset([0, 1, 2, 4]), 0)
    assert 0.05 <= row["seconds"] <= time.monotonic() - start + 0.001
    assert row["faces_per_second"] == pytest.approx(faces / row["seconds"], rel=0.02)


@pytest.mark.usefixtures("eager")
def test_an_epoch_moves_its_bar_by_each_batch_and_prints_nothing_else(
    stores, make_model, monkeypatch, capsys
):
    shown = []

    @contextmanager
    def bar(title, total, *, unit):
        shown.append((title, total, unit))
        yield lambda done, note: shown.append(done)

    monkeypatch.setattr("dfdetect.train.fitting.progress", bar)
    recipe = dataclasses.replace(RECIPE, batch_size=8)  # 20 faces are batches of 8, 8 and 4
    train_epoch(start_phase(make_model(), recipe, *phases(recipe), 3), recipe, stores[0], 1)
    assert shown[0] == ("epoch   2/4", 20, "faces")
    assert sorted(shown[1:]) == [4, 8, 8]  # threads move it, in any order
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("eager")
def test_validation_faces_are_not_augmented(stores, make_model, tmp_path):
    recipe, model = dataclasses.replace(RECIPE, epochs=1, augment="strong"), make_model()
    (row,) = train(model, stores, tmp_path / "run", recipe).history()
    faces = np.stack([stores[1].load(i) for i in range(len(stores[1]))])
    p_fake = model.predict(faces, verbose=0)[:, 0].astype(float)
    of_label = np.where(stores[1].labels == 1, p_fake, 1 - p_fake)
    assert row["val_loss"] == pytest.approx(-np.log(of_label).mean(), abs=1e-5)


@pytest.mark.usefixtures("eager")
def test_a_loss_that_is_no_number_ends_in_one_line(stores, make_model, tmp_path):
    recipe = dataclasses.replace(RECIPE, learning_rate=1e30, optimizer="sgd", warmup=0.0)
    with pytest.raises(
        InputError,
        match=r"diverged: the loss of epoch \d is (nan|inf); try a lower --learning-rate than 1e\+30$",
    ):
        train(make_model(), stores, tmp_path / "run", recipe)


@pytest.mark.usefixtures("eager")
def test_scores_that_are_no_numbers_end_in_one_line(stores, make_model, tmp_path):
    """One step an epoch: its loss is that before the step that goes wrong."""
    recipe = dataclasses.replace(RECIPE, learning_rate=1e30, optimizer="sgd", warmup=0.0, batch_size=64)
    with pytest.raises(InputError, match=r"diverged: (the scores are not numbers|the loss of epoch 2)"):
        train(make_model(), stores, tmp_path / "run", recipe)


def test_zero_epochs_keep_the_weights_given(stores, make_model, tmp_path):
    model = make_model()
    before = [weight.numpy() for weight in model.weights]
    run = train(model, stores, tmp_path / "run", dataclasses.replace(RECIPE, epochs=0))
    assert run.history() == []
    fresh = make_model(seed=9)
    fresh.load_weights(run.weights)
    for left, right in zip(fresh.weights, before, strict=True):
        np.testing.assert_array_equal(left.numpy(), right)


@pytest.mark.usefixtures("eager")
def test_class_weights_move_the_scores(stores, make_model, tmp_path):
    samples = [s for s in stores[0].samples if s.label == 0] + [s for s in stores[0].samples if s.label == 1][
        :2
    ]
    few = FaceStore(stores[0].folder, samples, 16)
    means = {}
    for balance in ("none", "weights"):
        recipe = dataclasses.replace(RECIPE, balance=balance, epochs=3, augment="none", batch_size=4)
        model = make_model()
        train(model, [few, stores[1]], tmp_path / balance, recipe)
        means[balance] = model.predict(np.stack([few.load(i) for i in range(12)]), verbose=0).mean()
    assert means["weights"] > means["none"]


@pytest.mark.usefixtures("eager")
def test_the_head_is_trained_alone_first_each_phase_with_its_own_schedule(stores, make_model, tmp_path):
    recipe = dataclasses.replace(RECIPE, **TWO_PHASES | {"ema": 0.0}, schedule="constant", warmup=0.0)
    model = make_model()
    seen = [[weight.numpy() for weight in model.weights]]
    run = train(
        model,
        stores,
        tmp_path / "run",
        recipe,
        watch=lambda row: seen.append([w.numpy() for w in model.weights]),
    )
    head = {weight.path for weight in model.get_layer("logit").weights}
    for epoch, (before, after) in enumerate(itertools.pairwise(seen), start=1):
        for weight, left, right in zip(model.weights, before, after, strict=True):
            moved = not np.array_equal(left, right)
            assert moved == (epoch > 2 or weight.path in head), (epoch, weight.path)
    assert [(row["phase"], row["learning_rate"]) for row in run.history()] == [
        (1, pytest.approx(0.05)),
        (1, pytest.approx(0.05)),
        (2, pytest.approx(0.02)),
        (2, pytest.approx(0.02)),
    ]


@pytest.mark.usefixtures("counted")
def test_patience_begins_with_the_last_phase_and_the_best_epoch_may_lie_before_it(
    stores, make_model, tmp_path, monkeypatch
):
    import dfdetect.train.fitting as module

    aucs = iter((0.9, 0.5, 0.6, 0.7, 0.8))
    monkeypatch.setattr(
        module, "_validate", lambda *a: {"val_loss": 1.0, "val_accuracy": 0.5, "val_auc": next(aucs)}
    )
    recipe = dataclasses.replace(RECIPE, head_epochs=3, epochs=9, early_stopping=2)
    model, saved = make_model(), {}
    run = train(
        model,
        stores,
        tmp_path / "run",
        recipe,
        watch=lambda row: saved.update({row["epoch"]: [w.numpy() for w in model.weights]}),
    )
    assert len(run.history()) == 5
    for kept, first in zip(model.weights, saved[1], strict=True):
        np.testing.assert_array_equal(kept.numpy(), first)


@pytest.mark.usefixtures("eager")
def test_validation_and_the_weights_kept_are_those_of_the_running_average(
    stores, make_model, tmp_path, monkeypatch
):
    import dfdetect.train.fitting as module

    # One step an epoch, so that the weights after each step can be seen; each epoch is the best yet.
    recipe = dataclasses.replace(RECIPE, batch_size=20, ema=0.6)
    model, latest, validated = make_model(), [], []

    def validate(model, *args):
        validated.append([weight.numpy() for weight in model.trainable_variables])
        return {"val_loss": 1.0, "val_accuracy": 0.5, "val_auc": len(validated) / 10}

    monkeypatch.setattr(module, "_validate", validate)
    train(
        model,
        stores,
        tmp_path / "run",
        recipe,
        watch=lambda row: latest.append([weight.numpy() for weight in model.trainable_variables]),
    )
    average = latest[0]
    for weights, seen in zip(latest, validated, strict=True):
        average = [0.6 * old + 0.4 * new for old, new in zip(average, weights, strict=True)]
        for left, right in zip(average, seen, strict=True):
            np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-7)
    assert not np.allclose(average[0], latest[-1][0], rtol=1e-3)
    for left, right in zip(average, model.trainable_variables, strict=True):
        np.testing.assert_allclose(left, right.numpy(), rtol=1e-5, atol=1e-7)


def test_phases_and_averages_on_the_other_backend():
    pytest.importorskip("jax")
    other = "tensorflow" if keras.backend.backend() == "jax" else "jax"
    names = "alone_first or running_average or saturated or (resumed and phases)"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", __file__, "-k", names],
        env={
            **os.environ,
            "KERAS_BACKEND": other,
            "JAX_PLATFORMS": "cpu",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
    )
    assert "4 passed" in done.stdout, done.stdout


def test_each_phase_has_a_schedule_over_its_own_steps(make_model):
    changes = {"head_epochs": 2, "head_learning_rate": 0.4, "epochs": 3, "schedule": "cosine", "warmup": 0.0}
    recipe, model = dataclasses.replace(RECIPE, **changes), make_model()
    for phase, peak, steps in zip(phases(recipe), (0.4, RECIPE.learning_rate), (20, 30), strict=True):
        trained = start_phase(model, recipe, phase, 10)
        rates = []
        for step in (0, steps // 2, steps):
            trained.optimizer.iterations.assign(step)
            rates.append(float(trained.optimizer.learning_rate))
        assert rates == pytest.approx([peak, peak / 2, 0], abs=1e-7)


def test_label_smoothing_is_in_the_loss(make_model):
    recipe = Recipe(label_smoothing=0.2)
    trained = start_phase(make_model(), recipe, *phases(recipe), 1)
    value = trained.loss(np.array([[1.0]], "float32"), np.array([[np.log(0.7 / 0.3)]], "float32"))
    assert float(value) == pytest.approx(-0.9 * np.log(0.7) - 0.1 * np.log(0.3), rel=1e-5)


@pytest.mark.usefixtures("eager")
def test_the_loss_of_a_saturated_score_still_has_a_gradient(make_model):
    """At a logit of 40 the sigmoid is 1 in single precision, and passes no gradient on."""
    recipe = Recipe(optimizer="sgd", learning_rate=0.5)
    model = make_model()
    bias = model.get_layer("logit").bias
    bias.assign([40.0])
    trained = start_phase(model, recipe, *phases(recipe), 1)
    faces, labels = np.zeros((2, 16, 16, 3), np.uint8), np.array([[0.0], [1.0]], "float32")

    told = trained.train_on_batch(faces, labels, return_dict=True)

    assert told["loss"] == pytest.approx(20, abs=0.5)
    assert told["accuracy"] == 0.5
    # Half the gradient of one sample: the other is called right.
    assert float(bias.numpy()[0]) == pytest.approx(40 - 0.5 * 0.5, abs=1e-4)
    assert model.predict_on_batch(faces)[0, 0] == 1


@pytest.mark.usefixtures("counted")
def test_weights_of_the_best_epoch_that_are_gone_are_missed(stores, make_model, tmp_path):
    def kill(row):
        raise Killed

    with pytest.raises(Killed):
        train(make_model(), stores, tmp_path / "run", watch=kill)
    Run(tmp_path / "run").epoch_weights(1).unlink()
    recipe = dataclasses.replace(RECIPE, monitor="val_loss", early_stopping=1)
    run = Run(tmp_path / "run")
    state = json.loads(str(np.load(run.checkpoint)["state"]))
    assert state["best_epoch"] == 1
    with pytest.raises(InputError, match=r"epoch-0001\.weights\.h5: the weights of the best epoch are gone"):
        fit(make_model(), dataclasses.replace(recipe, epochs=1), by_split(stores), run)
