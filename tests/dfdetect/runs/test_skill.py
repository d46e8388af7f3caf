"""What is told of a model's skill: of hand-made scores, whose AUC is counted by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from dfdetect.metrics.calibrating import Calibration
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.models.shipped import DEFAULT, run_folder
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe
from dfdetect.runs.calibration import write_calibrations
from dfdetect.runs.folder import Run
from dfdetect.runs.skill import note_told, skill_told, unfit
from dfdetect.sample.sample_set import NOTICE
from face_extraction.manifest import FaceSample

# Two faces of each of four people; 14 of the 16 pairs of a real and a fake face are in order, and all
# four pairs of people, by the mean of their faces.
GOOD = (0.1, 0.7, 0.2, 0.3, 0.9, 0.6, 0.8, 0.65)


@pytest.fixture
def make_run(tmp_path):
    """Writes a run's recipe and its metrics of these splits."""

    def make(*splits, scores=GOOD, manifest="manifest.csv", levels=("face", "video")):
        run = Run(tmp_path / "run")
        run.begin(Recipe(manifest=manifest), "digest")
        samples = [FaceSample(f"{n}.png", n // 4, "", f"{n // 2}", f"{n // 2}.mp4", n) for n in range(8)]
        scored = Predictions(samples, np.array(scores))
        measured = {name: compute_metrics(scored, threshold=0.5, level=name, resamples=0) for name in levels}
        run.write_metrics(0.5, dict.fromkeys(splits, measured))
        return run

    return make


def test_skill_is_that_of_the_test_split_at_each_level(make_run):
    told = skill_told(make_run("val", "test")).split("; ")
    assert [part.split(" [")[0] for part in told] == [
        "on its 8 test faces: AUC 0.875",
        "on its 4 test videos: AUC 1.000",
    ]


def test_without_a_test_split_no_skill_is_told(make_run):
    told = skill_told(make_run("val"))
    assert "no test split" in told
    assert "AUC" not in told


def test_a_model_of_drawings_gives_no_verdict_and_says_why(make_run):
    run = make_run("val", "test", manifest="")
    assert unfit(run) == ("drawn", NOTICE)
    assert NOTICE in note_told(run)


def test_a_model_with_skill_on_faces_needs_no_caution(make_run):
    run = make_run("val", "test")
    assert unfit(run) == ("", "")
    assert note_told(run) == ""


def test_a_model_without_skill_gives_no_verdict_and_says_why(make_run):
    run = make_run("val", "test", scores=(0.5,) * 8)
    reason, why = unfit(run)
    assert reason == "no_skill"
    assert "AUC 0.500" in why
    assert note_told(run) == why


def test_cautions_for_a_leak_and_for_what_was_not_calibrated_are_told(make_run):
    run = make_run("val", "test")
    run.write_environment({"manifest_sha256": "digest", "leaks": ["2 groups were seen."]})
    write_calibrations(
        run.folder, {"face": Calibration(cannot="Too few."), "video": Calibration(cannot="Too few.")}
    )
    assert note_told(run) == "2 groups were seen. Too few."


def test_a_detector_that_ships_tells_what_it_does_with_videos():
    """Its own test faces are not compressed, and far easier."""
    folder = run_folder(Path(DEFAULT))
    trial = json.loads((folder / "trial.json").read_text())["test"]
    told = skill_told(Run(folder))
    assert "on its 390 test faces: AUC 0.931 [" in told
    assert f"on {trial['videos']} compressed videos of {trial['people']} other people" in told
    assert told.endswith(f": AUC {trial['auc']:.3f}")
