"""Runs that tests of ensembles combine."""

import pytest

from dfdetect.runs.folder import Run
from dfdetect.train import __main__ as train

SMALL = "--model custom_cnn --batch-size 8 --epochs 10 --augment none --learning-rate 3e-3".split()


@pytest.fixture(scope="session")
def members(write_squares, tmp_path_factory):
    """Two finished runs of one manifest, at 32 and at 48 pixels, and one of another manifest."""
    folder = tmp_path_factory.mktemp("members")
    manifest = write_squares(folder / "data", train=24, val=12, test=12)
    other = write_squares(folder / "other", train=12, val=8, test=4, seed=3)
    runs = []
    for name, size, path in (("a", 32, manifest), ("b", 48, manifest), ("c", 32, other)):
        out = folder / name
        seed = str(len(runs))
        arguments = ["--image-size", str(size), "--seed", seed, "--manifest", str(path), "--out", str(out)]
        assert train.main([*SMALL, *arguments]) == 0
        runs.append(Run(out))
    return runs
