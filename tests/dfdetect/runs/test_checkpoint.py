"""Checkpoints and weights: whole or refused."""

import dataclasses
import shutil

import keras
import numpy as np
import pytest

from dfdetect.runs.checkpoint import load_checkpoint, reset_seeds, save_checkpoint, save_weights
from dfdetect.runs.folder import Run
from dfdetect.train.fitting import fit, phases, start_phase
from face_extraction.errors import InputError

from ..fitted import RECIPE, by_split


def test_dropout_is_drawn_from_the_seed_the_epoch_and_the_layer():
    image = keras.Input((200,))
    model = keras.Model(image, [keras.layers.Dropout(0.5)(image) for _ in range(2)])
    ones = np.ones((1, 200), "float32")

    def masks(seed, epoch):
        reset_seeds(model, seed, epoch)
        return [np.array(mask) for mask in model(ones, training=True)]

    first = masks(0, 0)
    different = [*first, *masks(0, 1), *masks(1, 0)]
    assert len({mask.tobytes() for mask in different}) == 6
    for left, right in zip(first, masks(0, 0), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("content", [b"PK\x03\x04 torn", b"", b"words", b"\x93NUMPY"])
def test_a_torn_checkpoint_is_named(stores, make_model, tmp_path, content):
    run = Run(tmp_path / "run")
    run.begin(RECIPE, "digest")
    run.checkpoint.write_bytes(content)
    with pytest.raises(InputError, match=r"checkpoint\.npz: not a checkpoint"):
        fit(make_model(), RECIPE, by_split(stores), run)


def test_a_checkpoint_of_another_optimizer_is_refused(make_model, tmp_path):
    models = []
    for name in ("adamw", "sgd"):
        recipe = dataclasses.replace(RECIPE, optimizer=name)
        models.append(start_phase(make_model(), recipe, *phases(recipe), 1))
        models[-1].optimizer.build(models[-1].trainable_variables)
    save_checkpoint(tmp_path / "checkpoint.npz", models[0], {})
    load_checkpoint(tmp_path / "checkpoint.npz", models[0])
    with pytest.raises(InputError, match=r"checkpoint\.npz: a checkpoint of another model; delete it"):
        load_checkpoint(tmp_path / "checkpoint.npz", models[1])


def test_weights_that_the_disk_cannot_hold_are_refused_before_they_are_written(
    make_model, tmp_path, monkeypatch
):
    path, model = tmp_path / "best.weights.h5", make_model()
    save_weights(path, model)
    before = path.read_bytes()

    usage = shutil.disk_usage(tmp_path)._replace(free=len(before) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(OSError, match="No space left on device") as failure:
        save_weights(path, model)

    assert failure.value.filename == str(path)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(path.name, before)]


def test_a_checkpoint_that_would_fill_the_memory_is_refused(make_model, tmp_path):
    model = start_phase(make_model(), RECIPE, *phases(RECIPE), 1)
    model.optimizer.build(model.trainable_variables)
    path = tmp_path / "checkpoint.npz"
    save_checkpoint(path, model, {})
    with np.load(path) as arrays:
        packed = {**arrays, "model/0": np.zeros(10**6)}
    np.savez_compressed(path, **packed)
    with pytest.raises(InputError, match="model/0 is too large"):
        load_checkpoint(path, model)
