"""Drawn crops, for tests that train."""

import numpy as np
import pytest

from face_extraction.images import write_image
from face_extraction.manifest import FaceSample, write_manifest


@pytest.fixture
def manifest(tmp_path):
    """Crops of noise, brighter in fakes by a little, with a manifest; groups of four, in one split each."""
    rng = np.random.default_rng(0)
    samples = []
    for split, count in (("train", 32), ("val", 24), ("test", 8)):
        for number in range(count):
            label = number % 2
            path = f"faces/{split}-{number}.png"
            rgb = rng.integers(0, 200 + 20 * label, (32, 32, 3)).astype(np.uint8)
            write_image(tmp_path / "data" / path, rgb)
            group = f"{split}-{number // 4}"
            samples.append(FaceSample(path, label, split, group, f"{group}-{label}", number))
    write_manifest(tmp_path / "data" / "manifest.csv", samples)
    return tmp_path / "data" / "manifest.csv"
