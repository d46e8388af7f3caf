"""The same models on JAX: what one backend saved, the other loads, and the scores agree."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from dfdetect.models.registry import family

pytest.importorskip("jax")

OTHER = """
import sys
import numpy as np
from dfdetect.models.build import build_model
folder = sys.argv[1]
for name in sys.argv[2:]:
    rgb = np.load(f"{folder}/{name}.npy")
    weights = f"{folder}/{name}.weights.h5"
    model = build_model(name, image_size=rgb.shape[1], weights=weights, whole=True)
    np.save(f"{folder}/{name}.p_fake.npy", np.array(model(rgb)))
"""


def compare(sizes, lively, faces, folder):
    """Compare models by name, each at its image size; 0 is a small one."""
    expected = {}
    for name, size in sizes.items():
        model = lively(name, size, seed=1)
        rgb, _ = faces(name, size)
        np.save(folder / f"{name}.npy", rgb)
        model.save_weights(folder / f"{name}.weights.h5")
        expected[name] = np.array(model(rgb))
        assert np.ptp(expected[name]) > 1e-3
    other = "tensorflow" if keras.backend.backend() == "jax" else "jax"
    environment = {**os.environ, "KERAS_BACKEND": other, "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", OTHER, str(folder), *sizes], check=True, env=environment)
    for name in sizes:
        np.testing.assert_allclose(np.load(folder / f"{name}.p_fake.npy"), expected[name], atol=1e-4)


def test_small_models_agree(lively, faces, tmp_path):
    compare({"custom_cnn": 0, "mesoinception4": 0, "vit_ti16": 0}, lively, faces, tmp_path)


# At its own size, where the deep maps are large enough for batch statistics: at 75 pixels those of
# Inception-v3 are of 8 values, and magnify rounding to 2e-4. In float64 the backends agree to 1e-11.
@pytest.mark.slow
def test_model_agrees(any_name, lively, faces, tmp_path):
    compare({any_name: family(any_name).image_size}, lively, faces, tmp_path)
