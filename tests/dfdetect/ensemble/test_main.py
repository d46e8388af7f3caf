"""Ensembles: combined as computed by hand from the members, and a run like any other."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from dfdetect.data.opening import open_data
from dfdetect.ensemble import __main__ as ensemble
from dfdetect.ensemble.ensembling import _names, build_ensemble, weigh
from dfdetect.evaluate import __main__ as evaluate
from dfdetect.metrics.estimates import choose_threshold
from dfdetect.models.build import build_model
from dfdetect.models.ensemble import combine_models
from dfdetect.predict import __main__ as predict
from dfdetect.predictions import Predictions
from dfdetect.recipe import write_recipe
from dfdetect.report.declared import Cell
from dfdetect.report.recording import record
from dfdetect.runs.build import load_model
from dfdetect.runs.folder import Run
from dfdetect.runs.scoring import score
from dfdetect.train import __main__ as train
from face_extraction.errors import InputError
from face_extraction.manifest import FaceSample

SMALL = "--model custom_cnn --batch-size 8 --epochs 10 --augment none --learning-rate 3e-3".split()


@pytest.fixture(scope="module")
def members(write_squares, tmp_path_factory):
    """Two finished runs of one manifest, at 32 and at 48 pixels, and one of another manifest."""
    folder = tmp_path_factory.mktemp("members")
    manifest = write_squares(folder / "data", train=24, val=12, test=12)
    other = write_squares(folder / "other", train=12, val=8, test=4, seed=3)
    runs = []
    for name, size, path in (("a", 32, manifest), ("b", 48, manifest), ("c", 32, other)):
        out = folder / name
        seed = str(len(runs))
        arguments = ["--image-size", str(size), "--seed", seed, "--manifest", str(path), "--out", str(out)]
        assert train.main([*SMALL, *arguments]) == 0
        runs.append(Run(out))
    return runs


def logit(p_fake):
    clipped = np.clip(p_fake, 1e-7, 1 - 1e-7)
    return np.log(clipped / (1 - clipped))


@pytest.mark.parametrize("combine", ["mean", "weighted", "stacked"])
def test_scores_are_those_combined_by_hand(members, tmp_path, combine):
    folders = [str(run.folder) for run in members[:2]]
    out = tmp_path / "both"
    assert ensemble.main([*folders, "--combine", combine, "--out", str(out)]) == 0
    val, test = ([run.predictions(split) for run in members[:2]] for split in ("val", "test"))
    columns = np.stack([member.p_fake for member in test], axis=1)
    bias = 0.0
    if combine == "mean":
        expected, weights = columns.mean(axis=1), np.array([0.5, 0.5])
    elif combine == "weighted":
        skill = np.array([run.metrics()["val"]["face"].estimates["auc"].value - 0.5 for run in members[:2]])
        assert (skill > 0.2).all()
        weights = skill / skill.sum()
        expected = columns @ weights
    else:
        fitted = LogisticRegression().fit(
            np.stack([logit(member.p_fake) for member in val], axis=1), val[0].labels
        )
        expected = fitted.predict_proba(logit(columns))[:, 1]
        weights, (bias,) = fitted.coef_[0], fitted.intercept_
    # Validation faces alone set weights and threshold.
    facts = Run(out).environment()
    assert facts["members"] == pytest.approx(dict(zip("ab", weights, strict=True)))
    assert facts["bias"] == pytest.approx(bias)
    assert Run(out).threshold() == choose_threshold(Run(out).predictions("val"))
    # The 32-pixel member sees faces scaled from 48 pixels here, from 24 in its own run.
    p_fake = Run(out).predictions("test").p_fake
    np.testing.assert_allclose(p_fake, expected, atol=0.05)
    crops = members[0].folder.parent / "data"
    again, _ = score(load_model(Run(out)), crops, test[0].samples, batch_size=8)
    np.testing.assert_allclose(again.p_fake, p_fake, atol=1e-5)
    assert Run(out).metrics()["test"]["face"].n == 12


@pytest.mark.parametrize("on_logits", [False, True])
def test_members_of_one_size_are_combined_to_the_digit_and_sure_ones_as_they_were_weighed(on_logits):
    """A single-precision p_fake is 1 from a logit of 17 on: a regression on scores knows no larger one."""
    models = [build_model("custom_cnn", image_size=32, seed=seed) for seed in (1, 2)]
    sure = models[0].get_layer("logit")
    sure.kernel.assign(300 * sure.kernel)
    rgb = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3)).astype("float32")
    p_fake = np.concatenate([np.array(model(rgb)) for model in models], axis=1)
    logits = keras.Model(models[0].input, sure.output)(rgb)
    assert np.abs(logits).max() > 20
    both = combine_models(models, on_logits=on_logits)
    both.get_layer("combine").set_weights([np.array([[0.3], [0.7]]), np.array([0.1 * on_logits])])
    expected = p_fake @ [0.3, 0.7]
    if on_logits:
        expected = 1 / (1 + np.exp(-(logit(p_fake) @ [0.3, 0.7] + 0.1)))
    # Near 0 and 1 a single-precision p_fake holds its logit to a twentieth.
    np.testing.assert_allclose(np.array(both(rgb))[:, 0], expected, atol=0.005 if on_logits else 1e-6)


def test_members_of_several_sizes_get_pixels_as_keras_scales_them_and_can_be_compiled():
    """On GPUs Keras has XLA compile the whole model, which TensorFlow's antialiased resizing does not."""
    models = [build_model("custom_cnn", image_size=size, seed=size) for size in (32, 48)]
    both = combine_models(models, on_logits=False)
    both.get_layer("combine").set_weights([np.array([[1.0], [0.0]]), np.zeros(1)])
    rgb = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3)).astype("float32")
    expected = np.array(models[0](keras.ops.image.resize(rgb, (32, 32), antialias=True)))
    np.testing.assert_allclose(np.array(both(rgb)), expected, atol=1e-5)
    compiled = tf.function(both, jit_compile=True)
    np.testing.assert_allclose(np.array(compiled(rgb)), expected, atol=1e-5)


def test_it_is_a_run_like_any_other(members, tmp_path, capsys):
    out = tmp_path / "both"
    ensemble.main([*(str(run.folder) for run in members[:2]), "--out", str(out)])
    assert evaluate.main([str(out), "--split", "val", "--name", "again"]) == 0
    again = Run(out).evaluation("again").predictions("val").p_fake
    np.testing.assert_allclose(again, Run(out).predictions("val").p_fake, atol=1e-5)
    picture = members[0].folder.parent / "data" / "faces" / "test-0.png"
    capsys.readouterr()
    assert predict.main([str(out), str(picture), "--whole"]) == 0
    assert f"{Run(out).predictions('test').p_fake[0]:.3f}" in capsys.readouterr().out


def test_dropout_of_members_of_several_sizes_rests_when_the_model_is_called(members, tmp_path):
    out = tmp_path / "both"
    ensemble.main([*(str(run.folder) for run in members[:2]), "--out", str(out)])
    rgb = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3)).astype("float32")
    model = load_model(Run(out))
    np.testing.assert_allclose(np.array(model(rgb)), model.predict(rgb, verbose=0), atol=1e-6)


def test_one_that_was_cut_short_is_made_anew_and_a_finished_one_is_kept(members, tmp_path, capsys):
    out = Run(tmp_path / "both")
    command = [*(str(run.folder) for run in members[:2]), "--out", str(out.folder)]
    assert ensemble.main(command) == 0
    first = out.metrics_file.read_bytes()
    out.metrics_file.unlink()
    (out.folder / "predictions-test.csv").write_text("path,la")
    assert ensemble.main(command) == 0
    assert out.metrics_file.read_bytes() == first
    capsys.readouterr()
    for folder in (out.folder, members[0].folder):
        assert ensemble.main([*command[:-1], str(folder)]) == 2
        assert f"{folder}: exists already; give another --out" in capsys.readouterr().err


def test_an_empty_folder_is_used_and_one_that_another_process_fills_is_not(members, tmp_path, capsys):
    out = Run(tmp_path / "both")
    command = [*(str(run.folder) for run in members[:2]), "--out", str(out.folder)]
    with out.alone():
        assert ensemble.main(command) == 2
    assert f"{out.folder}: another process writes into it" in capsys.readouterr().err
    (out.folder / ".tmp-1-recipe.toml").write_text("model = ")  # what a kill leaves
    assert ensemble.main(command) == 0
    assert out.finished
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    assert ensemble.main([*command[:-1], str(tmp_path / "mine")]) == 2
    assert "holds files and is no run" in capsys.readouterr().err


def test_an_ensemble_keeps_what_its_members_started_from(members, tmp_path):
    run = Run(shutil.copytree(members[1].folder, tmp_path / "b"))
    start = {"weights_file": "/a/best.weights.h5", "weights_sha256": "1234"}
    run.write_environment(run.environment() | start)
    out = Run(tmp_path / "both")
    build_ensemble([members[0], run], "mean", out)
    assert out.environment()["members_starts"] == [{"weights_sha256": ""}, start]


def test_members_must_have_scored_the_same_faces(members, tmp_path, capsys):
    folders = [str(members[0].folder), str(members[2].folder)]
    assert ensemble.main([*folders, "--out", str(tmp_path / "x")]) == 2
    assert "its val faces are not those of" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
    assert ensemble.main([folders[0], "--out", str(tmp_path / "x")]) == 2
    assert "one run; accepted: two or more" in capsys.readouterr().err


def test_members_must_have_scored_them_in_the_same_order(members, tmp_path):
    run = Run(shutil.copytree(members[1].folder, tmp_path / "b"))
    val = run.predictions("val")
    run.write_predictions("val", Predictions(val.samples[::-1], val.p_fake[::-1]))
    with pytest.raises(InputError, match="b: its val faces are not those of"):
        build_ensemble([members[0], run], "mean", Run(tmp_path / "both"))


def test_a_manifest_that_changed_is_refused(members, tmp_path, capsys):
    manifest = members[0].folder.parent / "data" / "manifest.csv"
    before = manifest.read_text()
    manifest.write_text("".join(before.splitlines(keepends=True)[:-1]))
    try:
        folders = [str(run.folder) for run in members[:2]]
        assert ensemble.main([*folders, "--out", str(tmp_path / "out")]) == 2
    finally:
        manifest.write_text(before)
    assert "manifest.csv: changed since" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_members_weigh_by_how_far_their_auc_lies_above_chance_and_a_worse_one_nothing():
    samples = [FaceSample(f"{i}.png", i % 2, "val", str(i)) for i in range(4)]
    scores = [[0.1, 0.8, 0.2, 0.9], [0.1, 0.2, 0.3, 0.4], [0.3, 0.2, 0.4, 0.1]]  # AUC 1, 3/4 and 0
    weights, bias = weigh([Predictions(samples, np.array(each)) for each in scores], "weighted")
    assert weights == pytest.approx([2 / 3, 1 / 3, 0])
    assert bias == 0


def test_nothing_can_be_weighed_by_chance():
    samples = [FaceSample(f"{i}.png", i % 2, "val", str(i)) for i in range(4)]
    level = Predictions(samples, np.full(4, 0.5))
    with pytest.raises(InputError, match="no member has a validation AUC above 0"):
        weigh([level, level], "weighted")


def test_folds_of_two_models_are_told_apart(tmp_path, monkeypatch):
    runs = [Run(tmp_path / name / fold) for name in ("vgg", "resnet") for fold in ("fold-1", "fold-2")]
    assert _names(runs[:2]) == ["fold-1", "fold-2"]
    assert _names([runs[0], runs[2]]) == ["vgg/fold-1", "resnet/fold-1"]
    runs[0].folder.mkdir(parents=True)
    monkeypatch.chdir(runs[0].folder)
    assert _names([Run(Path()), runs[1]]) == ["fold-1", "fold-2"]


def test_a_member_named_twice_is_refused(members, tmp_path, capsys):
    folder = str(members[0].folder)
    assert ensemble.main([folder, f"{folder}/.", "--out", str(tmp_path / "both")]) == 2
    assert "named twice" in capsys.readouterr().err
    assert not (tmp_path / "both").exists()


def test_weights_of_a_part_of_any_member_are_told(members, tmp_path):
    """Reports A and D: the first member has random weights, another one a file that covers a part."""
    runs = [Run(shutil.copytree(run.folder, tmp_path / run.folder.name)) for run in members[:2]]
    write_recipe(runs[1].recipe_file, runs[1].recipe().with_changes(weights="own/x.h5", partial_weights=True))
    origin = {"weights_source": "own/x.h5", "weights": "own/x.h5 (1 of 2 parameters; random: block4, logit)"}
    runs[1].write_environment(runs[1].environment() | origin | {"random_layers": ["block4", "logit"]})
    out = Run(tmp_path / "both")
    for order in (runs, runs[::-1]):
        build_ensemble(order, "mean", out)
        cell = Cell({"model": "both"}, out.recipe())
        found = record(cell, "full", [out], open_data(out.recipe())).weights
        assert found["partial"]
        assert found["origin"] == "of 2 runs; b: x.h5 (1 of 2 parameters; random: block4, logit)"
        out.delete()
    build_ensemble(members[:2], "mean", out)
    assert not record(cell, "full", [out], open_data(out.recipe())).weights["partial"]
