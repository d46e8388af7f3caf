"""The training command, run as a user runs it, on drawn squares."""

import json
import sys
from dataclasses import replace

import pytest

from dfdetect.evaluate import __main__ as evaluate
from dfdetect.metrics.estimates import choose_threshold
from dfdetect.render.figures.curves import best_epoch
from dfdetect.runs.folder import Run
from face_extraction.manifest import manifest_hash, read_manifest, write_manifest
from face_extraction.settings import CropSpec, ExtractionSettings, write_settings

from ..small import run

pytestmark = pytest.mark.usefixtures("light")
UNTRAINED = ("--epochs", "0")  # a whole run, with the weights that it started with


def test_a_run_folder_holds_all_that_was_promised(manifest, tmp_path, capsys):
    out = tmp_path / "run"
    assert run(manifest, out) == 0
    names = {path.name for path in out.iterdir()} - {".lock"}
    promised = {
        "recipe.toml",
        "environment.json",
        "history.csv",
        "best.weights.h5",
        "calibration.json",
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
    run(manifest, tmp_path / "run", *UNTRAINED)
    before = (tmp_path / "run" / "best.weights.h5").stat().st_mtime_ns
    assert run(manifest, tmp_path / "run", *UNTRAINED) == 0
    assert "already finished" in capsys.readouterr().out
    assert (tmp_path / "run" / "best.weights.h5").stat().st_mtime_ns == before
    assert run(manifest, tmp_path / "run", *UNTRAINED, "--seed", "1") == 2
    # Not "--overwrite" alone: cross-validation says the same, and has no such flag.
    words = "seed 0, not 1; give another --out, or delete that folder (dfdetect.train: --overwrite)"
    assert words in capsys.readouterr().err
    assert run(manifest, tmp_path / "run", *UNTRAINED, "--seed", "1", "--overwrite") == 0


def test_a_folder_that_is_no_run_is_left_alone(manifest, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    assert run(manifest, tmp_path / "mine") == 2
    assert "holds files but is no run" in capsys.readouterr().err
    assert run(manifest, tmp_path / "mine", "--overwrite") == 2
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_one_process_at_a_time_trains_in_a_folder(manifest, tmp_path, capsys):
    with Run(tmp_path / "run").alone():
        writing = tmp_path / "run" / ".tmp-1-recipe.toml"
        writing.write_text("half of it")
        assert run(manifest, tmp_path / "run") == 2
        assert writing.exists()
    assert f"{tmp_path / 'run'}: another process writes into it" in capsys.readouterr().err
    assert run(manifest, tmp_path / "run", *UNTRAINED) == 0
    assert not writing.exists()
    with Run(tmp_path / "run").alone():
        assert run(manifest, tmp_path / "run", "--overwrite") == 2
    assert Run(tmp_path / "run").finished


def test_overwrite_deletes_nothing_before_the_training_can_begin(manifest, tmp_path, capsys):
    out = tmp_path / "run"
    run(manifest, out, *UNTRAINED)
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
    assert run(manifest, tmp_path / "run", "--unreadable", "skip") == 1
    line = f"1 crop could not be read and went into no number: {tmp_path / 'run' / 'unscored.csv'}\n"
    assert capsys.readouterr().out.endswith(line)
    assert "faces/test-3.png,unreadable," in (tmp_path / "run" / "unscored.csv").read_text()
    assert len(Run(tmp_path / "run").predictions("test")) == 11


def test_a_manifest_that_changed_is_another_run(make_manifest, tmp_path, capsys):
    run(make_manifest(train=24, val=12, test=12), tmp_path / "run", *UNTRAINED)
    assert run(make_manifest(train=28, val=12, test=12), tmp_path / "run", *UNTRAINED) == 2
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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--weights", "nowhere.h5"], "nowhere.h5: no such weights file"),
        (["--weights", "."], ".: not a run folder"),
        (["--out", "FILE"], "file.txt: not a folder; give another --out"),
        (["--out", "FILE/run"], "file.txt: not a folder; give another --out"),
        (["--out", "FOLDER"], "holds files but is no run; give a new or empty --out"),
    ],
)
def test_what_needs_no_data_is_refused_before_any_are_opened(
    manifest, tmp_path, capsys, monkeypatch, arguments, words
):
    def fail(*_, **__):
        raise AssertionError("the data were opened")

    monkeypatch.setattr("dfdetect.data.opening.open_training_data", fail)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file.txt").write_text("no run")
    places = {"FOLDER": str(tmp_path / "other"), "FILE": str(tmp_path / "other" / "file.txt")}
    for name, place in places.items():
        arguments = [each.replace(name, place) for each in arguments]
    assert run(manifest, tmp_path / "run", *arguments) == 2
    assert words in capsys.readouterr().err.strip().splitlines()[-1]
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["file.txt"]


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


def test_faces_that_were_cut_otherwise_are_other_data(manifest, tmp_path, capsys):
    """The manifest's rows may be equal, byte for byte, though the pixels are not."""
    out = tmp_path / "run"
    write_settings(manifest.parent, ExtractionSettings())
    assert run(manifest, out, *UNTRAINED) == 0
    write_settings(manifest.parent, ExtractionSettings(crop=CropSpec(align=True)))
    capsys.readouterr()

    assert run(manifest, out, *UNTRAINED) == 2
    assert "(other faces, or other cuts of them); give another --out" in capsys.readouterr().err
    assert evaluate.main([str(out)]) == 0
    shown = capsys.readouterr().out
    assert "or how its faces were cut, have changed since the run was trained" in shown
    assert "align True (in training False)" in shown


def test_what_cannot_be_measured_is_said_in_a_line(manifest, tmp_path, capsys):
    out = tmp_path / "run"
    assert run(manifest.parent, out, *UNTRAINED) == 0  # a manifest may be named by its folder
    samples = read_manifest(manifest)
    for label, line in (
        (-1, "No face here has a known label: the faces are scored, but nothing is measured."),
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
        assert "0 fake" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--option", "foo=1"], "unknown option of custom_cnn 'foo'"),
        (["--model", "meso4", "--image-size", "8"], "meso4: image size 8; accepted: 32 or more"),
    ],
)
def test_what_needs_no_faces_is_refused_before_they_are_opened(tmp_path, capsys, flags, words):
    assert run(tmp_path / "missing.csv", tmp_path / "run", *flags) == 2
    assert words in capsys.readouterr().err
