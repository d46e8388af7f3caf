"""The command of evaluations: a run on its own data, and on others."""

import shutil

import pytest

from dfdetect.evaluate import __main__ as evaluate
from dfdetect.models.build import build_model
from dfdetect.runs.folder import Run
from face_extraction.lock import alone
from face_extraction.manifest import manifest_hash
from face_extraction.settings import CropSpec, ExtractionSettings, write_settings

from ..small import run

pytestmark = pytest.mark.usefixtures("light")


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
    scoring = "dfdetect.evaluate.evaluating.score"
    monkeypatch.setattr(scoring, lambda *args, **kwargs: pytest.fail("it was scored"))
    for name in ("../../victim", "..", "", str(tmp_path / "victim")):
        assert evaluate.main([str(tmp_path / "run"), "--name", name]) == 2
        assert f"evaluation name {name!r}; accepted: a plain name" in capsys.readouterr().err
    assert victim.stat().st_mtime_ns == before


def test_crops_cut_otherwise_than_those_of_training_are_told(manifest, make_manifest, tmp_path, capsys):
    write_settings(manifest.parent, ExtractionSettings())
    run(manifest, tmp_path / "run", "--epochs", "0")
    other = make_manifest(train=0, val=0, test=10, seed=5, folder=tmp_path / "other")
    command = [str(tmp_path / "run"), "--manifest", str(other), "--name"]
    notice = (
        "These faces were extracted with other settings than in training: "
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
    assert f"{weights}: torn, or not a weights file" in capsys.readouterr().err
    build_model("custom_cnn", image_size=32, units=9).save_weights(weights)
    assert evaluate.main([str(tmp_path / "run")]) == 2
    assert f"{weights}: damaged, or weights of another model: " in capsys.readouterr().err


def test_a_trial_of_a_search_says_what_to_do_with_it(manifest, tmp_path, capsys):
    run(manifest, tmp_path / "run", "--epochs", "0")
    trial = Run(tmp_path / "run")
    trial.write_environment({**trial.environment(), "part": 1})
    trial.metrics_file.unlink()
    assert evaluate.main([str(trial.folder)]) == 2
    words = f"it is a trial of a search: train it with dfdetect.train --recipe {trial.recipe_file}"
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
    assert "gone or changed: its training data are unknown" in capsys.readouterr().out


@pytest.mark.parametrize("size", [0, 10**20])
def test_a_batch_size_out_of_its_range_is_one_line(size, capsys):
    assert evaluate.main(["small", "--batch-size", str(size)]) == 2
    assert f"--batch-size {size}; accepted: 1 to 65,536" in capsys.readouterr().err
