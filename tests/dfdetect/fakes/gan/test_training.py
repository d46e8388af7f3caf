"""Trainings of tiny networks, without and with a cut."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dfdetect.fakes.gan import training as module
from dfdetect.fakes.gan.features import FeatureNetwork
from dfdetect.fakes.gan.quality import Quality
from dfdetect.fakes.gan.settings import Design, Training
from dfdetect.fakes.gan.training import Order, Trainer, read_reals, tiled, train_gan
from face_extraction.errors import InputError
from face_extraction.images import read_rgb
from face_extraction.json_file import read_json
from face_extraction.ledger import read_ledger
from face_extraction.manifest import read_manifest, write_manifest

QUALITY = Quality(2.5, 0.5, 0.25)
DESIGN, TRAINING = Design("dcgan", 8, 32), Training(seed=5, batch_size=4, penalty_every=2)


@pytest.fixture(scope="module")
def manifest(write_portraits, tmp_path_factory):
    return write_portraits(tmp_path_factory.mktemp("reals"), train=7, val=6, test=2)


def order(manifest, steps, **changes):
    return replace(Order(manifest, DESIGN, TRAINING, steps, 1, "none"), **changes)


def state(folder):
    with np.load(folder / "checkpoint.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


def test_a_training_that_was_cut_and_resumed_equals_one_that_was_not(manifest, tmp_path, monkeypatch, capsys):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    save = Trainer.save

    def save_and_copy(trainer, path):
        save(trainer, path)
        if trainer.done == 2:
            shutil.copytree(whole, cut)

    monkeypatch.setattr(Trainer, "save", save_and_copy)
    train_gan(order(manifest, 3), whole)
    monkeypatch.setattr(Trainer, "save", save)
    half = state(cut)
    train_gan(order(manifest, 3), cut)
    expected, found = state(whole), state(cut)
    assert set(expected) == set(found)
    assert int(found["step"]) == 3
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    for part in ("generator", "discriminator", "average", "optimizer_g", "optimizer_d"):
        values = [name for name in found if name.startswith(f"{part}/")]
        assert any((found[name] != half[name]).any() for name in values), f"{part} did not move"
    for name in ("history.csv", "sheets/0000003.png", "gan.json", "ledger.csv"):
        assert (whole / name).read_bytes() == (cut / name).read_bytes()
    with (cut / "history.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert [row["step"] for row in rows] == ["1", "2", "3"]
    assert [bool(row["penalty"]) for row in rows] == [True, False, True]
    assert not (cut / "floor.json").exists()
    assert not rows[0]["frechet"]
    assert "step 3, discriminator" in capsys.readouterr().out


def test_another_seed_makes_other_faces_and_the_same_seed_the_same(manifest):
    faces, _ = read_reals(manifest, "train", 8)
    made = [Trainer(DESIGN, replace(TRAINING, seed=seed), faces).make(2, 9) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(made[0], made[1])
    assert (made[0] != made[2]).any()


def counted(trainer):
    """A step that only counts."""
    trainer.done += 1
    return 1.0, 2.0, None


def first_pixels(weights):
    """A network whose features are the first pixels."""
    return FeatureNetwork("first pixels", lambda faces: faces.reshape(len(faces), -1)[:, :6] / 255.0)


def test_measures_use_held_out_reals_and_state_their_floor_and_number(
    manifest, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(module, "open_mobilenet", first_pixels)
    monkeypatch.setattr(Trainer, "step", counted)
    seen = []
    monkeypatch.setattr(module, "measure", lambda real, fake: seen.append((real, fake)) or QUALITY)
    train_gan(order(manifest, 1, weights="file"), tmp_path / "gan")
    (val, train), (held, made) = seen
    reals, _ = read_reals(manifest, "val", 8)
    expected = first_pixels("").compute(reals)
    assert sorted(map(tuple, val)) == sorted(map(tuple, expected))
    np.testing.assert_array_equal(val, held)
    assert len(train) == len(made) == 6  # as many as val reals, of seven
    learned = {tuple(row) for row in first_pixels("").compute(read_reals(manifest, "train", 8)[0])}
    assert {tuple(row) for row in train} < learned
    floor = read_json(tmp_path / "gan" / "floor.json", dict[str, object])
    assert floor == {"features": "first pixels", "samples": 6, **QUALITY._asdict()}
    with (tmp_path / "gan" / "history.csv").open() as handle:
        (row,) = csv.DictReader(handle)
    assert (row["frechet"], row["precision"], row["samples"]) == ("2.5000", "0.5000", "6")
    assert "first pixels, 6 val reals against 6 train reals: Frechet distance 2.50" in capsys.readouterr().out


def test_people_of_val_and_test_are_not_learned_from(manifest, monkeypatch, tmp_path):
    read = []
    monkeypatch.setattr(module, "read_rgb", lambda path: read.append(path) or read_rgb(path))
    monkeypatch.setattr(module, "_train", lambda *given: None)
    train_gan(order(manifest, 1), tmp_path / "gan")
    assert sorted(path.name for path in read) == [f"train-{number}.png" for number in range(7)]


def test_an_unreadable_real_is_in_the_ledger(write_portraits, tmp_path, monkeypatch):
    manifest = write_portraits(tmp_path / "reals", train=3, val=0, test=0)
    (tmp_path / "reals/faces/train-1.png").write_bytes(b"no picture")
    monkeypatch.setattr(module, "_train", lambda *given: None)
    train_gan(order(manifest, 1), tmp_path / "gan")
    (row,) = read_ledger(tmp_path / "gan" / "ledger.csv")
    assert (row.path, row.reason) == ("faces/train-1.png", "unreadable")


def test_a_manifest_without_reals_is_refused(manifest, tmp_path):
    rows = [replace(row, label=int(row.split == "train")) for row in read_manifest(manifest)]
    fakes = Path(manifest).with_name("fakes.csv")
    write_manifest(fakes, rows)
    with pytest.raises(InputError, match="no real faces of the split train to learn from"):
        train_gan(order(fakes, 1), tmp_path / "gan")
    rows = [replace(row, label=int(row.split == "val")) for row in read_manifest(manifest)]
    write_manifest(fakes, rows)
    with pytest.raises(InputError, match="no real faces of the split val to measure against; --weights none"):
        train_gan(order(fakes, 1, weights="file"), tmp_path / "gan")


def test_a_folder_of_another_gan_is_refused(manifest, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_train", lambda *given: None)
    train_gan(order(manifest, 1), tmp_path / "gan")
    with pytest.raises(InputError, match="it holds a GAN with seed 5, not 6; choose another --out"):
        train_gan(order(manifest, 1, training=replace(TRAINING, seed=6)), tmp_path / "gan")


def test_what_is_refused_leaves_the_floor_of_the_gan_that_is_there(manifest, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_train", lambda *given: None)
    monkeypatch.setattr(module, "open_mobilenet", first_pixels)
    out = tmp_path / "gan"
    train_gan(order(manifest, 1, weights="file"), out)
    before = (out / "floor.json").read_bytes()
    with pytest.raises(InputError, match="it holds a GAN with seed 5"):
        train_gan(order(manifest, 1, weights="file", training=replace(TRAINING, seed=6)), out)
    others = FeatureNetwork("other pixels", first_pixels("").compute)
    monkeypatch.setattr(module, "open_mobilenet", lambda weights: others)
    with pytest.raises(InputError, match="were measured by first pixels, now by other pixels"):
        train_gan(order(manifest, 2, weights="file"), out)
    assert (out / "floor.json").read_bytes() == before
    train_gan(order(manifest, 2), out)  # without measures it goes on


def test_a_training_that_diverges_says_so(manifest, tmp_path, monkeypatch):
    def step(self):
        self.done += 1
        return float("nan"), 1.0, None

    monkeypatch.setattr(Trainer, "step", step)
    with pytest.raises(InputError, match="the training diverged by step 1"):
        train_gan(order(manifest, 1), tmp_path / "gan")


def test_a_sheet_has_rows_of_ten_faces():
    faces = np.arange(60, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 3), np.uint8)
    sheet = tiled(faces)
    assert sheet.shape == (12, 30, 3)
    assert sheet[2, 3, 0] == 11
