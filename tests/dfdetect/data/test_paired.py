"""Paired training: pairs in one batch, made anew in each epoch, and held-out pairs that are made once."""

import dataclasses

import numpy as np
import pytest

from dfdetect.data.faces import Pass, epoch_order
from dfdetect.data.held_out import with_pairs
from dfdetect.data.opening import open_data, open_training_data
from dfdetect.data.paired import fake_shares, open_pairs
from dfdetect.data.pipeline import NumpyBatches, make_dataset
from dfdetect.fakes.pairs import DEFAULT_SHARES
from dfdetect.recipe import Recipe
from face_extraction.errors import InputError
from face_extraction.images import read_rgb
from face_extraction.landmarks import Landmarks, read_landmarks, write_landmarks
from face_extraction.manifest import read_manifest, write_manifest

RECIPE = Recipe(augment="paired", image_size=32, batch_size=4, fakes="self_blend:3,swap", model="meso4")


@pytest.fixture
def manifest(write_portraits, tmp_path):
    return write_portraits(tmp_path)


@pytest.fixture
def with_fakes(manifest):
    """The manifest with three fakes of its own in train and one in val."""
    rows = read_manifest(manifest)
    for number in (1, 3, 5, 13):
        rows[number] = dataclasses.replace(rows[number], label=1, method="theirs")
    write_manifest(manifest, rows)
    return manifest


def training(manifest, recipe=RECIPE, **more):
    rows = [row for row in read_manifest(manifest) if row.split == "train"]
    return open_pairs(manifest, rows, recipe, title="open", **more)


def passing(store, epoch=0, seed=0):
    order = epoch_order(store.labels, seed=seed, epoch=epoch, balance="none", paired=True)
    return Pass(store, order, 4, "paired", (seed, epoch))


def pictures(faces):
    return faces.rows(0, len(faces.order))


def test_each_real_face_stands_beside_the_fake_made_from_it(manifest):
    store, ledger = training(manifest)
    assert (len(store), ledger) == (24, [])
    faces = passing(store)
    labels, _ = faces.targets()
    assert labels[:, 0].tolist() == [0, 1] * 12
    assert sorted(faces.order.tolist()) == list(range(24))
    assert (faces.order[1::2] == faces.order[::2] + 1).all()
    shown = pictures(faces).astype(int)
    assert shown.shape == (24, 32, 32, 3)
    own = np.abs(shown[::2] - shown[1::2]).mean(axis=(1, 2, 3))
    others = np.abs(shown[::2] - np.roll(shown[1::2], 1, axis=0)).mean(axis=(1, 2, 3))
    assert (own > 0).all()
    assert own.max() < others.mean()


def test_an_epoch_follows_from_the_seed_and_its_number(manifest):
    store, _ = training(manifest)
    first, again = pictures(passing(store, 2)), pictures(passing(training(manifest, cached=True)[0], 2))
    np.testing.assert_array_equal(first, again)
    assert (passing(store, 3).order != passing(store, 2).order).any()
    anew = passing(store, 3)
    same_order = dataclasses.replace(anew, order=passing(store, 2).order)
    assert (pictures(same_order) != first).mean() > 0.5


def test_batches_of_both_pipelines_hold_whole_pairs_and_are_equal(manifest):
    store, _ = training(manifest)
    faces = passing(store)
    expected, (labels, weights) = pictures(faces), faces.targets()
    numpy = NumpyBatches(faces)
    tensors = list(make_dataset(faces))
    assert len(numpy) == len(tensors) == faces.steps == 6
    for step, batch in enumerate(tensors):
        part = slice(4 * step, 4 * step + 4)
        for rgb, label, weight in ([each.numpy() for each in batch], numpy[step]):
            np.testing.assert_array_equal(rgb, expected[part])
            np.testing.assert_array_equal(label, labels[part])
            np.testing.assert_array_equal(weight, weights[part])


def test_one_position_alone_is_what_it_is_in_its_pair(manifest):
    store, _ = training(manifest)
    faces = passing(store)
    for position in (4, 5):
        np.testing.assert_array_equal(faces.item(position), pictures(faces)[position])


def test_fakes_of_the_manifests_own_stand_two_by_two_and_are_disturbed_too(with_fakes):
    store, _ = training(with_fakes)
    assert len(store) == 2 * 9 + 3
    assert [row.method for row in store.samples[18:]] == ["theirs"] * 3
    orders = [passing(store, epoch).order for epoch in range(20)]
    for order in orders:
        assert sorted(order.tolist()) == list(range(21))
        for position in range(0, 20, 2):
            one, other = sorted(order[position : position + 2])
            assert (one % 2 == 0 and other == one + 1) or one >= 18
    faces = passing(store)
    place = int(np.flatnonzero(faces.order == 19)[0])
    shown, face = faces.item(place), store.load(19)
    assert (shown.shape, shown.dtype) == (store.shape, np.uint8)
    assert (shown != face).any()


def test_a_real_face_without_landmarks_gives_no_pair_and_is_listed(manifest):
    rows, known = read_manifest(manifest), read_landmarks(manifest.parent)
    points = {path: each for path, each in known.points.items() if path != rows[0].path}
    write_landmarks(manifest.parent, Landmarks(points, known.shapes, known.sizes))
    store, ledger = training(manifest)
    assert len(store) == 22
    assert [(row.path, row.reason) for row in ledger] == [(rows[0].path, "no_face")]


def test_held_out_pairs_are_made_once_and_belong_to_their_groups(manifest):
    data = open_data(RECIPE.with_changes(manifest=str(manifest)))
    for split, count in (("train", 12), ("val", 12), ("test", 8)):
        rows = [row for row in data.samples if row.split == split]
        assert len(rows) == count
        assert sum(row.label for row in rows) == (0 if split == "train" else count // 2)
    reals = {row.group for row in read_manifest(manifest) if row.split == "val"}
    held = [row for row in data.samples if row.split == "val"]
    assert {row.group for row in held} == reals
    assert {row.method for row in held if row.label} <= {"self_blend", "swap"}
    for real, fake in zip(held[::2], held[1::2], strict=True):
        assert (real.label, fake.label) == (0, 1)
        one, other = (read_rgb(manifest.parent / row.path) for row in (real, fake))
        assert one.shape == other.shape == (64, 64, 3)
        assert (one != other).any()
    assert len(data.notices) == 2
    assert "The manifest has no fakes in val" in data.notices[0]
    made = {path: path.stat().st_mtime_ns for path in manifest.parent.rglob("pairs/**/*.png")}
    again = open_data(RECIPE.with_changes(manifest=str(manifest), epochs=3))
    assert again.samples == data.samples
    assert {path: path.stat().st_mtime_ns for path in manifest.parent.rglob("pairs/**/*.png")} == made


def test_another_seed_or_other_kinds_make_other_held_out_pairs(manifest):
    paths = [
        tuple(row.path for row in open_data(RECIPE.with_changes(manifest=str(manifest), **more)).samples)
        for more in ({}, {"seed": 1}, {"seed": 1, "split_seed": 0}, {"fakes": "region"})
    ]
    assert paths[0] == paths[2]
    assert len(set(paths)) == 3


def test_a_split_that_has_fakes_stays_as_it_is(with_fakes):
    rows = read_manifest(with_fakes)
    changed, notices = with_pairs(with_fakes, rows, RECIPE)
    assert [row for row in changed if row.split == "val"] == [row for row in rows if row.split == "val"]
    assert [notice.split(":")[0] for notice in notices] == ["The manifest has no fakes in test"]


def test_a_crop_that_cannot_be_decoded_keeps_its_row_among_the_held_out(manifest):
    broken = next(row for row in read_manifest(manifest) if row.split == "val")
    (manifest.parent / broken.path).write_bytes(b"no picture")
    held = [row for row in with_pairs(manifest, read_manifest(manifest), RECIPE)[0] if row.split == "val"]
    assert broken in held
    assert len(held) == 11


def test_what_is_wrong_with_a_paired_training_is_one_line(manifest):
    recipe = RECIPE.with_changes(manifest=str(manifest))
    with pytest.raises(InputError, match=r"unknown kind of fake 'swop' \(nearest: swap\)"):
        open_training_data(recipe.with_changes(fakes="swop"))
    fakes = [dataclasses.replace(r, label=1) if r.split == "train" else r for r in read_manifest(manifest)]
    write_manifest(manifest, fakes)
    with pytest.raises(InputError, match="split 'train' has no real faces"):
        open_training_data(recipe)
    (manifest.parent / "landmarks.npz").unlink()
    with pytest.raises(InputError, match="python -m face_extraction landmarks"):
        open_training_data(recipe)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"frames": 4}, "frames 4 with augment paired; accepted: 0"),
        ({"batch_size": 5}, "batch_size 5 with augment paired; accepted: an even number"),
        ({"balance": "sampling"}, "balance sampling with augment paired; accepted: none or weights"),
        ({"folds": 3, "fold": 1, "split": "group"}, "folds 3 with augment paired"),
        ({"fakes": "swap:0"}, "fakes 'swap:0'; accepted: KIND:SHARE"),
        ({"fakes": "swap:x"}, "fakes 'swap:x'; accepted: KIND:SHARE"),
        ({"fakes": "swap,swap:2"}, "each kind once"),
        ({"augment": "none"}, "with augment none; accepted: paired"),
    ],
)
def test_a_recipe_that_cannot_be_paired_is_refused(changes, line):
    with pytest.raises(InputError, match=line):
        RECIPE.with_changes(**changes)


def test_the_recipe_tells_the_shares():
    assert RECIPE.fake_shares == {"self_blend": 3.0, "swap": 1.0}
    assert Recipe().fake_shares == {}


def test_the_help_of_the_recipe_names_the_default_shares():
    [told] = [item.metadata["meaning"] for item in dataclasses.fields(Recipe) if item.name == "fakes"]
    assert (
        Recipe(augment="paired", fakes=told).fake_shares
        == DEFAULT_SHARES
        == fake_shares(Recipe(augment="paired"))
    )
