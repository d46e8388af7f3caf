"""A tiny declared experiment, run end to end, and results made up for its cells."""

import numpy as np
import pytest

from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.report import __main__ as report
from dfdetect.report.results import Result, declared
from face_extraction.manifest import FaceSample

DECLARED = """
title = "Tiny: two models and an ensemble"
figures = ["roc"]
headline = [{ model = "custom_cnn", regime = "base" }]

[source]
data = "drawn squares & more_of_them"

[recipe]
image_size = 32
batch_size = 8
epochs = 1
augment = "none"

[axes.model]
custom_cnn = { title = "CNN", recipe = { model = "custom_cnn" } }
meso4 = { title = "Meso-4", recipe = { model = "meso4" } }
absent = { title = "Absent", recipe = { model = "not_there" } }
both = { title = "Both", members = ["custom_cnn", "meso4"] }

[axes.regime]
base = { title = "Base" }
l2 = { title = "L2", recipe = { l2 = 1e-3 } }

[[where]]
at = { model = "both", regime = "l2" }
skip = true

[[where]]
at = { model = "meso4", regime = "l2" }
skip = true

[[where]]
at = { model = "absent", regime = "l2" }
skip = true

[profiles.folds]
about = "two folds"
recipe = { split = "group", folds = 2, fold = 1, val_share = 0.3 }

[[profiles.folds.where]]
at = { model = "both" }
recipe = { folds = 0, fold = 0, split = "manifest" }

[[tables]]
name = "grid"
title = "Accuracy"
kind = "grid"
metrics = ["accuracy"]
rows = ["model"]
columns = "regime"

[[tables]]
name = "list"
title = "All models"
kind = "list"
metrics = ["accuracy", "auc"]
rows = ["model", "regime"]
only = { regime = ["base"] }

[[tables]]
name = "folds"
title = "Folds"
kind = "folds"
metrics = ["accuracy"]
rows = ["model", "regime"]
only = { model = ["custom_cnn"], regime = ["base"] }

[[published]]
place = "a table"
at = { model = "custom_cnn", regime = "base" }
accuracy = "81.2%"

[[published.folds]]
accuracy = "0.80"
confusion = [["4", "1"], ["1", "4"]]

[[published.folds]]
accuracy = "0.82"
confusion = [["4", "1"], ["1", "4"]]
"""


@pytest.fixture
def declare(tmp_path):
    """Write an experiment below a folder "reports"; returns its folder."""

    def write(text=DECLARED, name="tiny"):
        folder = tmp_path / "reports" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "experiment.toml").write_text(text)
        return folder

    write.text = DECLARED
    return write


@pytest.fixture(scope="module")
def trained(write_squares, tmp_path_factory):
    """A manifest, and a folder of runs that a file's tests share: what one has trained is there for all."""
    folder = tmp_path_factory.mktemp("grid")
    return write_squares(folder / "data", train=16, val=8, test=16), folder / "runs"


@pytest.fixture
def grid(declare, trained, tmp_path, monkeypatch, capsys):
    """The tiny grid, run once: its folder, its runs, the command and what that printed."""
    folder, (manifest, runs) = declare(), trained
    monkeypatch.chdir(tmp_path)
    command = ["run", str(folder), "--manifest", str(manifest), "--runs", str(runs)]
    assert report.main(command) == 1  # one model does not exist
    return folder, runs, command, capsys.readouterr().out


@pytest.fixture(scope="session")
def measured():
    """Makes the result of a cell, with so many right of 40 drawn scores."""

    def make(experiment, name, accuracy=0.9, folds=1, **changes):
        labels, right = np.arange(40) % 2, np.arange(40) < round(40 * accuracy)
        samples = [FaceSample(f"{row}.png", int(labels[row]), "test", str(row)) for row in range(40)]
        scores = Predictions(samples, np.where(right, labels, 1 - labels).astype(np.float64))
        metrics = {"face": compute_metrics(scores, threshold=0.5, resamples=0).to_dict()}
        cell = next(cell for cell in experiment.cells() if cell.name == name)
        parts = [{"n_train": 9, "metrics": metrics}] * folds
        return Result(cell.at, "full", "done", declared(cell), parts=parts, **changes)

    return make
