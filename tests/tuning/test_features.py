"""Features computed once give the training that the faces give."""

from contextlib import nullcontext

import keras
import numpy as np
import pytest

from dfdetect.data.opening import open_training_data
from dfdetect.models.build import build_model
from dfdetect.recipe import Conditions, Recipe
from dfdetect.runs.build import build_from_recipe, load_model
from dfdetect.runs.folder import Run
from dfdetect.train.fitting import phases, start_phase
from face_extraction.errors import InputError
from tuning.features import FeatureCache, Reduced, reduce_model
from tuning.trial import Trainer, parts_of

HEAD = Recipe(
    model="custom_cnn",
    weights="none",
    image_size=32,
    trainable="head",
    dense_units=8,
    dropout=0.4,
    l2=1e-3,
    learning_rate=1e-2,
    epochs=2,
    batch_size=16,
    augment="none",
    # Cheap steps: AdamW's decay, even one of 0, and the schedule take as long as the gradients.
    optimizer="adam",
    schedule="constant",
)


pytestmark = pytest.mark.usefixtures("light")


class Cut(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("augment", ["none", "report-c"])
def test_trials_on_features_go_as_those_on_faces(augment, manifest, tmp_path, monkeypatch):
    recipe = HEAD.with_changes(manifest=str(manifest), augment=augment)
    data = open_training_data(recipe)
    with_features = Trainer([data], Conditions(), FeatureCache(tmp_path / "features"))
    first = with_features.run(recipe, tmp_path / "a", lambda step, value: None)
    assert first.facts["features"]
    tables = sorted((tmp_path / "features").rglob("*.npy"))
    # val has one table; train has one, or one an epoch
    assert len(tables) == (2 if augment == "none" else 3)
    plain = Trainer([data], Conditions(), None).run(recipe, tmp_path / "b", lambda step, value: None)
    assert not plain.facts["features"]
    for row, other in zip(Run(tmp_path / "a").history(), Run(tmp_path / "b").history(), strict=True):
        for name in ("loss", "accuracy", "val_loss", "val_accuracy", "val_auc"):
            assert row[name] == pytest.approx(other[name], abs=1e-4), name
    # The run holds the whole model, not the head alone.
    rgb = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    scores = [load_model(Run(tmp_path / name)).predict(rgb, verbose=0) for name in "ab"]
    np.testing.assert_allclose(*scores, atol=1e-4)

    def refuse(*args):
        raise AssertionError("computed again")

    monkeypatch.setattr("tuning.features._compute", refuse)
    other_head = recipe.with_changes(dense_units=0, learning_rate=0.1)
    assert with_features.run(other_head, tmp_path / "c", lambda step, value: None).facts["features"]


def cut_after_the_first_epoch(trainer, recipe, folder):
    def cut(step, value):
        raise Cut

    with pytest.raises(Cut):
        trainer.run(recipe, folder, cut)
    assert Run(folder).checkpoint.is_file()


@pytest.mark.parametrize("first", ["features", "faces"])
def test_a_cut_trial_is_taken_up_on_features_or_on_faces(first, manifest, tmp_path):
    recipe = HEAD.with_changes(manifest=str(manifest))
    data = open_training_data(recipe)
    trainers = {
        "features": Trainer([data], Conditions(), FeatureCache(tmp_path / "features")),
        "faces": Trainer([data], Conditions(), None),
    }
    cut_after_the_first_epoch(trainers.pop(first), recipe, tmp_path / "run")
    ((second, trainer),) = trainers.items()
    result = trainer.run(recipe, tmp_path / "run", lambda step, value: None)
    assert result.facts["features"] == (second == "features")
    assert [row["epoch"] for row in Run(tmp_path / "run").history()] == [1, 2]


def test_a_trial_that_goes_on_counts_its_epochs_from_the_checkpoint(manifest, tmp_path):
    recipe = HEAD.with_changes(manifest=str(manifest))
    trainer = Trainer([open_training_data(recipe)], Conditions(), None)
    run = Run(tmp_path / "run")
    cut_after_the_first_epoch(trainer, recipe, run.folder)
    (row,) = run.history()
    run.write_history([row, {**row, "epoch": 2, "val_auc": 2.0}])  # as a kill before the checkpoint leaves it
    told = []
    trainer.run(recipe, run.folder, lambda step, value: told.append((step, value)))
    assert told == [(2, max(row["val_auc"] for row in run.history()))]


def test_a_cut_trial_keeps_the_folds_that_were_trained(manifest, tmp_path):
    recipe = HEAD.with_changes(manifest=str(manifest))
    trainer = Trainer(parts_of(open_training_data(recipe), recipe, 2), Conditions(), None)
    epochs, told = [], []

    def cut_in_the_second_fold():
        epochs.append(None)
        if len(epochs) == 3:
            raise Cut

    with pytest.raises(Cut):
        trainer.run(recipe, tmp_path, lambda step, value: told.append(step), cut_in_the_second_fold)
    kept = tmp_path / "fold-1" / "history.csv"
    before = kept.stat().st_mtime_ns
    result = trainer.run(recipe, tmp_path, lambda step, value: told.append(step), lambda: epochs.append(None))
    assert kept.stat().st_mtime_ns == before
    assert (len(epochs), told) == (4, [1, 2])
    each = [max(row["val_auc"] for row in Run(tmp_path / f"fold-{k}").history()) for k in (1, 2)]
    assert result.facts["folds"] == each
    # One whose weights were deleted is trained again.
    Run(tmp_path / "fold-1").weights.unlink()
    trainer.run(recipe, tmp_path, lambda step, value: None)
    assert Run(tmp_path / "fold-1").weights.is_file()


def test_batches_that_devices_cannot_share_are_refused(manifest, tmp_path, monkeypatch):
    recipe = HEAD.with_changes(manifest=str(manifest), batch_size=31)
    monkeypatch.setattr("tuning.trial.parallel", lambda devices: nullcontext())  # one is all there may be
    trainer = Trainer([open_training_data(recipe)], Conditions(devices=2), None)
    with pytest.raises(InputError, match="--devices 2: train has a batch of 1"):
        trainer.run(recipe, tmp_path / "run", lambda step, value: None)


def test_a_backbone_that_is_trained_or_random_is_not_cut():
    part = build_model("custom_cnn", image_size=32, trainable="last:1", dropout=0.5)
    assert reduce_model(part) == "the backbone is trained (from stage4_conv)"
    whole = build_model("custom_cnn", image_size=32, trainable="head", dropout=0.5)
    reduced = reduce_model(whole)
    assert isinstance(reduced, Reduced)
    assert reduced.body.output_shape == (None, 256)
    assert not reduced.body.trainable_variables
    assert {v.path for v in reduced.head.trainable_variables} == {v.path for v in whole.trainable_variables}
    random = reduce_model(build_model("efficientnet_b4", image_size=64, trainable="head"))
    assert "drops features at random in training" in str(random)


def test_the_loss_is_scaled_for_half_precision_as_in_the_whole_model():
    recipe = Recipe(
        model="custom_cnn", image_size=32, weights="none", trainable="head", precision="mixed_float16"
    )
    model = build_from_recipe(recipe)
    reduced = reduce_model(model)
    assert isinstance(reduced, Reduced)
    for part in (model, reduced.head):
        trained = start_phase(part, recipe, phases(recipe)[0], 1)
        assert isinstance(trained.optimizer, keras.optimizers.LossScaleOptimizer), part.name
