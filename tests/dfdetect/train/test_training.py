"""Training: who is trained on, who chooses, and that a kill changes nothing."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dfdetect.data.opening import open_training_data
from dfdetect.recipe import Conditions, Recipe
from dfdetect.runs.folder import Run
from dfdetect.train.training import default_folder, open_stores
from face_extraction.errors import InputError
from face_extraction.manifest import SPLITS, read_manifest, write_manifest

from ..small import SMALL, run

pytestmark = pytest.mark.usefixtures("blank")


def test_the_same_seed_gives_the_same_scores(manifest, tmp_path, lightly):
    with lightly():
        for name in ("a", "b"):
            run(manifest, tmp_path / name)
    first, second = (Run(tmp_path / name).predictions("test").p_fake for name in ("a", "b"))
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_training_faces_alone_are_trained_on_and_validation_faces_choose(manifest, tmp_path, monkeypatch):
    given = []

    def refuse(model, recipe, stores, run, **more):
        given.extend(stores[split] for split in ("train", "val"))
        raise InputError("no training here")

    monkeypatch.setattr("dfdetect.train.training.fit", refuse)
    assert run(manifest, tmp_path / "run") == 2
    for store, split in zip(given, ("train", "val"), strict=True):
        assert store.samples == [row for row in read_manifest(manifest) if row.split == split]


def test_faces_of_unknown_label_are_neither_trained_nor_tested_on(manifest):
    rows = read_manifest(manifest)
    unknown = [
        replace(row, label=-1) for row in rows if row.path in ("faces/train-3.png", "faces/test-4.png")
    ]
    named = {row.path for row in unknown}
    write_manifest(manifest, [row for row in rows if row.path not in named] + unknown)
    recipe = Recipe(manifest=str(manifest), image_size=24)
    stores, unscored = open_stores(open_training_data(recipe), recipe, Conditions(), SPLITS)
    assert {split: len(store) for split, store in stores.items()} == {"train": 23, "val": 12, "test": 11}
    assert all(set(store.labels.tolist()) == {0, 1} for store in stores.values())
    assert unscored == []


def test_without_a_folder_a_run_lies_below_runs_by_its_own_name(manifest):
    recipe = Recipe(manifest=str(manifest), model="meso4")
    folder = default_folder(recipe, open_training_data(recipe))
    assert folder.parent == Path("runs")
    assert folder.name.startswith("meso4-")


def test_weights_of_a_run_start_another(manifest, tmp_path, lightly):
    with lightly():
        run(manifest, tmp_path / "first")
    first = Run(tmp_path / "first")
    assert run(manifest, tmp_path / "second", "--weights", str(first.folder), "--epochs", "0") == 0
    np.testing.assert_allclose(
        Run(tmp_path / "second").predictions("test").p_fake, first.predictions("test").p_fake, atol=1e-6
    )


def test_killed_with_signal_9_and_started_again_it_ends_as_if_nothing_had_happened(manifest, tmp_path):
    command = [sys.executable, "-m", "dfdetect.train", *SMALL, "--manifest", str(manifest), "--epochs", "6"]
    run(manifest, tmp_path / "whole", "--epochs", "6")
    process = subprocess.Popen([*command, "--out", str(tmp_path / "cut")], stderr=subprocess.DEVNULL)
    checkpoint = Run(tmp_path / "cut").checkpoint
    end = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert checkpoint.exists()
    assert not Run(tmp_path / "cut").finished
    assert run(manifest, tmp_path / "cut", "--epochs", "6") == 0
    cut, whole = Run(tmp_path / "cut"), Run(tmp_path / "whole")
    assert [row["epoch"] for row in cut.history()] == [1, 2, 3, 4, 5, 6]
    assert [row["loss"] for row in cut.history()] == pytest.approx(
        [row["loss"] for row in whole.history()], rel=1e-3
    )
    np.testing.assert_allclose(cut.predictions("test").p_fake, whole.predictions("test").p_fake, atol=1e-3)
