"""Neighbours against all pairs compared one by one."""

import sys

import numpy as np
import pytest

from dfdetect.audit import neighbours
from face_extraction.errors import InputError


def unit(rng, n, width=16):
    vectors = rng.normal(size=(n, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize(("exact", "recall"), [(50_000, 1.0), (500, 0.95)])
def test_pairs_within_a_cosine(monkeypatch, exact, recall):
    monkeypatch.setattr(neighbours, "EXACT", exact)
    rng = np.random.default_rng(0)
    known = unit(rng, 3000)
    near = known[::7] + rng.normal(0, 0.05, (len(known[::7]), 16)).astype(np.float32)
    queries = np.concatenate([near / np.linalg.norm(near, axis=1, keepdims=True), unit(rng, 500)])
    expected = set(zip(*np.nonzero(known @ queries.T > 0.9), strict=True))
    found, counted = set(), 0
    for done, left, right in neighbours.pairs_within(known, queries, 0.9):
        found |= set(zip(left, right, strict=True))
        counted += done
    assert counted == len(queries)
    assert found <= expected
    assert len(found) >= recall * len(expected)


def test_nearest_leaves_out_the_vector_itself_even_among_doubles():
    vectors = np.array([[0, 0], [0, 0], [0, 0], [3, 4]], dtype=np.float32)
    distances, found = neighbours.nearest(vectors, 2)
    assert distances.tolist() == [[0, 0], [0, 0], [0, 0], [5, 5]]
    assert all(row not in mine for row, mine in enumerate(found.tolist()))
    few = neighbours.nearest(vectors[2:], 3)[1]
    assert sorted(few[0].tolist()) == [-1, -1, 1]


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(InputError, match=r"pip install '\.\[audit\]'"):
        neighbours.load_faiss()
