"""Ensembles: how members weigh, and what is recorded of them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from dfdetect.data.opening import open_data
from dfdetect.ensemble import __main__ as ensemble
from dfdetect.ensemble.ensembling import _names, build_ensemble, weigh
from dfdetect.predictions import Predictions
from dfdetect.recipe import write_recipe
from dfdetect.report.declared import Cell
from dfdetect.report.recording import record
from dfdetect.runs.build import load_model
from dfdetect.runs.folder import Run
from face_extraction.errors import InputError
from face_extraction.manifest import FaceSample

pytestmark = pytest.mark.usefixtures("light")


def logit(p_fake):
    clipped = np.clip(p_fake, 1e-7, 1 - 1e-7)
    return np.log(clipped / (1 - clipped))


def test_dropout_of_members_of_several_sizes_rests_when_the_model_is_called(members, tmp_path):
    out = tmp_path / "both"
    ensemble.main([*(str(run.folder) for run in members[:2]), "--out", str(out)])
    rgb = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3)).astype("float32")
    model = load_model(Run(out))
    np.testing.assert_allclose(np.array(model(rgb)), model.predict(rgb, verbose=0), atol=1e-6)


def test_an_ensemble_keeps_what_its_members_started_from(members, tmp_path):
    run = Run(shutil.copytree(members[1].folder, tmp_path / "b"))
    start = {"weights_file": "/a/best.weights.h5", "weights_sha256": "1234"}
    run.write_environment(run.environment() | start)
    out = Run(tmp_path / "both")
    build_ensemble([members[0], run], "mean", out)
    assert out.environment()["members_starts"] == [{"weights_sha256": ""}, start]


def test_members_must_have_scored_them_in_the_same_order(members, tmp_path):
    run = Run(shutil.copytree(members[1].folder, tmp_path / "b"))
    val = run.predictions("val")
    run.write_predictions("val", Predictions(val.samples[::-1], val.p_fake[::-1]))
    with pytest.raises(InputError, match="b: its val faces differ from those of"):
        build_ensemble([members[0], run], "mean", Run(tmp_path / "both"))


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
