"""Find near-duplicates: candidates by DCT coefficients, then a check of their pixels.

The perceptual hash pHash (Zauner 2010, "Implementation and benchmarking of perceptual image hash functions",
section 3.2) keeps only the signs of these coefficients. Here they are kept whole. Faces all look alike to a
hash of 64 bits: at the rate of wrong candidates at which the whole coefficients find 9 of 10 crops shifted by
4 %, the signs alone miss most of them. A mirrored picture has the same coefficients with other signs, so the
search for it needs no second picture.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from dfdetect.audit.neighbours import Floats, Integers, pairs_within
from dfdetect.audit.prints import SIDE, Thumbs
from face_extraction.machine import available_cores
from face_extraction.manifest import SPLITS
from face_extraction.progress import progress

# A pair with at least this cosine of its coefficients is a candidate. About 1 in 10,000 pairs of different
# DFDC originals reaches it, and 93 % of crops moved by 4 % of their side.
CANDIDATE = 0.855
# A candidate with at least this correlation of the aligned fine structure counts. Of 24 such pairs of
# different DFDC originals, all showed, by eye, one person in one scene and pose; between 0.88 and 0.90
# 5 of 8 did.
ALIKE = 0.92
# Below this correlation after shifting alone, a pair is not aligned further, which would cost ten times as
# much. Of 303 pairs of DFDC that end alike, one lay below. Crops moved by 4 % or zoomed by 5 % reach 0.78.
HOPELESS = 0.70
FLAT = 2.0  # a standard deviation in grey levels below this leaves nothing to compare
BLUR = 3.2  # sigma in pixels of the small picture: removes coarse structure, such as light
WINDOW = 24  # side of the middle part that is searched in the other picture
SHIFTS = SIDE - WINDOW + 1  # places of that part along a side
EDGE = (SIDE - WINDOW) // 2
BLOCK = 8192  # pictures turned into floats at once

# The 64 lowest frequencies (down, across) without the mean.
_FREQUENCIES = np.array(
    sorted(((u, v) for u in range(12) for v in range(12) if u + v), key=lambda uv: (sum(uv), uv))[:64]
)
_MIRROR = np.where(_FREQUENCIES[:, 1] % 2, -1, 1).astype(np.float32)
_ONES = np.ones((SIDE, SIDE), dtype=np.float32)
# Everything but the edge, where blurring lacked pixels.
_INSIDE = np.pad(np.ones((SIDE - 4, SIDE - 4), dtype=bool), 2)
# Blurring each column of a picture, as a matrix; it reaches 4 sigma to each side.
_BLUR = cv2.GaussianBlur(np.eye(SIDE, dtype=np.float32), (1, 2 * round(4 * BLUR) + 1), 1, sigmaY=BLUR)


def coefficients(thumbs: Thumbs) -> Floats:
    """DCT coefficients of pictures, scaled to length 1: float32 of shape (n, 64).

    Each is weighted by the root of its frequency; else the lowest frequencies would decide alone.
    """
    across = np.cos(np.pi / SIDE * (np.arange(SIDE) + 0.5)[:, None] * np.arange(12))
    down, right = across[:, _FREQUENCIES[:, 0]], across[:, _FREQUENCIES[:, 1]]
    basis = np.einsum("yk,xk->yxk", down, right).reshape(SIDE * SIDE, -1)
    basis *= np.sqrt(_FREQUENCIES.sum(axis=1)) * np.where(_FREQUENCIES == 0, np.sqrt(0.5), 1).prod(axis=1)
    found = np.empty((len(thumbs), basis.shape[1]), dtype=np.float32)
    for start in range(0, len(thumbs), BLOCK):
        block = thumbs[start : start + BLOCK].reshape(-1, SIDE * SIDE).astype(np.float32)
        found[start : start + BLOCK] = block @ basis.astype(np.float32)
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6)
    return found


def near_pairs(
    thumbs: Thumbs, digests: Sequence[bytes], splits: NDArray[np.int8], videos: Integers | None = None
) -> tuple[NDArray[np.int64], int]:
    """Pairs of rows in different splits that show nearly the same picture from different files.

    Among identical files of one video, or identical photos, in one split, the first represents all. Two
    frames of one video are no pair: a video torn between splits would give the square of its frames.

    Args:
        thumbs: uint8 of shape (n, 32, 32).
        digests: each file's content hash; b"" leaves a row out.
        splits: every row's split, as an index into `SPLITS`.
        videos: every row's video, as a number, -1 for a photo; None if all are photos.

    Returns:
        Pairs of shape (m, 2), sorted; and how many rows were too flat to compare.
    """
    flat = _flat(thumbs)
    videos = np.full(len(digests), -1) if videos is None else videos
    first: dict[tuple[bytes, int, int], int] = {}
    for row, digest in enumerate(digests):
        if digest and not flat[row]:
            first.setdefault((digest, int(splits[row]), int(videos[row])), row)
    rows = np.array(sorted(first.values()), dtype=np.int64)
    even = int(sum(bool(digest) for digest in np.array(digests, dtype=object)[flat]))
    vectors = coefficients(thumbs[rows])
    contents = np.unique([digests[row] for row in rows], return_inverse=True)[1]
    homes = videos[rows]
    found: list[tuple[int, int]] = []
    for a in range(len(SPLITS) - 1):
        known, asked = np.flatnonzero(splits[rows] == a), np.flatnonzero(splits[rows] > a)
        if not (len(known) and len(asked)):
            continue
        with progress(f"near {SPLITS[a]}", 2 * len(asked), unit="crops") as advance:
            for mirrored in (False, True):
                queries = vectors[asked] * _MIRROR if mirrored else vectors[asked]
                for done, left, right in pairs_within(vectors[known], queries, CANDIDATE):
                    left, right = known[left], asked[right]
                    one_video = (homes[left] == homes[right]) & (homes[left] >= 0)
                    other = (contents[left] != contents[right]) & ~one_video
                    found += _alike(thumbs, rows[left[other]], rows[right[other]], mirrored)
                    advance(done)
    return np.array(sorted(set(found)), dtype=np.int64).reshape(-1, 2), even


def _flat(thumbs: Thumbs) -> NDArray[np.bool_]:
    blocks = (thumbs[start : start + BLOCK] for start in range(0, len(thumbs), BLOCK))
    return np.concatenate([np.zeros(0, bool), *(block.std(axis=(1, 2)) < FLAT for block in blocks)])


def _alike(thumbs: Thumbs, left: Integers, right: Integers, mirrored: bool) -> Iterator[tuple[int, int]]:
    """The pairs whose pixels agree, ordered by `right`."""
    starts = np.flatnonzero(np.diff(right, prepend=-1))
    runs = zip(right[starts].tolist(), np.split(left, starts[1:]), strict=True) if len(right) else ()

    def check(run: tuple[int, Integers]) -> list[tuple[int, int]]:
        asked, candidates = run
        picture = thumbs[asked][:, ::-1] if mirrored else thumbs[asked]
        same = likeness(thumbs[candidates], picture) >= ALIKE
        return [(one, asked) for one in candidates[same].tolist()]

    # One thread a product: small products take twice the processor time with threads inside these threads.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(available_cores()) as pool:
        for pairs in pool.map(check, runs):
            yield from pairs


def likeness(pictures: Thumbs, other: Thumbs) -> Floats:
    """Correlation of the fine structure of pictures with another picture, laid over it as well as possible.

    The other is shifted to the best agreement, then moved affinely to the largest enhanced correlation
    coefficient (Evangelidis & Psarakis 2008, doi:10.1109/TPAMI.2008.113).

    Args:
        pictures: uint8 of shape (n, 32, 32).
        other: uint8 of shape (32, 32).

    Returns:
        -1 to 1, shape (n,); low, without the second step, if shifting alone shows that they differ.
    """
    fine, b = _fine(pictures), _fine(other)
    found, places = _shifted(fine, b)
    for number in np.flatnonzero(found >= HOPELESS):
        down, across = divmod(int(places[number]), SHIFTS)
        found[number] = max(found[number], _aligned(fine[number], b, across - EDGE, down - EDGE))
    return found


def _shifted(fine: Floats, other: Floats) -> tuple[Floats, Integers]:
    """The largest correlation of each picture's middle with a window of the other, and that window.

    All windows form one matrix, so that one product of matrices serves all candidates.
    """
    windows = sliding_window_view(other, (WINDOW, WINDOW)).reshape(SHIFTS**2, WINDOW**2)
    middles = fine[:, EDGE : EDGE + WINDOW, EDGE : EDGE + WINDOW].reshape(len(fine), -1)
    middles = middles - middles.mean(axis=1, keepdims=True)
    middles /= np.maximum(np.linalg.norm(middles, axis=1, keepdims=True), 1e-6)
    # The middle has mean 0, so its product with a window equals the product with the window minus its mean.
    squares = np.einsum("ij,ij->i", windows, windows) - WINDOW**2 * windows.mean(axis=1) ** 2
    correlations = middles @ windows.T / np.sqrt(np.maximum(squares, 1e-12))
    places = correlations.argmax(axis=1)
    return correlations[np.arange(len(fine)), places], places


def _aligned(a: Floats, b: Floats, x: int, y: int) -> float:
    """Correlation after an affine move that starts at a shift; -1 if none is found."""
    move = np.array([[1, 0, x], [0, 1, y]], dtype=np.float32)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 1e-3)
    try:
        _, move = cv2.findTransformECC(a, b, move, cv2.MOTION_AFFINE, stop, None, 3)  # type: ignore[call-overload]
    except cv2.error:  # OpenCV found no better place.
        return -1.0
    return _overlap(a, b, np.asarray(move))


def _overlap(a: Floats, b: Floats, move: NDArray[np.float32]) -> float:
    """Correlation where the moved picture covers the other; -1 if it hardly does."""
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved, shadow = cv2.split(cv2.warpAffine(cv2.merge([b, _ONES]), move, (SIDE, SIDE), flags=how))
    covered = (shadow > 0.99) & _INSIDE
    if covered.mean() < 0.6:
        return -1.0
    one, two = (picture[covered] - picture[covered].mean() for picture in (a, moved))
    return float(one @ two / max(np.sqrt((one @ one) * (two @ two)), 1e-6))


def _fine(thumbs: Thumbs) -> Floats:
    """Pictures, shape (..., 32, 32), minus their blurred copies."""
    grey = thumbs.astype(np.float32)
    return np.asarray(grey - _BLUR @ grey @ _BLUR.T)
