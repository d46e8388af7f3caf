"""Drawn crops and a toy model, for tests of the training's machinery."""

from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from dfdetect.data.faces import FaceStore
from face_extraction.images import write_image
from face_extraction.landmarks import Landmarks, write_landmarks
from face_extraction.manifest import FaceSample, read_manifest, write_manifest


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
def manifest(make_manifest):
    """48 squares: 24 to train on, 12 to validate with, 12 to test on."""
    return make_manifest(train=24, val=12, test=12)


@pytest.fixture
def stores(make_manifest):
    """The squares to train on and to validate with, as faces of 16 pixels."""
    path = make_manifest()
    samples = read_manifest(path)
    return [
        FaceStore(path.parent, [s for s in samples if s.split == split], 16) for split in ("train", "val")
    ]


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


# The mean place of dlib's 68 landmarks in crops with a margin of .3, in hundredths of the side.
_X = """
13 13 14 16 19 25 32 41 51 60 69 76 81 84 85 86 86 20 24 31 38 44 56 62 69 75 80 50 50 51 51 43 47
51 55 58 28 32 36 40 36 32 60 64 68 72 68 64 34 41 46 51 55 61 66 61 55 51 46 40 37 46 51 55 64 55
51 46
"""
_Y = """
35 45 55 64 73 81 87 92 94 92 87 80 72 63 54 44 35 29 25 23 24 26 26 23 23 24 29 33 39 45 52 55 57
58 57 55 34 32 32 35 35 35 35 32 32 34 35 35 66 65 64 65 64 65 66 72 74 75 74 72 67 67 67 67 67 70
70 70
"""


def draw_portrait(seed: int, side: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """A drawn face of random colours, uint8 (side, side, 3), and its 68 landmarks, float32 (68, 2)."""
    rng = np.random.default_rng(seed)
    points = np.stack([np.array(_X.split(), float), np.array(_Y.split(), float)], axis=1) / 100
    points = (points - 0.5) * rng.uniform(0.9, 1.0, 2) + 0.5 + rng.uniform(-0.02, 0.02, 2)
    points = (side * (points + rng.normal(0, 0.004, points.shape))).astype(np.float32)
    coarse = rng.integers(20, 235, (6, 6, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    skin = rng.integers(110, 220, 3)
    for part, colour in (
        (range(27), skin),
        (range(36, 42), (240, 240, 240)),
        (range(42, 48), (240, 240, 240)),
        (range(48, 60), (160, 60, 70)),
        (range(17, 22), skin // 3),
        (range(22, 27), skin // 3),
        (range(29, 36), skin * 3 // 4),
    ):
        hull = cv2.convexHull(np.rint(points[list(part)]).astype(np.int32))
        cv2.fillConvexPoly(picture, hull, tuple(int(value) for value in colour), cv2.LINE_AA)
    grain = rng.normal(0, 5, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8), points


@pytest.fixture
def portrait():
    """Draws faces: portrait(seed, side) gives a picture and its landmarks."""
    return draw_portrait


@pytest.fixture(scope="session")
def write_portraits():
    """Writes crops of drawn real faces, their manifest and landmarks; returns the manifest's path."""

    def write(folder: Path, train: int = 12, val: int = 6, test: int = 4, side: int = 64) -> Path:
        samples, points, sizes = [], {}, {}
        for split, count in (("train", train), ("val", val), ("test", test)):
            for number in range(count):
                path = f"faces/{split}-{number}.png"
                picture, points[path] = draw_portrait(1000 * len(split) + number, side)
                write_image(folder / path, picture)
                sizes[path] = (folder / path).stat().st_size
                samples.append(FaceSample(path, 0, split, f"{split}-{number // 2}"))
        write_manifest(folder / "manifest.csv", samples)
        write_landmarks(folder, Landmarks(points, dict.fromkeys(points, (side, side)), sizes))
        return folder / "manifest.csv"

    return write
