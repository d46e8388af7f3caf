"""Exports: what other programs load scores as the run does, and says what it takes."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

from dfdetect.export import __main__ as export
from dfdetect.export import exporting
from dfdetect.models.build import build_model
from dfdetect.runs.build import load_model
from dfdetect.runs.folder import Run
from dfdetect.runs.skill import note_told
from face_extraction.images import RESIZED_BY

from .writing import NAMES, written

tf = pytest.importorskip("tensorflow")


def savedmodel_scores(path, rgb):
    answer = tf.saved_model.load(str(path)).signatures["serving_default"](tf.constant(rgb))
    name = json.loads(path.with_name(f"{path.name}.json").read_text())["output"]["name"]
    return np.array(answer[name])


def litert_scores(path, rgb):
    interpreter = tf.lite.Interpreter(str(path))
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


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter:UserWarning")
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
    assert clips.shape == (exporting.DRAWN, 3, 64, 64, 3)
    assert (clips.min() >= 0, clips.max() <= 255) == (True, True)
    given = exporting._convert(model, exporting.FORMATS[form], tmp_path / NAMES[form], clips)
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
    assert about["skill"].startswith("on the run's 10 test faces: AUC ")
    assert about["note"] == note_told(run)
    assert about["output"]["name"] == "p_fake"
    assert about["output"]["label"] == "1 = fake, 0 = real"
    assert (about["threshold"], about["model"]) == (run.threshold(), "ensemble")
    assert about["run"]["members"] == ["one", "small"]
    assert about["run"]["manifest_sha256"] == run.environment()["manifest_sha256"]
    assert about["exported_with"]["packages"]["keras"] == keras.__version__
    assert about["check"]["largest_difference"] <= 1e-3
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
    real = exporting.FORMATS["savedmodel"]

    def shifted(path):
        score = real.load(path)
        return lambda rgb: score(rgb) + 2e-4

    monkeypatch.setitem(exporting.FORMATS, "savedmodel", replace(real, load=shifted))
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
