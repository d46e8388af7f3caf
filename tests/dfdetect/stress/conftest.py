"""A finished run that was not trained, and cases in memory."""

from pathlib import Path

import numpy as np
import pytest

from dfdetect.recipe import Recipe
from dfdetect.runs.folder import Run
from dfdetect.stress.faces import Case
from face_extraction.images import write_image
from face_extraction.manifest import FaceSample, write_manifest

from ..untrained import write_untrained


def write_noise(folder: Path) -> Path:
    """Write faces of noise, as bright in one class as in the other, and their manifest; its path."""
    rng = np.random.default_rng(0)
    samples = []
    for split, count in (("train", 4), ("val", 16), ("test", 24)):
        for number in range(count):
            path = f"faces/{split}-{number}.png"
            write_image(folder / path, rng.integers(0, rng.integers(40, 256), (24, 24, 3)).astype(np.uint8))
            samples.append(FaceSample(path, number % 2, split, f"{split}-{number // 3}"))
    write_manifest(folder / "manifest.csv", samples)
    return folder / "manifest.csv"


@pytest.fixture(scope="session")
def finished(lightly, once) -> Run:
    """The run: Meso4 of random weights at 32 pixels, on noise; it has 24 test faces of 8 groups."""

    def make(folder: Path) -> None:
        manifest = write_noise(folder / "data")
        recipe = Recipe(model="meso4", image_size=32, manifest=str(manifest), weights="none", seed=3)
        with lightly():
            write_untrained(folder / "run", recipe, lambda scored: float(np.median(scored["val"].p_fake)))

    return Run(once("stress", make) / "run")


@pytest.fixture
def make_cases():
    """Makes cases of noise, real and fake in turn, two of a group."""

    def make(count: int, side: int = 40) -> list[Case]:
        rng = np.random.default_rng(7)
        return [
            Case(
                FaceSample(f"{number}.png", number % 2, "test", f"g{number // 2}"),
                (rng.integers(0, 256, (side, side, 3)).astype(np.uint8),),
            )
            for number in range(count)
        ]

    return make
