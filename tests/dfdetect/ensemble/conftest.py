"""Runs that tests of ensembles combine."""

import pytest

from dfdetect.runs.folder import Run
from dfdetect.train import __main__ as train

SMALL = "--model custom_cnn --batch-size 8 --augment none --learning-rate 3e-3".split()


@pytest.fixture(scope="session")
def members(once, write_squares, lightly):
    """Two trained runs of one manifest, at 32 and at 48 pixels, and an untrained one of another manifest."""

    def make(folder):
        with lightly(graphs=True):
            _train(folder, write_squares)

    folder = once("members", make)
    return [Run(folder / name) for name in "abc"]


def _train(folder, write_squares):
    manifest = write_squares(folder / "data", train=24, val=12, test=12)
    other = write_squares(folder / "other", train=12, val=8, test=4, seed=3)
    members = (("a", 32, 10, manifest), ("b", 48, 10, manifest), ("c", 32, 0, other))
    for seed, (name, size, epochs, path) in enumerate(members):
        arguments = f"--image-size {size} --epochs {epochs} --seed {seed} --manifest {path}".split()
        assert train.main([*SMALL, *arguments, "--out", str(folder / name)]) == 0
