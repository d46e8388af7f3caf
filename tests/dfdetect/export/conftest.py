"""Runs that tests of exports export."""

import shutil

import numpy as np
import pytest

from dfdetect.ensemble import __main__ as ensemble
from dfdetect.metrics.calibrating import Calibration, Held
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.recipe import write_recipe
from dfdetect.runs.calibration import write_calibrations
from dfdetect.runs.folder import Run
from dfdetect.train import __main__ as train
from face_extraction.manifest import FaceSample

PERFECT = Predictions(
    [FaceSample(f"{row}.png", row % 2, "test", str(row)) for row in range(20)], np.tile([0.2, 0.8], 10)
)
SMALL = "--model custom_cnn --batch-size 8 --epochs 1 --augment none".split()


@pytest.fixture(scope="session")
def runs(once, write_squares, lightly):
    """Runs, an ensemble of two that take pictures of two sizes, and one as if it were of bfloat16."""

    def make(folder):
        with lightly():
            _train(folder, write_squares)

    return once("exported", make)


def _train(folder, write_squares):
    manifest = write_squares(folder / "data")
    for seed, (name, size) in enumerate((("one", "48"), ("two", "48"), ("small", "32"))):
        out = ["--seed", str(seed), "--manifest", str(manifest), "--out", str(folder / name)]
        out += ["--image-size", size]
        assert train.main([*SMALL, *out]) == 0
    members = [str(folder / name) for name in ("one", "small")]
    assert ensemble.main([*members, "--combine", "stacked", "--out", str(folder / "both")]) == 0
    half = Run(shutil.copytree(folder / "one", folder / "half"))
    write_recipe(half.recipe_file, half.recipe().with_changes(precision="mixed_bfloat16"))


@pytest.fixture(scope="session")
def calibrated_run(runs, tmp_path_factory):
    """A folder with the run "one", which passes for one of real faces, with calibrations and two cuts."""
    folder = tmp_path_factory.mktemp("calibrated")
    run = Run(shutil.copytree(runs / "one", folder / "one"))
    held = Held(
        reals=tuple(np.linspace(0.2, 0.6, 19).tolist()),
        fakes=tuple(np.linspace(0.3, 0.9, 19).tolist()),
        real_groups=19,
    )
    scores = Calibration(method="platt", slope=2.0, intercept=-0.3, val=held, origin="the test")
    write_calibrations(run.folder, {"face": scores})
    run.write_metrics(0.5, {"test": {"face": compute_metrics(PERFECT, threshold=0.5)}})
    return folder


@pytest.fixture
def rgb():
    """Faces as other programs send them: float32 of 0..255."""
    return np.random.default_rng(3).integers(0, 256, (5, 48, 48, 3)).astype("float32")
