"""A finished run that was not trained: random weights, and all that a run's folder holds."""

from pathlib import Path

import numpy as np
import pytest

from dfdetect.data.opening import open_data
from dfdetect.recipe import Recipe
from dfdetect.runs.build import build_from_recipe
from dfdetect.runs.environment import describe
from dfdetect.runs.folder import Run
from dfdetect.runs.results import Outcome, write_results
from dfdetect.runs.scoring import score


@pytest.fixture(scope="session")
def finished(write_portraits, tmp_path_factory) -> Run:
    """The run, on drawn faces with landmarks; three of four test faces are called fake."""
    folder = tmp_path_factory.mktemp("finished")
    manifest = write_portraits(folder / "data", train=2, val=4, test=6)
    recipe = Recipe(
        model="meso4", image_size=32, manifest=str(manifest), weights="none", augment="paired", seed=3
    )
    data = open_data(recipe)
    run = Run(folder / "run")
    run.begin(recipe, data.digest)
    model = build_from_recipe(recipe)
    model.save_weights(run.weights)
    scored = {
        split: score(model, data.path.parent, [s for s in data.samples if s.split == split], batch_size=8)[0]
        for split in ("val", "test")
    }
    outcome = Outcome(
        recipe=recipe,
        environment=describe() | data.facts(),
        predictions=scored,
        threshold=float(np.quantile(scored["test"].p_fake, 0.25)),
        unscored=[],
        crops=data.path.parent,
        notices=["A notice that the page must keep."],
    )
    write_results(run, outcome)
    return run


@pytest.fixture
def crop(finished) -> Path:
    """The file of a face."""
    return Path(finished.environment()["manifest"]).parent / "faces" / "test-0.png"
