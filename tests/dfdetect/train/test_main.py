"""The training command, run as a user runs it, on drawn squares."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from dfdetect.data.opening import open_training_data
from dfdetect.evaluate import __main__ as evaluate
from dfdetect.metrics.estimates import choose_threshold
from dfdetect.models.build import build_model
from dfdetect.recipe import Conditions, Recipe
from dfdetect.render.figures.curves import best_epoch
from dfdetect.runs.folder import Run
from dfdetect.train import __main__ as train
from dfdetect.train.training import open_stores
from face_extraction.errors import InputError
from face_extraction.lock import alone
from face_extraction.manifest import SPLITS, manifest_hash, read_manifest, write_manifest
from face_extraction.settings import CropSpec, ExtractionSettings, write_settings

SMALL = [
    "--model",
    "custom_cnn",
    "--image-size",
    "32",
    "--batch-size",
    "8",
    "--epochs",
    "2",
    "--augment",
    "none",
]


@pytest.fixture
def manifest(make_manifest):
    return make_manifest(train=24, val=12, test=12)


def run(manifest, out, *more):
    return train.main([*SMALL, "--manifest", str(manifest), "--out", str(out), *more])


def test_a_run_folder_holds_all_that_was_promised(manifest, tmp_path, capsys):
    out = tmp_path / "run"
    assert run(manifest, out) == 0
    names = {path.name for path in out.iterdir()} - {".lock"}
    promised = {
        "recipe.toml",
        "environment.json",
        "history.csv",
        "best.weights.h5",
        "predictions-val.csv",
        "predictions-test.csv",
        "unscored.csv",
        "metrics.json",
        "MODEL_CARD.md",
        "index.html",
        "figures",
    }
    assert names == promised
    facts = json.loads((out / "environment.json").read_text())
    assert facts["manifest_sha256"] == manifest_hash(manifest)
    assert facts["weights_source"] == "none"
    assert facts["packages"]["keras"]
    assert "look at" in capsys.readouterr().out

    result = Run(out)
    assert result.recipe().weights == "none"  # what the recipe left to the model is written out
    samples = [sample for sample in read_manifest(manifest) if sample.split == "test"]
    predictions = result.predictions("test")
    assert [sample.path for sample in predictions.samples] == [sample.path for sample in samples]
    assert result.metrics()["test"]["face"].n == 12
    val = result.predictions("val")
    # Validation faces alone chose the epoch and the threshold.
    (kept,) = (row for row in result.history() if row["epoch"] == best_epoch(result.history(), "val_auc"))
    log_loss = result.metrics()["val"]["face"].estimates["log_loss"].value
    assert kept["val_loss"] == pytest.approx(log_loss, abs=1e-5)
    assert result.threshold() == choose_threshold(val)
    right = (val.p_fake >= result.threshold()) == val.labels
    balanced = (right[val.labels == 0].mean() + right[val.labels == 1].mean()) / 2
    assert result.metrics()["val"]["face"].estimates["balanced_accuracy"].value == pytest.approx(balanced)


def test_a_finished_run_is_shown_and_not_trained_again(manifest, tmp_path, capsys):
    run(manifest, tmp_path / "run")
    before = (tmp_path / "run" / "best.weights.h5").stat().st_mtime_ns
    assert run(manifest, tmp_path / "run") == 0
    assert "finished already" in capsys.readouterr().out
    assert (tmp_path / "run" / "best.weights.h5").stat().st_mtime_ns == before
    assert run(manifest, tmp_path / "run", "--seed", "1") == 2
    # Not "--overwrite" alone: cross-validation says the same, and has no such flag.
    words = "seed 0, not 1; give another --out, or delete that folder (dfdetect.train: --overwrite)"
    assert words in capsys.readouterr().err
    assert run(manifest, tmp_path / "run", "--seed", "1", "--overwrite") == 0


def test_the_same_seed_gives_the_same_scores(manifest, tmp_path):
    for name in ("a", "b"):
        run(manifest, tmp_path / name)
    first, second = (Run(tmp_path / name).predictions("test").p_fake for name in ("a", "b"))
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_a_folder_that_is_no_run_is_left_alone(manifest, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    assert run(manifest, tmp_path / "mine") == 2
    assert "holds files and is no run" in capsys.readouterr().err
    assert run(manifest, tmp_path / "mine", "--overwrite") == 2
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_one_process_at_a_time_trains_in_a_folder(manifest, tmp_path, capsys):
    with Run(tmp_path / "run").alone():
        writing = tmp_path / "run" / ".tmp-1-recipe.toml"
        writing.write_text("half of it")
        assert run(manifest, tmp_path / "run") == 2
        assert writing.exists()
    assert f"{tmp_path / 'run'}: another process writes into it" in capsys.readouterr().err
    assert run(manifest, tmp_path / "run") == 0
    assert not writing.exists()
    with Run(tmp_path / "run").alone():
        assert run(manifest, tmp_path / "run", "--overwrite") == 2
    assert Run(tmp_path / "run").finished


def test_overwrite_deletes_nothing_before_the_training_can_begin(manifest, tmp_path, capsys):
    out = tmp_path / "run"
    run(manifest, out)
    weights = Run(out).weights
    before = weights.stat().st_mtime_ns
    assert run(manifest, out, "--overwrite", "--weights", "nowhere.h5") == 2
    for own in (out, weights):
        capsys.readouterr()
        assert run(manifest, out, "--overwrite", "--weights", str(own)) == 2
        assert f"--overwrite would delete --weights {own}; accepted:" in capsys.readouterr().err
    (manifest.parent / "faces" / "val-3.png").write_bytes(b"")
    assert run(manifest, out, "--overwrite") == 2
    assert weights.stat().st_mtime_ns == before
    assert Run(out).finished


def test_an_unreadable_crop_is_fatal_or_listed_by_choice(manifest, tmp_path, capsys):
    broken = manifest.parent / "faces" / "test-3.png"
    broken.write_bytes(broken.read_bytes()[:50])
    assert run(manifest, tmp_path / "run") == 2
    assert "test-3.png" in capsys.readouterr().err
    assert run(manifest, tmp_path / "run", "--unreadable", "skip") == 0
    assert "faces/test-3.png,unreadable," in (tmp_path / "run" / "unscored.csv").read_text()
    assert len(Run(tmp_path / "run").predictions("test")) == 11


def test_training_faces_alone_are_trained_on_and_validation_faces_choose(manifest, tmp_path, monkeypatch):
    given = []

    def refuse(model, recipe, train, val, run, **more):
        given.extend([train, val])
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


def test_without_a_test_split_the_page_says_so(make_manifest, tmp_path, capsys):
    assert run(make_manifest(train=24, val=12, test=0), tmp_path / "run") == 0
    assert set(Run(tmp_path / "run").metrics()) == {"val"}
    assert "There is no test split" in (tmp_path / "run" / "index.html").read_text()


def test_a_manifest_that_changed_is_another_run(make_manifest, tmp_path, capsys):
    run(make_manifest(train=24, val=12, test=12), tmp_path / "run")
    assert run(make_manifest(train=28, val=12, test=12), tmp_path / "run") == 2
    assert "manifest_sha256" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "xeption"], "nearest: xception"),
        (["--manifest", "nowhere.csv"], "nowhere.csv: no such manifest"),
        (["--weights", "imagenet"], "custom_cnn has no ImageNet weights; accepted: none, or a weights file"),
        (["--weights", "nowhere.h5"], "nowhere.h5"),
        (["--trainable", "last:99"], "last:99"),
        (["--option", "unitz=3"], "unknown option of custom_cnn 'unitz' (nearest: units)"),
        (["--option", "whole=true"], "unknown option of custom_cnn 'whole'"),
        (["--devices", "9"], "--devices 9; this machine has"),
        (["--devices", "-1"], "--devices -1; accepted: 1 or more, or 0 for all"),
        (["--option", "units=0"], "custom_cnn: option units 0; accepted: a whole number from 1 to 65,536"),
        (["--weights", ""], "--weights is empty"),
        (["--manifest", ""], "--manifest is empty"),
        (["--weights", "."], ".: not a run folder"),
    ],
)
def test_wrong_use_is_one_line_status_2_and_leaves_nothing(manifest, tmp_path, capsys, arguments, words):
    assert run(manifest, tmp_path / "run", *arguments) == 2
    assert not (tmp_path / "run").exists()
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("python -m dfdetect.train: ")
    assert words in error


def test_help_comes_within_half_a_second_and_without_keras():
    for command in ("train", "evaluate", "predict", "export"):
        show = f"from dfdetect.{command} import __main__; __main__._parser().format_help()"
        code = f"import sys; {show}; print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert not {"keras", "tensorflow", "dlib", "cv2"} & set(done.stdout.split()), command


def test_tensorboard_files_hold_the_history(manifest, tmp_path):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run(manifest, tmp_path / "run", "--tensorboard")
    log = events.EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    log.Reload()
    history = Run(tmp_path / "run").history()
    values = [float(event.tensor_proto.float_val[0]) for event in log.Tensors("val_loss")]
    assert values == pytest.approx([row["val_loss"] for row in history])


def test_without_tensorboard_its_files_are_refused_before_a_crop_is_read(
    manifest, tmp_path, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "tensorboard.summary", None)

    def refuse(*args):
        raise AssertionError("crops were opened")

    monkeypatch.setattr("dfdetect.train.training.open_stores", refuse)
    assert run(manifest, tmp_path / "run", "--tensorboard") == 2
    assert "--tensorboard needs TensorBoard" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_evaluate_on_another_manifest_keeps_the_threshold(manifest, make_manifest, tmp_path, capsys):
    run(manifest, tmp_path / "run")
    other = make_manifest(train=0, val=0, test=10, seed=5, folder=tmp_path / "other")
    (tmp_path / "other/faces/test-0.png").write_bytes(b"")
    status = evaluate.main([str(tmp_path / "run"), "--manifest", str(other), "--name", "o"])
    results = Run(tmp_path / "run").evaluation("o")
    assert status == 1  # a face was not scored
    assert results.threshold() == Run(tmp_path / "run").threshold()
    assert results.metrics()["test"]["face"].n == 9
    assert "test-0.png" in results.unscored.read_text()
    assert "1 faces were not scored" in capsys.readouterr().out


def test_an_evaluation_stays_inside_its_run(manifest, tmp_path, capsys, monkeypatch):
    run(manifest, tmp_path / "run", "--epochs", "0")
    victim = Run(shutil.copytree(tmp_path / "run", tmp_path / "victim")).metrics_file
    before = victim.stat().st_mtime_ns
    monkeypatch.setattr("dfdetect.runs.results.score", lambda *args, **kwargs: pytest.fail("it was scored"))
    for name in ("../../victim", "..", "", str(tmp_path / "victim")):
        assert evaluate.main([str(tmp_path / "run"), "--name", name]) == 2
        assert f"evaluation name {name!r}; accepted: one plain name" in capsys.readouterr().err
    assert victim.stat().st_mtime_ns == before


def test_crops_cut_otherwise_than_those_of_training_are_told(manifest, make_manifest, tmp_path, capsys):
    write_settings(manifest.parent, ExtractionSettings())
    run(manifest, tmp_path / "run", "--epochs", "0")
    other = make_manifest(train=0, val=0, test=10, seed=5, folder=tmp_path / "other")
    command = [str(tmp_path / "run"), "--manifest", str(other), "--name"]
    notice = (
        "These faces were extracted with other settings than those of training: "
        "min_face 90 (in training 60), margin 0.5 (in training 0.3)."
    )
    write_settings(other.parent, ExtractionSettings())
    assert evaluate.main([*command, "alike"]) == 0
    assert "These faces were extracted" not in capsys.readouterr().out
    write_settings(other.parent, ExtractionSettings(min_face=90, crop=CropSpec(margin=0.5)))
    assert evaluate.main([*command, "unlike"]) == 0
    assert notice in capsys.readouterr().out
    assert notice in (tmp_path / "run" / "evaluations" / "unlike" / "index.html").read_text()


def test_a_run_is_evaluated_from_any_working_directory(manifest, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(manifest.parent)
    run(manifest.name, "run", "--epochs", "0")
    result = Run(manifest.parent / "run")
    assert result.recipe().manifest == manifest.name  # as typed: the name of its folder hangs on it
    assert result.environment()["manifest"] == str(manifest)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert evaluate.main([str(result.folder), "--name", "again"]) == 0
    assert "not known" not in capsys.readouterr().out
    assert result.evaluation("again").metrics()["test"]["face"].n == 12


def test_an_evaluation_that_could_not_be_written_is_refused_before_it_is_scored(manifest, tmp_path, capsys):
    run(manifest, tmp_path / "run", "--epochs", "0")
    command = [str(tmp_path / "run"), "--name"]
    capsys.readouterr()
    with alone(Run(tmp_path / "run").evaluation("taken").folder):
        assert evaluate.main([*command, "taken"]) == 2
    (tmp_path / "run" / "evaluations" / "file").write_text("")
    assert evaluate.main([*command, "file"]) == 2
    said = capsys.readouterr().err
    assert "taken: another process writes into it" in said
    assert "file: not a folder" in said
    assert "score test" not in said


@pytest.mark.filterwarnings("ignore:Skipping nested container")  # before Keras raises the error
def test_damaged_weights_are_named(manifest, tmp_path, capsys):
    run(manifest, tmp_path / "run", "--epochs", "0")
    weights = Run(tmp_path / "run").weights
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    assert evaluate.main([str(tmp_path / "run")]) == 2
    assert f"{weights}: torn, or not of the recipe's model: " in capsys.readouterr().err
    build_model("custom_cnn", image_size=32, units=9).save_weights(weights)
    assert evaluate.main([str(tmp_path / "run")]) == 2
    assert f"{weights}: torn, or not of the recipe's model: " in capsys.readouterr().err


def test_a_trial_of_a_search_says_what_to_do_with_it(manifest, tmp_path, capsys):
    run(manifest, tmp_path / "run", "--epochs", "0")
    trial = Run(tmp_path / "run")
    trial.write_environment({**trial.environment(), "part": 1})
    trial.metrics_file.unlink()
    assert evaluate.main([str(trial.folder)]) == 2
    words = f"it is a trial of a search: train its recipe, dfdetect.train --recipe {trial.recipe_file}"
    assert words in capsys.readouterr().err


def test_evaluating_groups_that_were_trained_on_is_said(manifest, tmp_path, capsys):
    run(manifest, tmp_path / "run")
    assert evaluate.main([str(tmp_path / "run"), "--split", "train"]) == 0
    assert "6 of the groups scored were trained on" in capsys.readouterr().out


def test_the_runs_own_split_and_the_manifests_are_two_evaluations(manifest, tmp_path):
    run(manifest, tmp_path / "run", "--split", "group", "--seed", "3", "--epochs", "0")
    for arguments in ([], ["--manifest", str(manifest)]):
        assert evaluate.main([str(tmp_path / "run"), *arguments]) == 0
    folders = sorted((tmp_path / "run" / "evaluations").iterdir())
    start = f"{manifest.parent.name}-{manifest_hash(manifest)[:8]}-"
    assert {folder.name for folder in folders} == {f"{start}group3-test", f"{start}test"}
    rows = [{sample.path for sample in Run(folder).predictions("test").samples} for folder in folders]
    assert rows[0] != rows[1]


def test_evaluating_without_the_training_manifest_says_what_is_not_known(
    manifest, make_manifest, tmp_path, capsys
):
    run(manifest, tmp_path / "run")
    other = make_manifest(train=0, val=0, test=4, seed=5, folder=tmp_path / "other")
    manifest.unlink()
    assert evaluate.main([str(tmp_path / "run"), "--manifest", str(other)]) == 0
    assert "gone or changed: what was trained on is not known" in capsys.readouterr().out


def test_weights_of_a_run_start_another(manifest, tmp_path):
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


def test_the_page_names_what_makes_the_losses_differ(manifest, tmp_path):
    run(manifest, tmp_path / "run", "--l2", "0.01", "--label-smoothing", "0.1", "--balance", "weights")
    words = "in training (with dropout, the L2 penalty, label smoothing, class weights) and in validation"
    assert words in (tmp_path / "run" / "index.html").read_text()


def test_faces_that_were_cut_otherwise_are_other_data(manifest, tmp_path, capsys):
    """The manifest's rows may be equal, byte for byte, though the pixels are not."""
    out = tmp_path / "run"
    write_settings(manifest.parent, ExtractionSettings())
    assert run(manifest, out) == 0
    write_settings(manifest.parent, ExtractionSettings(crop=CropSpec(align=True)))
    capsys.readouterr()

    assert run(manifest, out) == 2
    assert "(other faces, or cut otherwise); give another --out" in capsys.readouterr().err
    assert evaluate.main([str(out)]) == 0
    shown = capsys.readouterr().out
    assert "or how its faces were cut, changed since the run was trained on it" in shown
    assert "align True (in training False)" in shown


def test_what_cannot_be_measured_is_said_in_a_line(manifest, tmp_path, capsys):
    out = tmp_path / "run"
    assert run(manifest.parent, out) == 0  # a manifest may be named by its folder
    samples = read_manifest(manifest)
    for label, line in (
        (-1, "No face here has a known label: the faces are scored, and nothing is measured on them."),
        (0, "All labelled faces here are real: AUC, EER and balanced accuracy need both classes."),
    ):
        write_manifest(manifest, [replace(sample, label=label) for sample in samples])
        capsys.readouterr()
        assert evaluate.main([str(out), "--manifest", str(manifest.parent), "--name", f"x{label}"]) == 0
        shown = capsys.readouterr().out
        assert line in shown
        assert ("accuracy" in shown.replace(line, "")) == (label == 0)
        assert line in (out / "evaluations" / f"x{label}" / "index.html").read_text()
        assert run(manifest, tmp_path / "other") == 2
        assert "has no" in capsys.readouterr().err
