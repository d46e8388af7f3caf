"""Exports: what other programs load scores as the run does, and says what it takes."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from dfdetect.data.faces import FaceStore
from dfdetect.data.opening import open_data
from dfdetect.export import __main__ as export
from dfdetect.export import exporting
from dfdetect.export.formats import FORMATS, Numbers
from dfdetect.models.build import build_model
from dfdetect.models.light import open_onnx
from dfdetect.predict.detector import Detector
from dfdetect.recipe import write_recipe
from dfdetect.runs.build import load_model
from dfdetect.runs.calibration import calibrated, for_kind
from dfdetect.runs.exported import open_export
from dfdetect.runs.folder import Run
from dfdetect.runs.skill import note_told, unfit
from face_extraction.digest import file_digest
from face_extraction.images import RESIZED_BY, write_image
from face_extraction.manifest import read_manifest, write_manifest

from .writing import NAMES, written

tf = pytest.importorskip("tensorflow")
litert = pytest.importorskip("ai_edge_litert.interpreter")

ROOT = Path(__file__).resolve().parents[3]


def savedmodel_scores(path, rgb):
    answer = tf.saved_model.load(str(path)).signatures["serving_default"](tf.constant(rgb))
    name = json.loads(path.with_name(f"{path.name}.json").read_text())["output"]["name"]
    return np.array(answer[name])


def litert_scores(path, rgb):
    interpreter = litert.Interpreter(str(path))
    run = interpreter.get_signature_runner()
    assert interpreter.get_output_details()[0]["name"] == "p_fake"
    return np.concatenate([run(image=face[None])["p_fake"] for face in rgb])


@pytest.mark.parametrize("name", ["one", "both"])
def test_savedmodel_scores_as_the_run(runs, tmp_path, rgb, name):
    path = written(runs, name, "savedmodel", tmp_path)
    expected = load_model(Run(runs / name)).predict(rgb, verbose=0)
    assert np.ptp(expected) > 1e-4
    for given in (rgb, rgb[:1]):
        np.testing.assert_allclose(savedmodel_scores(path, given), expected[: len(given)], atol=1e-5)


@pytest.mark.parametrize("name", ["one", "both"])
def test_litert_scores_as_the_run(runs, tmp_path, rgb, name):
    path = written(runs, name, "litert", tmp_path)
    expected = load_model(Run(runs / name)).predict(rgb, verbose=0)
    np.testing.assert_allclose(litert_scores(path, rgb), expected, atol=1e-4)


@pytest.mark.parametrize("name", ["one", "both"])
def test_onnx_scores_as_the_run(runs, tmp_path, rgb, name):
    pytest.importorskip("tf2onnx")
    runtime = pytest.importorskip("onnxruntime")
    path = written(runs, name, "onnx", tmp_path)
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    expected = load_model(Run(runs / name)).predict(rgb, verbose=0)
    np.testing.assert_allclose(session.run(["p_fake"], {"image": rgb})[0], expected, atol=1e-4)


@pytest.mark.parametrize("form", ["savedmodel", "litert"])
def test_a_model_that_takes_clips_goes_into_it(tmp_path, form):
    model = build_model("alexnet_rnn", image_size=64, frames=3)
    clips = exporting.draw(model.input_shape[1:])
    assert clips.shape == (exporting.RANDOM, 3, 64, 64, 3)
    assert (clips.min() >= 0, clips.max() <= 255) == (True, True)
    score = exporting._convert(model, FORMATS[form], tmp_path / NAMES[form], Numbers())
    given = np.concatenate([score(clip[None]) for clip in clips])
    np.testing.assert_allclose(given, model.predict(clips, verbose=0), atol=1e-4)


def test_the_file_beside_it_says_what_it_takes_and_where_it_comes_from(runs, tmp_path):
    path = written(runs, "both", "litert", tmp_path)
    run = Run(runs / "both")
    about = json.loads((tmp_path / "model.tflite.json").read_text())
    assert about["input"] == {
        "shape": [1, 48, 48, 3],
        "dtype": "float32",
        "channels": "RGB",
        "range": [0, 255],
        "resize": RESIZED_BY,
    }
    assert about["skill"].startswith("on its 10 test faces: AUC ")
    assert about["note"] == note_told(run)
    assert about["output"]["name"] == "p_fake"
    assert about["output"]["label"] == "1 = fake, 0 = real"
    assert (about["threshold"], about["model"]) == (run.threshold(), "ensemble")
    assert about["run"]["members"] == ["one", "small"]
    assert about["run"]["manifest_sha256"] == run.environment()["manifest_sha256"]
    assert about["exported_with"]["packages"]["keras"] == keras.__version__
    assert about["check"]["difference"] <= 1e-3
    assert about["check"]["inputs"] == exporting.RANDOM
    assert about["unfit"] == list(unfit(run))
    known = calibrated(run)
    assert set(about["cuts"]) == ({"photo", "video"} if known else set())
    for kind, cuts in about["cuts"].items():
        assert (cuts["lower"], cuts["upper"]) == (for_kind(known, kind).lower, for_kind(known, kind).upper)
    assert sorted(tmp_path.iterdir()) == [path, tmp_path / "model.tflite.json"]


def test_a_run_in_another_precision_is_a_savedmodel_alone(runs, tmp_path, rgb, capsys):
    path = written(runs, "half", "savedmodel", tmp_path)
    expected = load_model(Run(runs / "half")).predict(rgb, verbose=0)
    np.testing.assert_allclose(savedmodel_scores(path, rgb), expected, atol=1e-4)
    command = [str(runs / "half"), "--format", "litert", "--out", str(tmp_path / "model.tflite")]
    assert export.main(command) == 2
    assert "half: computes in bfloat16; litert accepts float32" in capsys.readouterr().err
    assert not (tmp_path / "model.tflite").exists()


def test_an_export_that_scores_otherwise_leaves_nothing(runs, tmp_path, monkeypatch, capsys):
    real = FORMATS["savedmodel"]

    def shifted(path):
        score = real.load(path)
        return lambda rgb: score(rgb) + 2e-4

    monkeypatch.setitem(FORMATS, "savedmodel", replace(real, load=shifted))
    out = tmp_path / "model"
    assert export.main([str(runs / "one"), "--format", "savedmodel", "--out", str(out)]) == 2
    assert "its scores differ by 0.0002 from the run's own; accepted: 0.0001" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_model_that_does_not_go_into_the_format_is_one_line(runs, tmp_path, monkeypatch, capsys):
    def fail(*args, **kwargs):
        raise RuntimeError("<unknown>:0: error: 'tf.Strange' op is neither a custom op nor a flex op\n" * 9)

    monkeypatch.setattr(keras.Model, "export", fail)
    out = tmp_path / "model.tflite"
    assert export.main([str(runs / "one"), "--format", "litert", "--out", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("one: cannot be written as litert: it has no Strange")
    assert not list(tmp_path.iterdir())


def cropped(folder, side=57):
    """A picture of a size that has to be scaled down."""
    path = folder / "face.png"
    write_image(path, np.random.default_rng(5).integers(0, 256, (side, side + 6, 3), dtype=np.uint8))
    return path


@pytest.mark.parametrize(("form", "more"), [("onnx", []), ("onnx", ["--float16"]), ("litert", [])])
def test_a_detector_from_an_export_gives_the_runs_verdict(calibrated_run, tmp_path, form, more):
    path = written(calibrated_run, "one", form, tmp_path, *more)
    picture = cropped(tmp_path)
    ours = Detector.from_export(path, whole=True).judge(picture)
    theirs = Detector.from_run(calibrated_run / "one", whole=True).judge(picture)
    assert ours.score == pytest.approx(theirs.score, abs=1e-3)
    assert (ours.level, ours.reason) == (theirs.level, theirs.reason)
    for fact in ("model", "skill", "cuts", "settings", "calibrated"):
        assert getattr(ours.record, fact) == getattr(theirs.record, fact), fact
    assert theirs.record.note in ours.record.note
    assert ours.record.model_sha256 == file_digest(path)


def test_the_script_of_the_guide_gives_the_detectors_verdict(calibrated_run, tmp_path, capsys):
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(import json\n.+?)```", guide, re.DOTALL)
    assert not re.search(r"dfdetect\b(?!\")", script)
    assert len(script.splitlines()) <= 32
    (tmp_path / "judge.py").write_text(script)
    path, picture = written(calibrated_run, "one", "onnx", tmp_path), cropped(tmp_path)
    command = [sys.executable, str(tmp_path / "judge.py"), str(path), str(picture)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    level, score = done.stdout.splitlines()[0].split()
    verdict = Detector.from_run(calibrated_run / "one", whole=True).judge(picture)
    assert float(score) == pytest.approx(verdict.score, abs=1e-3)
    assert level == verdict.level
    cuts = verdict.record.cuts
    told = f"in a photo, substantial evidence from a calibrated score of {cuts.upper:.3f} on, little below "
    assert f"{told}{cuts.lower:.3f}" in capsys.readouterr().out


def test_predict_runs_an_export_without_keras(calibrated_run, tmp_path):
    path, picture = written(calibrated_run, "one", "onnx", tmp_path), cropped(tmp_path)
    code = (
        "import sys; from dfdetect.predict.__main__ import main; "
        f"status = main(['--whole', '--jsonl', {str(path)!r}, {str(picture)!r}]); "
        "print(status, {'keras', 'tensorflow', 'jax', 'sklearn', 'scipy', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    verdict, last = done.stdout.splitlines()
    assert last == "0 set()"
    assert json.loads(verdict)["record"]["versions"]["backend"] == "onnxruntime"


def test_float16_halves_the_file(runs, tmp_path, rgb, capsys):
    sizes = []
    for more in ([], ["--float16"]):
        path = written(runs, "one", "onnx", tmp_path, "--overwrite", *more)
        sizes.append(path.stat().st_size - len((tmp_path / "model.onnx.json").read_bytes()))
    assert sizes[1] < 0.6 * sizes[0]
    expected = load_model(Run(runs / "one")).predict(rgb, verbose=0)
    np.testing.assert_allclose(open_onnx(path)[0].predict_on_batch(rgb), expected, atol=5e-3)


@pytest.mark.parametrize("form", ["onnx", "litert"])
def test_whole_numbers_cost_what_is_printed(runs, tmp_path, form, capsys):
    manifest = Path(Run(runs / "one").environment()["manifest"])
    path = written(runs, "one", form, tmp_path, "--int8", "--manifest", str(manifest))
    out = capsys.readouterr().out
    size, before, after = re.search(
        r"([\d.]+) MB\nAUC on 10 test faces: (\S+) before, (\S+) after: ", out
    ).groups()
    assert float(size) == pytest.approx(path.stat().st_size / 1e6, abs=0.01)
    rows = [sample for sample in read_manifest(manifest) if sample.split == "test"]
    store = FaceStore(manifest.parent, rows, 48)
    faces = np.stack([store.load(row) for row in range(len(store))]).astype("float32")
    labels = [row.label for row in rows]
    whole = load_model(Run(runs / "one")).predict(faces, verbose=0)[:, 0]
    assert float(before) == pytest.approx(roc_auc_score(labels, whole), abs=1e-4)
    light = open_export(path)[0].predict_on_batch(faces)[:, 0]
    assert float(after) == pytest.approx(roc_auc_score(labels, light), abs=1e-4)
    about = json.loads((tmp_path / f"{path.name}.json").read_text())
    assert "computes in 8 bits" in about["note"]
    # Faces of the val split check it, not the random inputs that check other exports.
    seen = sum(sample.split == "val" for sample in read_manifest(manifest))
    assert about["check"]["inputs"] == min(seen, exporting.SEEN) != exporting.RANDOM


def test_the_runs_own_faces_have_the_split_of_its_training(runs, tmp_path):
    """Its manifest may have another one, whose test faces were trained on."""
    run = Run(shutil.copytree(runs / "one", tmp_path / "one"))
    manifest = Path(run.environment()["manifest"])
    write_recipe(run.recipe_file, run.recipe().with_changes(split="random"))
    written_in = {row.path: row.split for row in read_manifest(manifest)}
    drawn = {row.path: row.split for row in open_data(run.located()).samples}
    assert drawn != written_in
    other = shutil.copytree(manifest.parent, tmp_path / "other") / manifest.name
    write_manifest(other, read_manifest(manifest)[1:])
    for given, expected in ((None, drawn), (manifest, drawn), (other, written_in)):
        found = exporting._data(run, exporting.Wanted("onnx", "int8", given)).samples
        assert all(row.split == expected[row.path] for row in found)


def test_whole_numbers_need_faces(runs, tmp_path, capsys):
    run = Run(shutil.copytree(runs / "one", tmp_path / "one"))
    write_recipe(run.recipe_file, run.recipe().with_changes(manifest="gone.csv"))
    run.write_environment({**run.environment(), "manifest": "gone.csv"})
    command = [str(run.folder), "--format", "onnx", "--int8", "--out", str(tmp_path / "model.onnx")]
    assert export.main(command) == 2
    assert "--int8 needs faces to take its ranges from; give --manifest" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [run.folder]
