"""Find near neighbours among many vectors with faiss.

faiss, not usearch, because it searches by distance, not only for the k nearest, and exactly as long as that
is affordable. Above `EXACT` vectors it uses k-means cells (Jégou 2011, doi:10.1109/TPAMI.2010.57).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_extraction.errors import InputError
from face_extraction.missing import extra

EXACT = 50_000  # up to this many vectors all pairs are compared
# Above that, each query searches `PROBES` cells, or one in `PROBED` of all if that is more. Among 144,000
# face-like vectors this finds 94 % of the neighbours at a cosine of 0.86, 98 % at 0.90 and all from 0.96
# on, in a quarter of the time of comparing all.
PROBES, PROBED = 128, 16
PER_CELL = 48  # vectors per cell from which the cells' centres are learnt; faiss asks for 39
BLOCK = 4096  # queries at once

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


def pairs_within(known: Floats, queries: Floats, cosine: float) -> Iterator[tuple[int, Integers, Integers]]:
    """All pairs of a known vector and a query whose cosine is above `cosine`.

    Args:
        known: of length 1, shape (n, d).
        queries: of length 1, shape (m, d).
        cosine: 0 to 1.

    Yields:
        For each block of queries: their number, and the pairs as indices into known and queries.
    """
    index = _index(known)
    for start in range(0, len(queries), BLOCK):
        block = np.ascontiguousarray(queries[start : start + BLOCK])
        limits, _, found = index.range_search(block, cosine)
        owner = np.repeat(np.arange(len(block)), np.diff(limits.astype(np.int64)))
        yield len(block), found.astype(np.int64), owner + start


def nearest(vectors: Floats, count: int) -> tuple[Floats, Integers]:
    """The `count` nearest other vectors of each vector: Euclidean distances and indices, shape (n, count).

    If there are fewer, the index is -1.
    """
    index = _index(vectors, euclidean=True)
    squared, found = index.search(vectors, count + 1)
    other = found != np.arange(len(vectors))[:, None]
    # The result contains the vector itself, unless it has doubles: then the last one is dropped.
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
    """Import faiss.

    Raises:
        InputError: it is not installed.
    """
    try:
        import faiss
    except ImportError:
        raise InputError(
            f"near-duplicates and identities need faiss: {extra('audit')}, or leave them out with --kinds"
        ) from None
    return faiss
