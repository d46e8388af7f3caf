"""tf.data and NumPy batches carry the same numbers, all of them, in order."""

import numpy as np
import pytest

from dfdetect.data import pipeline
from dfdetect.data.faces import FaceStore, Pass
from dfdetect.data.pipeline import NumpyBatches, make_dataset
from face_extraction.manifest import read_manifest


@pytest.fixture
def faces(make_manifest):
    path = make_manifest(train=7, val=0, test=0)
    store = FaceStore(path.parent, read_manifest(path), 16)
    return Pass(store, np.array([6, 0, 3, 2, 5, 1, 4]), 3, "strong", (0, 2), weights=(2.0, 1.0))


def as_lists(batches):
    return [[np.asarray(part) for part in batch] for batch in batches]


def test_both_kinds_give_every_face_in_order(faces):
    tensors = as_lists(make_dataset(faces))
    batches = NumpyBatches(faces)
    arrays = as_lists(batches[step] for step in range(len(batches)))
    assert [len(batch[0]) for batch in tensors] == [3, 3, 1]
    for tensor, array in zip(tensors, arrays, strict=True):
        for left, right in zip(tensor, array, strict=True):
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)
    np.testing.assert_array_equal(np.concatenate([t[0] for t in tensors])[4], faces.item(4))
    assert np.concatenate([t[1] for t in tensors])[:, 0].tolist() == [0, 0, 1, 0, 1, 1, 0]
    assert np.concatenate([t[2] for t in tensors]).tolist() == [2, 2, 1, 2, 1, 1, 2]


def test_few_batches_wait_in_memory_on_many_cores(faces, monkeypatch):
    monkeypatch.setattr(pipeline, "available_cores", lambda: 128)
    many = Pass(faces.store, np.arange(7).repeat(300), 32, "none", (0, 2))
    loaded = []
    monkeypatch.setattr(Pass, "item", lambda self, position: loaded.append(position) or np.zeros(1, np.uint8))
    batches = NumpyBatches(many)

    for step in range(3):
        batches[step]
    batches._pool.shutdown()

    assert sorted(loaded) == list(range(32 * (3 + 1 + 128 // 32)))


def test_a_file_that_breaks_after_opening_is_named(faces):
    path = faces.store.folder / faces.store.samples[3].path
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(Exception, match=path.name):
        as_lists(make_dataset(faces))


def test_the_end_of_an_epoch_waits_for_no_autotuning(faces):
    """Its thread sleeps up to a minute, and the iterator's end waits for it."""
    assert make_dataset(faces).options().autotune.enabled is False
