"""What ships: half precision, names in the place of paths, hashes, and cuts chosen on videos."""

import hashlib

import h5py
import numpy as np
import pytest

from dfdetect.fakes.reals import find_reals
from dfdetect.models.build import build_model
from dfdetect.models.ensemble import combine_models
from dfdetect.pretrained.shipping import LOOKED, anonymous, calibrate, halve, ship, write_hashes
from dfdetect.pretrained.trial import FRAMES, Trial, make_trial
from dfdetect.recipe import Recipe, write_recipe
from dfdetect.runs.build import load_model
from dfdetect.runs.exported import open_graph
from dfdetect.runs.folder import Run
from face_extraction.errors import InputError
from face_extraction.manifest import FaceSample, manifest_hash, read_manifest, write_manifest
from face_extraction.settings import ExtractionSettings, write_settings


def test_crops_with_settings_beside_them_are_those_of_the_run(tmp_path, monkeypatch):
    """The run's digest of its data covers extraction.toml, too."""
    manifest = tmp_path / "manifest.csv"
    write_manifest(manifest, [FaceSample("a.png", 0, "val", "a")])
    write_settings(tmp_path, ExtractionSettings())
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    write_recipe(run.recipe_file, Recipe())
    run.write_environment({"manifest_sha256": manifest_hash(manifest)})
    run.write_metrics(0.5, {})

    class Accepted(Exception):
        """The run and the manifest were accepted."""

    def accept(*_):
        raise Accepted

    monkeypatch.setattr("dfdetect.pretrained.shipping.halve", accept)
    with pytest.raises(Accepted):
        ship(run, manifest, tmp_path / "out")
    write_settings(tmp_path, ExtractionSettings(min_face=90))
    with pytest.raises(InputError, match="changed since"):
        ship(run, manifest, tmp_path / "out")


def test_weights_in_half_precision_load_and_score_nearly_the_same(tmp_path):
    model = build_model("custom_cnn", image_size=32, seed=1)
    model.save_weights(tmp_path / "whole.weights.h5")
    halve(tmp_path / "whole.weights.h5", tmp_path / "half.weights.h5")
    again = build_model("custom_cnn", image_size=32, seed=2)
    again.load_weights(tmp_path / "half.weights.h5")
    rgb = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(np.array(again(rgb)), np.array(model(rgb)), atol=0.01)
    with h5py.File(tmp_path / "half.weights.h5") as file:
        kinds = set()
        file.visititems(lambda _, item: kinds.add(item.dtype) if isinstance(item, h5py.Dataset) else None)
    assert np.dtype("float32") not in kinds
    assert np.dtype("float16") in kinds


def test_a_weight_beyond_half_precision_is_refused(tmp_path):
    with h5py.File(tmp_path / "big.weights.h5", "w") as file:
        file["layers/dense/vars/0"] = np.array([1e6], "float32")
    with pytest.raises(InputError, match="layers/dense/vars/0 does not fit into half precision"):
        halve(tmp_path / "big.weights.h5", tmp_path / "half.weights.h5")
    assert not (tmp_path / "half.weights.h5").exists()


def test_a_recipe_that_ships_names_no_path(tmp_path):
    recipe = anonymous(Recipe(manifest="/home/me/m.csv", weights="/home/me/start.weights.h5"))
    assert (recipe.manifest, recipe.weights) == ("open_faces/manifest.csv", "start.weights.h5")
    assert anonymous(Recipe(weights="imagenet")).weights == "imagenet"
    # A run that it started from does not ship: its name must not be looked for as a folder.
    (tmp_path / "first").mkdir()
    assert anonymous(Recipe(weights=str(tmp_path / "first"))).weights == "first.weights.h5"


def test_hashes_are_of_all_files_but_their_own(tmp_path):
    (tmp_path / "members").mkdir()
    (tmp_path / "a.txt").write_bytes(b"a")
    (tmp_path / "members" / "b.txt").write_bytes(b"b")
    write_hashes(tmp_path)
    write_hashes(tmp_path)
    digests = [hashlib.sha256(text).hexdigest() for text in (b"a", b"b")]
    assert (tmp_path / "SHA256SUMS").read_text() == f"{digests[0]}  a.txt\n{digests[1]}  members/b.txt\n"


def trial(count):
    labels = np.tile([0, 1], count)
    return Trial(np.zeros((1, 1, 1, 3), np.uint8), labels, [f"p{n // 2}" for n in range(2 * count)])


def test_cuts_come_from_the_val_people_and_are_measured_on_the_test_people():
    rng = np.random.default_rng(0)
    made = {}
    for split, noise in (("val", 1.0), ("test", 3.0)):
        some = trial(100)
        logit = np.repeat(2 * some.labels - 1, LOOKED) + rng.normal(0, noise, 200 * LOOKED)
        made[split] = some, 1 / (1 + np.exp(-logit))
    shipped = calibrate(made)
    assert shipped.trial["val"]["reals_above_upper"] <= 0.05
    assert shipped.trial["val"]["fakes_below_lower"] <= 0.10
    assert shipped.trial["test"]["reals_above_upper"] > 0.05
    assert shipped.trial["val"]["people"] == 100
    some, raw = made["test"]
    known = shipped.calibrations["video"]
    scores = known.apply(raw.reshape(-1, LOOKED).mean(axis=1))
    expected = np.mean(scores[some.labels == 1] >= known.upper)
    assert shipped.trial["test"]["fakes_above_upper"] == expected
    assert known.rates().fakes_called == pytest.approx(expected, abs=0.011)
    assert "200 compressed videos of 100 people" in known.origin
    tested = "200 compressed videos of 100 other people of open_faces, half of them fakes of this package"
    assert known.tested_on == tested
    assert shipped.calibrations["face"].tested_on == f"single frames of {tested}"
    assert len(shipped.calibrations["face"].val.reals) == 100 * LOOKED


def test_an_ensemble_ships_with_the_recipes_of_its_members(tmp_path, monkeypatch):
    pytest.importorskip("tf2onnx")
    manifest = tmp_path / "manifest.csv"
    write_manifest(manifest, [FaceSample("a.png", 0, "val", "a")])
    run, shipped = Run(tmp_path / "run"), Run(tmp_path / "out")
    member = Recipe(model="custom_cnn", image_size=32, weights="none", manifest=str(manifest))
    run.begin(member.with_changes(model="ensemble", options={"combine": "mean"}), manifest_hash(manifest))
    members = []
    for number, size in enumerate((32, 48), start=1):
        write_recipe(run.folder / "members" / f"{number:02d}.toml", member.with_changes(image_size=size))
        members.append(build_model("custom_cnn", image_size=size, seed=number))
    model = combine_models(members, on_logits=False)
    model.get_layer("combine").set_weights([np.array([[0.25], [0.75]]), np.zeros(1)])
    model.save_weights(run.weights)
    run.write_environment({"manifest_sha256": manifest_hash(manifest)})
    run.write_metrics(0.5, {})
    some = trial(100)
    noise = np.random.default_rng(0).normal(0, 1, 200 * LOOKED)
    raw = 1 / (1 + np.exp(-(np.repeat(2 * some.labels - 1, LOOKED) + noise)))
    monkeypatch.setattr("dfdetect.pretrained.shipping._videos", lambda *_: (some, raw))
    ship(run, manifest, shipped.folder)
    assert "members/02.toml" in (shipped.folder / "SHA256SUMS").read_text()
    assert str(tmp_path) not in shipped.members()[0].read_text()
    rgb = np.random.default_rng(1).integers(0, 256, (3, 48, 48, 3)).astype("float32")
    expected = np.asarray(model.predict_on_batch(rgb))
    np.testing.assert_allclose(np.asarray(load_model(shipped).predict_on_batch(rgb)), expected, atol=1e-3)
    np.testing.assert_allclose(open_graph(shipped).predict_on_batch(rgb), expected, atol=1e-3)


def test_a_trial_has_two_compressed_videos_of_each_face(write_portraits, tmp_path):
    manifest = write_portraits(tmp_path, train=2, val=4, test=2)
    rows = [sample for sample in read_manifest(manifest) if sample.split == "val"]
    reals, _ = find_reals(manifest, rows)
    recipe = Recipe(augment="paired", seed=3)
    made = make_trial(reals, recipe, 48)
    count = len(reals.samples)
    assert made.crops.shape == (2 * count * LOOKED, 48, 48, 3)
    assert made.labels.tolist() == [0, 1] * count
    assert made.people == [group for group in reals.groups for _ in (0, 1)]
    again = make_trial(reals, recipe, 48)
    assert np.abs(again.crops.astype(int) - made.crops).mean() < 0.5
    videos = made.crops.reshape(count, 2, LOOKED, 48, 48, 3).astype(int)
    assert np.all(np.abs(videos[:, 0] - videos[:, 1]).max(axis=(1, 2, 3, 4)) > 0)
    assert LOOKED < FRAMES
