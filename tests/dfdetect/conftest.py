"""Drawn crops and a toy model, for tests of the training's machinery."""

from pathlib import Path

import keras
import numpy as np
import pytest

from face_extraction.images import write_image
from face_extraction.manifest import FaceSample, write_manifest


def draw(label: int, rng: np.random.Generator, size: int = 24) -> np.ndarray:
    """Noise; in a fake, a bright square stands somewhere."""
    rgb = rng.integers(0, 120, (size, size, 3))
    if label:
        top, left = rng.integers(0, size - 8, 2)
        rgb[top : top + 8, left : left + 8] = 240
    return rgb.astype(np.uint8)


@pytest.fixture(scope="session")
def write_squares():
    """Writes crops and a manifest into a folder, and returns the manifest's path."""

    def write(folder: Path, train: int = 20, val: int = 10, test: int = 10, seed: int = 0) -> Path:
        rng = np.random.default_rng(seed)
        samples = []
        for split, count in (("train", train), ("val", val), ("test", test)):
            for number in range(count):
                label = number % 2
                path = f"faces/{split}-{number}.png"
                write_image(folder / path, draw(label, rng))
                name = f"{split}-{number // 4}"
                samples.append(FaceSample(path, label, split, name, f"{name}-{label}", number))
        write_manifest(folder / "manifest.csv", samples)
        return folder / "manifest.csv"

    return write


@pytest.fixture
def make_manifest(write_squares, tmp_path):
    """The same, into the test's own folder or another."""

    def make(*, folder: Path = tmp_path, **counts: int) -> Path:
        return write_squares(folder, **counts)

    return make


@pytest.fixture
def uneven_folds(tmp_path):
    """A manifest, without crops, of three groups with reals and three with fakes: fold 3 of 3 has no real."""
    counts = {"a": (6, 6), "b": (0, 3), "c": (3, 0), "d": (9, 0), "e": (9, 6)}
    rows = [
        FaceSample(f"{group}-{number}.png", int(number >= reals), "train", group)
        for group, (reals, fakes) in counts.items()
        for number in range(reals + fakes)
    ]
    write_manifest(tmp_path / "manifest.csv", rows)
    return tmp_path / "manifest.csv"


@pytest.fixture
def make_model():
    """Builds a small model under the models' contract, with dropout and batch normalisation."""

    def make(seed: int = 0, size: int = 16) -> keras.Model:
        keras.utils.set_random_seed(seed)
        image = keras.Input((size, size, 3))
        x = keras.layers.Rescaling(1 / 255)(image)
        x = keras.layers.Conv2D(8, 3, activation="relu")(x)
        x = keras.layers.BatchNormalization(momentum=0.8)(x)
        x = keras.layers.GlobalMaxPooling2D(name="features")(x)
        x = keras.layers.Dropout(0.3)(x)
        x = keras.layers.Dense(1, name="logit")(x)
        return keras.Model(image, keras.layers.Activation("sigmoid", name="p_fake")(x))

    return make


@pytest.fixture(scope="session")
def write_clips():
    """Writes clips whose label is seen over time alone, and returns the manifest's path.

    A real clip grows brighter; a fake one is a real one's faces in reverse order, so that no single
    face, and no mean over faces, can tell them apart. The manifest's rows are in no order.
    """

    def write(folder: Path, train: int = 6, val: int = 4, test: int = 4, faces: int = 5) -> Path:
        rng = np.random.default_rng(0)
        samples = []
        for split, count in (("train", train), ("val", val), ("test", test)):
            for pair in range(count // 2):
                levels = np.sort(rng.choice(np.arange(20, 240, 10), faces, replace=False))
                for label in (0, 1):
                    for frame, level in enumerate(levels[::-1] if label else levels):
                        name = f"{split}-{pair}-{label}"
                        path = f"faces/{name}-{frame}.png"
                        rgb = np.full((24, 24, 3), level, np.uint8)
                        rgb[:12] += np.uint8(10)
                        write_image(folder / path, rgb)
                        row = FaceSample(path, label, split, f"{split}-{pair}", f"{name}.mp4", 3 * frame)
                        samples.append(row)
        order = rng.permutation(len(samples))
        write_manifest(folder / "manifest.csv", [samples[row] for row in order])
        return folder / "manifest.csv"

    return write
