"""Near neighbours among many vectors, by faiss.

faiss rather than usearch: it searches by distance, not only for the k nearest, and exactly where that is
affordable. Its cells of k-means (Jégou 2011, doi:10.1109/TPAMI.2010.57) come in above `EXACT` vectors.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_extraction.errors import InputError

EXACT = 50_000  # up to so many vectors all pairs are compared
# Cells searched for each query above that: `PROBES`, or one in `PROBED` of them all where that is more. Of
# neighbours among 144,000 face-like vectors 94 % are found at a cosine of 0.86, 98 % at 0.90, all from 0.96
# on, in a quarter of the time that comparing all takes.
PROBES, PROBED = 128, 16
PER_CELL = 48  # vectors a cell of which the cells' centres are learnt; faiss asks for 39
BLOCK = 4096  # queries at once

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


def pairs_within(known: Floats, queries: Floats, cosine: float) -> Iterator[tuple[int, Integers, Integers]]:
    """All pairs of a known vector and a query whose cosine is above `cosine`.

    Args:
        known: of length 1 each, shape (n, d).
        queries: of length 1 each, shape (m, d).
        cosine: 0 to 1.

    Yields:
        For each block of queries: how many they are, and the pairs as indices into known and queries.
    """
    index = _index(known)
    for start in range(0, len(queries), BLOCK):
        block = np.ascontiguousarray(queries[start : start + BLOCK])
        limits, _, found = index.range_search(block, cosine)
        owner = np.repeat(np.arange(len(block)), np.diff(limits.astype(np.int64)))
        yield len(block), found.astype(np.int64), owner + start


def nearest(vectors: Floats, count: int) -> tuple[Floats, Integers]:
    """The `count` nearest other vectors of each: Euclidean distances and indices, shape (n, count).

    Where there are fewer, the index is -1.
    """
    index = _index(vectors, euclidean=True)
    squared, found = index.search(vectors, count + 1)
    other = found != np.arange(len(vectors))[:, None]
    # The vector itself is one of them, but for doubles: the last is left out then.
    other[other.all(axis=1), -1] = False
    shape = (len(vectors), count)
    distances: Floats = np.sqrt(np.maximum(squared[other].reshape(shape), 0))
    return distances, found[other].reshape(shape).astype(np.int64)


def _index(vectors: Floats, *, euclidean: bool = False) -> Any:
    faiss = load_faiss()
    n, width = vectors.shape
    flat = faiss.IndexFlatL2(width) if euclidean else faiss.IndexFlatIP(width)
    if n <= EXACT:
        flat.add(np.ascontiguousarray(vectors))
        return flat
    cells = 2 ** round(np.log2(4 * np.sqrt(n)))
    metric = faiss.METRIC_L2 if euclidean else faiss.METRIC_INNER_PRODUCT
    index = faiss.IndexIVFFlat(flat, width, cells, metric)
    index.cp.seed, index.cp.min_points_per_centroid = 0, 1
    index.nprobe = max(PROBES, cells // PROBED)
    sample = np.random.default_rng(0).choice(n, min(n, PER_CELL * cells), replace=False)
    index.train(vectors[np.sort(sample)])
    index.add(np.ascontiguousarray(vectors))
    return index


def load_faiss() -> Any:
    """The library.

    Raises:
        InputError: it is not installed.
    """
    try:
        import faiss
    except ImportError:
        raise InputError(
            'near-duplicates and identities need faiss: pip install "dfdetect[audit]", '
            "or leave them out with --kinds"
        ) from None
    return faiss
