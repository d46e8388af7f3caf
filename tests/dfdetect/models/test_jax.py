"""The same models on JAX: what one backend saved, the other loads, and the scores agree."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

pytest.importorskip("jax")

OTHER = """
import sys
import numpy as np
from dfdetect.models import build_model
folder = sys.argv[1]
for name in sys.argv[2:]:
    rgb = np.load(f"{folder}/{name}.npy")
    weights = f"{folder}/{name}.weights.h5"
    model = build_model(name, image_size=rgb.shape[1], weights=weights, whole=True)
    np.save(f"{folder}/{name}.p_fake.npy", np.array(model(rgb)))
"""


def compare(names, lively, faces, folder):
    expected = {}
    for name in names:
        model = lively(name, seed=1)
        rgb, _ = faces(name)
        np.save(folder / f"{name}.npy", rgb)
        model.save_weights(folder / f"{name}.weights.h5")
        expected[name] = np.array(model(rgb))
        assert np.ptp(expected[name]) > 1e-3
    other = "tensorflow" if keras.backend.backend() == "jax" else "jax"
    environment = {**os.environ, "KERAS_BACKEND": other, "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", OTHER, str(folder), *names], check=True, env=environment)
    for name in names:
        np.testing.assert_allclose(np.load(folder / f"{name}.p_fake.npy"), expected[name], atol=1e-4)


def test_small_models_agree(lively, faces, tmp_path):
    compare(["custom_cnn", "mesoinception4"], lively, faces, tmp_path)


@pytest.mark.slow
def test_model_agrees(any_name, lively, faces, tmp_path):
    compare([any_name], lively, faces, tmp_path)
