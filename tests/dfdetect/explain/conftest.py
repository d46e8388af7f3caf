"""A finished run that was not trained: random weights, and all that a run's folder holds."""

from pathlib import Path

import numpy as np
import pytest

from dfdetect.recipe import Recipe
from dfdetect.runs.folder import Run

from ..untrained import write_untrained


@pytest.fixture(scope="session")
def finished(write_portraits, tmp_path_factory) -> Run:
    """The run, on drawn faces with landmarks; three of four test faces are called fake."""
    folder = tmp_path_factory.mktemp("finished")
    manifest = write_portraits(folder / "data", train=2, val=4, test=6)
    recipe = Recipe(
        model="meso4", image_size=32, manifest=str(manifest), weights="none", augment="paired", seed=3
    )
    return write_untrained(
        folder / "run",
        recipe,
        lambda scored: float(np.quantile(scored["test"].p_fake, 0.25)),
        ["A notice that the page must keep."],
    )


@pytest.fixture
def crop(finished) -> Path:
    """The file of a face."""
    return Path(finished.environment()["manifest"]).parent / "faces" / "test-0.png"
