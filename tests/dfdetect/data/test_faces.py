"""Orders, weights and opening: no face lost, none made up."""

from collections import Counter

import numpy as np
import pytest

from dfdetect.data.augment import augment
from dfdetect.data.faces import (
    FaceStore,
    Pass,
    check_classes,
    class_weights,
    epoch_order,
    labelled,
    open_faces,
    pair_order,
    remedy_for,
)
from dfdetect.recipe import Recipe
from face_extraction.errors import InputError
from face_extraction.images import read_rgb, write_image
from face_extraction.manifest import FaceSample, read_manifest

LABELS = np.array([0] * 3 + [1] * 10)


def test_an_epoch_meets_each_face_once_in_an_order_that_seed_and_epoch_decide():
    orders = [
        epoch_order(LABELS, seed=s, epoch=e, balance="none") for s, e in ((0, 0), (0, 0), (0, 1), (1, 0))
    ]
    for order in orders:
        assert sorted(order) == list(range(13))
    assert (orders[0] == orders[1]).all()
    assert (orders[0] != orders[2]).any()
    assert (orders[0] != orders[3]).any()


def test_sampling_takes_half_of_each_class_and_repeats_the_rarer_evenly():
    counts = Counter(epoch_order(LABELS, seed=0, epoch=0, balance="sampling").tolist())
    assert sum(counts.values()) == 13
    real = [counts[index] for index in range(3)]
    assert sum(real) == 6
    assert set(real) == {2}
    assert all(counts[index] <= 1 for index in range(3, 13))


def test_sampling_mixes_the_classes_and_draws_other_faces_in_each_epoch():
    labels = np.array([0] * 30 + [1] * 100)
    orders = [epoch_order(labels, seed=0, epoch=epoch, balance="sampling") for epoch in range(20)]
    # Each holds 65 fakes of 130 faces; half of an order has 32.5 of them, with a standard deviation of 2.9.
    assert [sum(labels[order[:65]]) for order in orders] == pytest.approx([32.5] * 20, abs=12)
    assert {index for order in orders for index in order} == set(range(130))


def test_fakes_without_a_partner_stand_two_by_two_anywhere_among_the_pairs():
    labels = np.array([0, 1] * 3 + [1] * 7)  # 3 pairs, and 7 fakes of the manifest's own
    orders = [pair_order(labels, np.random.default_rng(seed)) for seed in range(50)]
    for order in orders:
        assert sorted(order) == list(range(13))
        for one, other in order[:12].reshape(-1, 2).tolist():
            assert (one % 2 == 0 and other == one + 1) if one < 6 else other >= 6
    # Only the last picture of all is always a fake without a partner.
    singles = np.mean([order >= 6 for order in orders], axis=0)
    assert singles[12] == 1
    assert singles[:12] == pytest.approx([0.5] * 12, abs=0.25)  # 6 of 12; a mean of 50 draws is within 3.5 sd


def test_class_weights_make_both_classes_count_alike():
    real, fake = class_weights(LABELS)
    assert 3 * real == pytest.approx(10 * fake)
    assert 3 * real + 10 * fake == pytest.approx(13)


def test_faces_of_unknown_label_neither_train_nor_make_a_class(tmp_path):
    samples = [FaceSample(f"{label}.png", label, "train", str(label)) for label in (-1, 0, 1)]
    assert labelled([*samples, FaceSample("v.png", 1, "val", "v")], "train") == samples[1:]
    with pytest.raises(InputError, match="has 0 real and 1 fake faces"):
        check_classes([samples[0], samples[2]], "train", tmp_path)


def test_the_remedy_is_one_that_can_help():
    real, fake = (FaceSample(f"{label}.png", label, "train", str(label)) for label in (0, 1))
    recipe = Recipe(frames=4)
    assert remedy_for([real], [real], recipe).startswith("add fake faces: there are none")
    assert remedy_for([fake], [], recipe).startswith("add real faces: there are none")
    clips = (
        "give fewer --frames, or extract more frames of each video: no fake video has 4 faces of one person"
    )
    assert remedy_for([real, fake], [real], recipe) == clips
    both = [real, fake]
    assert "--split group" in remedy_for(both, both, recipe)
    assert "--split group" not in remedy_for(both, both, Recipe(split="group"))
    assert "fewer --folds" in remedy_for(both, both, Recipe(split="group", folds=3, fold=1))


def test_the_last_smaller_batch_is_counted(make_manifest):
    path = make_manifest(train=5, val=2, test=0)
    store = FaceStore(path.parent, read_manifest(path), 16)
    assert Pass(store, np.arange(7), 3).steps == 3
    assert Pass(store, np.arange(6), 3).steps == 2


def test_targets_follow_the_order_and_the_weights(make_manifest):
    path = make_manifest(train=4, val=0, test=0)
    store = FaceStore(path.parent, read_manifest(path), 16)
    labels, weights = Pass(store, np.array([3, 0, 1]), 2, weights=(2.0, 0.5)).targets()
    assert labels.tolist() == [[1], [0], [1]]
    assert weights.tolist() == [0.5, 2.0, 0.5]


@pytest.mark.parametrize("cached", [False, True])
def test_opening_keeps_unreadable_files_apart(make_manifest, cached):
    path = make_manifest(train=6, val=0, test=0)
    samples = read_manifest(path)
    whole = read_rgb(path.parent / samples[3].path)
    (path.parent / samples[1].path).write_bytes(b"")
    (path.parent / samples[2].path).unlink()
    store, rows = open_faces(path.parent, samples, 24, title="open", cached=cached)
    assert [row.path for row in rows] == [samples[1].path, samples[2].path]
    assert [row.reason for row in rows] == ["unreadable", "failed"]  # empty; gone
    assert store.samples == [samples[i] for i in (0, 3, 4, 5)]
    assert store.labels.tolist() == [s.label for s in store.samples]
    np.testing.assert_array_equal(store.load(1), whole)
    for row, sample in enumerate(store.samples):
        np.testing.assert_array_equal(store.load(row), read_rgb(path.parent / sample.path))


def test_a_cached_store_reads_each_file_once(make_manifest):
    path = make_manifest(train=2, val=0, test=0)
    samples = read_manifest(path)
    store, _ = open_faces(path.parent, samples, 16, title="open", cached=True)
    before = store.load(0).copy()
    for sample in samples:
        (path.parent / sample.path).unlink()
    np.testing.assert_array_equal(store.load(0), before)


def test_faces_are_kept_in_memory_only_where_that_was_asked_for(make_manifest):
    path = make_manifest(train=1, val=0, test=0)
    (sample,) = read_manifest(path)
    store, _ = open_faces(path.parent, [sample], 16, title="open")
    write_image(path.parent / sample.path, np.full((16, 16, 3), 7, np.uint8))
    assert (store.load(0) == 7).all()


def test_augmentation_depends_on_seed_epoch_and_position_alone(make_manifest):
    path = make_manifest(train=4, val=0, test=0)
    store = FaceStore(path.parent, read_manifest(path), 16)
    order = np.arange(4)
    first, again, later = (Pass(store, order, 2, "strong", (0, epoch)) for epoch in (0, 0, 1))
    np.testing.assert_array_equal(first.item(2), again.item(2))
    assert any((first.item(i) != later.item(i)).any() for i in range(4))
    np.testing.assert_array_equal(Pass(store, order, 2).item(2), store.load(2))
    drawn = augment(store.load(0), "strong", np.random.default_rng((7, 1, 2)))
    np.testing.assert_array_equal(Pass(store, np.array([3, 1, 0, 2]), 2, "strong", (7, 1)).item(2), drawn)


def test_a_split_of_one_class_is_refused_with_the_counts(make_manifest):
    path = make_manifest(train=4, val=1, test=0)
    with pytest.raises(InputError, match=r"manifest\.csv: split 'val' has 1 real and 0 fake faces"):
        check_classes(read_manifest(path), "val", path)
