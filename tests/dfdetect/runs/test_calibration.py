"""The calibrations of a run folder."""

import json

import numpy as np
import pytest

from dfdetect.metrics.calibrating import Calibration, Held
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe
from dfdetect.runs.calibration import (
    calibrate_levels,
    calibrated,
    cuts_at_home,
    for_kind,
    read_calibrations,
    write_calibrations,
)
from dfdetect.runs.folder import Run
from face_extraction.errors import InputError
from face_extraction.manifest import FaceSample

KNOWN = {
    "face": Calibration(
        method="isotonic", knots=((0.0, 1.0), (0.1, 0.9)), val=Held(reals=(0.1, 0.2), real_groups=2)
    ),
    "video": Calibration(method="platt", slope=2.0, intercept=-1.0, log_loss={"platt": 0.5}),
}


def test_they_are_read_as_they_were_written(tmp_path):
    assert read_calibrations(tmp_path) == {}
    write_calibrations(tmp_path, KNOWN)
    assert read_calibrations(tmp_path) == KNOWN


@pytest.mark.parametrize("values", [{"face": 1}, {"face": {"slope": -1.0}}, {"face": {"method": "magic"}}])
def test_a_file_that_holds_none_is_named(values, tmp_path):
    (tmp_path / "calibration.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"calibration\.json: not a calibration"):
        read_calibrations(tmp_path)


@pytest.mark.parametrize("name", ["slope", "knots", "val", "false_alarms"])
def test_what_decides_a_verdict_and_was_lost_is_no_default(name, tmp_path):
    write_calibrations(tmp_path, KNOWN)
    values = json.loads((tmp_path / "calibration.json").read_text())
    del values["video"][name]
    (tmp_path / "calibration.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match=rf"calibration\.json: not a calibration: video: lacks {name}$"):
        read_calibrations(tmp_path)


def test_held_out_scores_that_were_lost_and_other_levels_are_named(tmp_path):
    write_calibrations(tmp_path, KNOWN)
    values = json.loads((tmp_path / "calibration.json").read_text())
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({**values, "faces": values["face"]}))
    with pytest.raises(InputError, match=r"unknown level 'faces'.*accepted: face, video"):
        read_calibrations(tmp_path)
    del values["face"]["val"]["fakes"]
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"face: lacks val\.fakes$"):
        read_calibrations(tmp_path)


def test_a_link_to_nowhere_is_no_run_without_calibration(tmp_path):
    (tmp_path / "calibration.json").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match=r"calibration\.json: a folder, or a link"):
        read_calibrations(tmp_path)


def test_photos_and_videos_have_their_own_and_one_stands_for_both():
    assert for_kind(KNOWN, "photo") is KNOWN["face"]
    assert for_kind(KNOWN, "video") is KNOWN["video"]
    for level, known in KNOWN.items():
        assert for_kind({level: known}, "photo") is for_kind({level: known}, "video") is known
    assert for_kind({}, "photo") is None


@pytest.fixture(scope="module")
def val():
    """Scores of 200 videos of two faces."""
    rng = np.random.default_rng(0)
    samples, scores = [], []
    for video in range(200):
        for frame in range(2):
            samples.append(
                FaceSample(f"{video}-{frame}.png", video % 2, "val", f"{video}", f"{video}.mp4", frame)
            )
            scores.append(1 / (1 + np.exp(-(2 * (video % 2) - 1 + rng.normal(0, 2)))))
    return Predictions(samples, np.array(scores))


def test_each_level_is_calibrated_on_its_own_scores(val):
    """A video's score is the mean of its faces', so that its map is fitted on those."""
    made = calibrate_levels({"val": val}, ("face", "video"))
    assert (len(made["face"].val.reals), len(made["video"].val.reals)) == (200, 100)
    assert made["video"].slope > 1.2 * made["face"].slope
    assert made["face"].origin == "400 faces of the run's validation split"


def test_a_run_without_calibration_has_one_cut_at_its_threshold(tmp_path):
    run = Run(tmp_path)
    run.write_metrics(0.3, {})
    cuts = cuts_at_home(run, "photo")
    assert (cuts.lower, cuts.upper, cuts.method) == (0.3, 0.3, "none")
    write_calibrations(tmp_path, KNOWN)
    assert cuts_at_home(run, "photo") == KNOWN["face"]


def test_a_run_without_calibration_is_calibrated_by_its_validation_scores_if_it_holds_them(tmp_path, val):
    run = Run(tmp_path)
    run.begin(Recipe(), "digest")
    run.write_metrics(0.3, {"val": {"face": compute_metrics(val, threshold=0.3, resamples=0)}})
    assert calibrated(run) == {}
    run.write_predictions("val", val)
    made = calibrated(run)
    assert [known.origin for known in made.values()] == [
        "400 faces of the run's validation split",
        "200 videos of the run's validation split",
    ]
    run.write_metrics(0.3, {})
    assert calibrated(run) == {}
    write_calibrations(tmp_path, KNOWN)
    assert calibrated(run) == KNOWN
