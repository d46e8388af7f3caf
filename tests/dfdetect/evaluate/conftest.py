"""A run that was never trained, and scores that stand in the names of the faces."""

import zlib
from pathlib import Path

import numpy as np
import pytest

from dfdetect.data.opening import open_manifest
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe
from dfdetect.runs.calibration import write_calibrations
from dfdetect.runs.folder import Run
from dfdetect.runs.results import Outcome, write_results
from face_extraction.images import write_image
from face_extraction.manifest import FaceSample, write_manifest


def score_of(path: str) -> float:
    """The score that a face's name begins with, such as .85 of faces/0.85-x.png."""
    return float(Path(path).name.partition("-")[0])


@pytest.fixture
def write_faces(tmp_path):
    """write_faces(name, reals, fakes): a manifest of faces with these scores; each is its own group.

    `group` names one for all, `split` the split, `video`, `method` and `source` as in a manifest; no two
    crops are alike, and none is brighter than `shade`. An older manifest of the name is written over.
    """

    def write(name, reals=(), fakes=(), *, split="test", group="", video="", method="", source="", shade=90):
        folder, samples = tmp_path / name, []
        for label, scores in enumerate((reals, fakes)):
            for number, score in enumerate(scores):
                stem = f"{score}-{label}{number}"
                path = f"faces/{stem}.png"
                rng = np.random.default_rng(zlib.crc32(f"{name}/{stem}".encode()))
                write_image(folder / path, rng.integers(0, shade, (12, 12, 3)).astype(np.uint8))
                samples.append(
                    FaceSample(
                        path,
                        label,
                        split,
                        group or f"{name}-{stem}",
                        video=video and f"{video}-{label}",
                        method=method if label else "",
                        source=source,
                        person=1 if video else 0,
                    )
                )
        write_manifest(folder / "manifest.csv", samples)
        return folder / "manifest.csv"

    return write


@pytest.fixture
def make_run(tmp_path):
    """make_run(name, manifest): a finished run; threshold .5, and its cuts if it gets a calibration."""

    def make(name, manifest, calibration=None, **changes):
        data = open_manifest(manifest)
        recipe = Recipe(model="meso4", image_size=32, manifest=str(manifest), weights="none", epochs=1)
        recipe = recipe.with_changes(**changes)
        run = Run(tmp_path / name)
        run.begin(recipe, data.digest)
        run.weights.write_bytes(name.encode())
        tested = [sample for sample in data.samples if sample.split == "test"]
        scored = Predictions(tested, np.array([score_of(sample.path) for sample in tested]))
        outcome = Outcome(
            recipe=recipe,
            environment=data.facts(),
            predictions={"test": scored},
            threshold=0.5,
            unscored=[],
            crops=manifest.parent,
        )
        write_results(run, outcome)
        if calibration:
            write_calibrations(run.folder, {"face": calibration, "video": calibration})
        return run

    return make


@pytest.fixture
def scoring(monkeypatch):
    """Take scores from the names of faces, and load no model. Gives a list that names what was scored.

    A face called "broken" fails the whole evaluation.
    """
    calls = []

    def score(model, folder, samples, *, batch_size, title):
        calls.append(folder.name)
        if any("broken" in sample.path for sample in samples):
            raise OSError(5, "Input/output error", str(folder))
        return Predictions(samples, np.array([score_of(sample.path) for sample in samples])), []

    monkeypatch.setattr("dfdetect.evaluate.evaluating.score", score)
    monkeypatch.setattr("dfdetect.evaluate.evaluating.describe", dict)
    monkeypatch.setattr("dfdetect.evaluate.matrix.load_model", lambda run: None)
    monkeypatch.setattr("dfdetect.runs.build.load_model", lambda run: None)
    return calls
