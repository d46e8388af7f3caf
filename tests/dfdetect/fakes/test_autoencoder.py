"""The autoencoder: people parted between two decoders, and a set made by the decoder that is a stranger."""

import numpy as np
import pytest

from dfdetect.fakes import autoencoder as module
from dfdetect.fakes.__main__ import main
from dfdetect.fakes.registry import Face
from face_extraction.images import read_rgb
from face_extraction.manifest import read_manifest


@pytest.fixture
def manifest(write_portraits, tmp_path):
    return write_portraits(tmp_path / "reals", train=6, val=2, test=0)


def run(manifest, out, *more):
    flags = ["--manifest", str(manifest), "--out", str(out), "--steps", "2", *more]
    return main(["autoencoder", *flags])


def test_a_set_is_made_once_trained_and_not_trained_again(manifest, tmp_path, monkeypatch, capsys):
    out = tmp_path / "set"
    assert run(manifest, out) == 0
    rows = read_manifest(out / "manifest.csv")
    assert [(row.label, row.method) for row in rows] == [(0, ""), (1, "autoencoder")] * 8
    for real, fake in zip(rows[::2], rows[1::2], strict=True):
        assert (real.group, real.split) == (fake.group, fake.split)
        one, other = read_rgb(out / real.path), read_rgb(out / fake.path)
        mask = read_rgb(out / "masks/autoencoder" / fake.path.rpartition("/")[2])[:, :, 0]
        assert (one != other).any()
        np.testing.assert_array_equal(one[mask == 0], other[mask == 0])
    before = {path: path.read_bytes() for path in out.rglob("*.png")}
    for path in list(before)[::4]:
        path.unlink()
    monkeypatch.setattr(module, "_batches", lambda *_: pytest.fail("trained again"))
    assert run(manifest, out) == 0
    assert {path: path.read_bytes() for path in out.rglob("*.png")} == before
    assert run(manifest, out, "--seed", "1") == 2
    assert "it holds a set with seed 0, not 1" in capsys.readouterr().err


def test_training_lowers_the_error_of_what_is_rebuilt(portrait, tmp_path):
    chips = np.stack([module.cut_chip(Face(*portrait(number))) for number in range(8)])
    half = np.array([0, 1] * 4)

    def error(rebuild):
        made = np.asarray(rebuild(chips[half == 0].astype(np.float32) / 255))
        return np.abs(made - chips[half == 0] / 255).mean()

    before = error(module.build(0)[1][0])
    training = module.Training(steps=20, batch_size=4, learning_rate=2e-3)
    rebuilds = module.train_autoencoder(chips, half, training, tmp_path / "a.weights.h5")
    assert error(rebuilds[0]) < 0.9 * before


def test_people_are_parted_and_never_in_both_halves():
    groups = ["b", "a", "c", "b", "d"]
    half = module.halves(groups)
    assert half[0] == half[3]
    assert sorted(half.tolist()) == [0, 0, 1, 1, 1]


def test_a_chip_is_upright_whatever_the_turn(portrait):
    _, points = portrait(1)
    turn = np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]], np.float32)
    for face in (points, (points - 48) @ turn.T * 0.7 + 48):
        matrix = module.chip_matrix(face)
        found = face @ matrix[:, :2].T + matrix[:, 2]
        left, right = found[36:42].mean(axis=0), found[42:48].mean(axis=0)
        np.testing.assert_allclose(right - left, (module.EYES_APART * module.CHIP, 0), atol=0.01)
        np.testing.assert_allclose(
            (left + right) / 2, (module.CHIP / 2, module.EYES_DOWN * module.CHIP), atol=0.01
        )


def test_the_whole_face_lies_in_its_chip(portrait):
    for number in range(5):
        _, points = portrait(number)
        matrix = module.chip_matrix(points)
        found = points @ matrix[:, :2].T + matrix[:, 2]
        assert 0 <= found.min() <= found.max() < module.CHIP


def test_one_group_is_refused(write_portraits, tmp_path, capsys):
    lonely = write_portraits(tmp_path / "lonely", train=2, val=0, test=0)
    assert run(lonely, tmp_path / "set") == 2
    assert "need faces of two groups or more; there is one" in capsys.readouterr().err
