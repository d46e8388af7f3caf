"""MesoNet against its authors' weights, by an implementation in plain NumPy."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from dfdetect.models.build import build_model
from dfdetect.models.weights import weights_origin


class Authors:
    """The authors' networks, from the layers of their weights file by number of creation.

    The output is theirs: 1 means REAL.
    """

    def __init__(self, path: Path) -> None:
        with h5py.File(path) as file:
            self.weights = {
                name: [np.array(group[weight], "float64") for weight in group.attrs["weight_names"]]
                for name, group in file.items()
            }
        self.names = sorted(self.weights, key=lambda name: (len(name), name))

    def nth(self, kind: str, number: int) -> list[np.ndarray]:
        return self.weights[[name for name in self.names if name.startswith(kind + "_")][number]]

    def convolve(self, x: np.ndarray, number: int, dilation: int = 1) -> np.ndarray:
        kernel, bias = self.nth("conv2d", number)
        rim = dilation * (len(kernel) // 2)
        padded = np.pad(x, ((0, 0), (rim, rim), (rim, rim), (0, 0)))
        out = np.zeros((*x.shape[:3], kernel.shape[3])) + bias
        for i, j in np.ndindex(kernel.shape[:2]):
            top, left = i * dilation, j * dilation
            out += padded[:, top : top + x.shape[1], left : left + x.shape[2]] @ kernel[i, j]
        return np.maximum(out, 0)

    def finish(self, x: np.ndarray, number: int, pool: int = 2) -> np.ndarray:
        gamma, beta, mean, variance = self.nth("batch_normalization", number)
        x = gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta
        n, height, width, c = x.shape
        return x.reshape(n, height // pool, pool, width // pool, pool, c).max(axis=(2, 4))

    def module(self, x: np.ndarray, first: int) -> np.ndarray:
        branches = [self.convolve(x, first)]
        for branch in (1, 2, 3):
            inner = self.convolve(x, first + 2 * branch - 1)
            branches.append(self.convolve(inner, first + 2 * branch, dilation=branch))
        return np.concatenate(branches, axis=-1)

    def predict(self, rgb: np.ndarray, inception: bool) -> np.ndarray:
        x = rgb / 255
        for stage, conv in enumerate((14, 15), 2) if inception else enumerate((0, 1, 2, 3)):
            if inception and stage == 2:
                x = self.finish(self.module(x, 0), 0)
                x = self.finish(self.module(x, 7), 1)
            x = self.finish(self.convolve(x, conv), stage, pool=4 if stage == 3 else 2)
        kernel, bias = self.nth("dense", 0)
        x = x.reshape(len(x), -1) @ kernel + bias
        x = np.where(x < 0, 0.1 * x, x)
        kernel, bias = self.nth("dense", 1)
        return 1 / (1 + np.exp(-(x @ kernel + bias)))


FILES = {"Meso4_DF": "meso4", "Meso4_F2F": "meso4"} | {
    "MesoInception_DF": "mesoinception4",
    "MesoInception_F2F": "mesoinception4",
}


@pytest.mark.shared
@pytest.mark.parametrize(("file", "name"), FILES.items())
def test_p_fake_is_one_less_the_authors_output(shared, file, name):
    path = shared / "weights" / "mesonet" / f"{file}.h5"
    model = build_model(name, weights=str(path), whole=True)
    rng = np.random.default_rng(0)
    # Noise at several scales: constant and fine images drive the output to both sides.
    rgb = np.concatenate(
        [
            np.kron(rng.integers(0, 256, (2, side, side, 3)), np.ones((1, 256 // side, 256 // side, 1)))
            for side in (2, 16, 256)
        ]
    )
    expected = 1 - Authors(path).predict(rgb, inception=name == "mesoinception4")
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(np.array(model(rgb)), expected, atol=1e-5)
    assert weights_origin(model).random == ()


@pytest.mark.shared
@pytest.mark.parametrize(("file", "name"), [("Meso4_DF", "meso4"), ("MesoInception_DF", "mesoinception4")])
def test_the_authors_example_images_are_called_right(shared, file, name):
    folder = shared / "data" / "face_photos" / "mesonet_test_images"
    model = build_model(name, weights=str(shared / "weights" / "mesonet" / f"{file}.h5"))
    paths = sorted(folder.rglob("*.jpg"))
    rgb = np.stack([np.array(Image.open(path).convert("RGB").resize((256, 256))) for path in paths])
    called = np.array(model(rgb))[:, 0] > 0.5
    assert len(paths) == 4
    assert list(called) == [path.parent.name == "df" for path in paths]


@pytest.mark.parametrize(("name", "trainable"), [("meso4", 27_977), ("mesoinception4", 28_615)])
def test_trainable_parameters_are_those_of_the_paper(name, trainable):
    model = build_model(name)
    assert sum(int(np.prod(variable.shape)) for variable in model.trainable_variables) == trainable
