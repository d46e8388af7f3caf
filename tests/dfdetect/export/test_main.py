"""The command of exports: what it replaces, and what it refuses."""

import math

import numpy as np
import pytest

from dfdetect.export import __main__ as export
from dfdetect.export import cost, exporting
from dfdetect.metrics.comparison import Difference
from dfdetect.models.shipped import HOME
from dfdetect.runs.build import load_model
from dfdetect.runs.folder import Run
from face_extraction.errors import InputError
from face_extraction.missing import extra

from .writing import NAMES, written

tf = pytest.importorskip("tensorflow")


def savedmodel_scores(path, rgb):
    answer = tf.saved_model.load(str(path)).signatures["serving_default"](tf.constant(rgb))
    return np.array(*answer.values())


def test_an_older_export_is_replaced_when_that_is_asked_for(runs, tmp_path, rgb, capsys):
    command = ["--format", "savedmodel", "--out", str(tmp_path / "model")]
    written(runs, "one", "savedmodel", tmp_path)
    assert export.main([str(runs / "two"), *command]) == 2
    assert "model: already exists; give another --out, or --overwrite" in capsys.readouterr().err
    written(runs, "two", "savedmodel", tmp_path, "--overwrite")
    expected = load_model(Run(runs / "two")).predict(rgb, verbose=0)
    np.testing.assert_allclose(savedmodel_scores(tmp_path / "model", rgb), expected, atol=1e-5)
    assert {path.name for path in tmp_path.iterdir()} == {"model", "model.json"}


def test_overwrite_leaves_alone_what_is_no_export(runs, tmp_path, capsys):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.txt").write_text("mine")
    command = [str(runs / "one"), "--format", "savedmodel", "--out", str(tmp_path / "model"), "--overwrite"]
    for about in (None, "{}", "[]", "{", '{"format": "coco", "check": 1}'):
        if about is not None:
            (tmp_path / "model.json").write_text(about)
        assert export.main(command) == 2
        assert "model: not an export (no model.json of an export beside it)" in capsys.readouterr().err
    assert (tmp_path / "model" / "thesis.txt").read_text() == "mine"
    (tmp_path / "metrics.json").write_text("{}")
    command[command.index(str(tmp_path / "model"))] = str(tmp_path / "metrics")
    assert export.main(command) == 2  # though there is no metrics
    assert (tmp_path / "metrics.json").read_text() == "{}"


@pytest.mark.parametrize("form", ["savedmodel", "litert"])
def test_a_full_disk_is_one_line_that_names_the_export(runs, tmp_path, full_disk, capsys, form):
    out = tmp_path / NAMES[form]
    with full_disk(1000):
        assert export.main([str(runs / "one"), "--format", form, "--out", str(out)]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m dfdetect.export: {out}: File too large"
    assert not list(tmp_path.iterdir())


def test_a_cost_without_an_interval_is_a_dash(runs, tmp_path, monkeypatch, capsys):
    same = cost.Cost(4, 1.0, 1.0, Difference(0.0, math.nan, math.nan, 1.0))
    done = exporting.Export(tmp_path / "model", tmp_path / "model.json", 0.0, {}, same)
    monkeypatch.setattr(exporting, "export", lambda *_: done)
    assert export.main([str(runs / "one"), "--format", "savedmodel", "--out", str(tmp_path / "model")]) == 0
    told = "AUC on 4 test faces: 1.0000 before, 1.0000 after: +0.0000 [–]\n"
    assert told in capsys.readouterr().out


def test_an_unfinished_run_is_refused(runs, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.toml").write_bytes((runs / "one" / "recipe.toml").read_bytes())
    command = ["--format", "savedmodel", "--out", str(tmp_path / "model")]
    assert export.main([str(tmp_path / "run"), *command]) == 2
    assert "run: the run is not finished; resume it with dfdetect.train" in capsys.readouterr().err
    assert export.main([str(tmp_path), *command]) == 2
    assert "not a run folder (it has no recipe.toml)" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_wrong_use_is_one_line(tmp_path, capsys, monkeypatch):
    out = str(tmp_path / "model.bin")
    assert export.main(["runs/x", "--format", "litert", "--out", out]) == 2
    assert capsys.readouterr().err.endswith("accepted for litert: a name that ends in .tflite\n")
    (tmp_path / "file").touch()
    assert export.main(["runs/x", "--format", "savedmodel", "--out", str(tmp_path / "file" / "model")]) == 2
    assert capsys.readouterr().err.endswith("file: not a folder; give another --out\n")
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    assert export.main(["runs/x", "--format", "onnx", "--out", out]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"--format onnx needs tf2onnx, onnx, onnxruntime: {extra('export')}")
    with pytest.raises(SystemExit, match="2"):
        export.main(["runs/x", "--format", "torch", "--out", out])
    assert "invalid choice: 'torch'" in capsys.readouterr().err


def test_the_detector_that_ships_is_exported_by_its_name(tmp_path, monkeypatch, capsys):
    def refuse(run, wanted, out):
        raise InputError(f"asked for {run.folder}")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dfdetect.export.exporting.export", refuse)
    assert export.main(["small", "--format", "onnx", "--out", "small.onnx"]) == 2
    assert f"asked for {HOME / 'small'}" in capsys.readouterr().err
