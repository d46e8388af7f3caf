"""Faces as dlib's 128 numbers, for the rows that stand for their clips, kept for the next audit."""

import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dfdetect.leakage.rows import Rows
from dfdetect.leakage.store import open_store
from face_extraction.detect import FaceDetector
from face_extraction.images import read_rgb
from face_extraction.manifest import Box
from face_extraction.progress import progress

PER_CLIP = 3  # faces encoded of each clip, spread evenly over its frames
# dlib finds faces of 80 pixels: a crop is searched as if it were this wide.
SEARCHED_SIDE = 224
# Where no face is found in a crop, its middle is taken for the face: this share is left out on each side.
EDGE = 0.1
BLOCK = 64  # crops handed to the threads at once


def representatives(rows: Rows) -> list[int]:
    """Rows that stand for their clips: `PER_CLIP` at most, and readable ones; a still stands for itself."""
    members: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row in np.flatnonzero(rows.prints.read).tolist():
        members[rows.samples[row].clip].append(row)
    chosen = []
    for mine in members.values():
        mine.sort(key=lambda row: (rows.samples[row].frame, row))
        places = np.linspace(0, len(mine) - 1, min(PER_CLIP, len(mine)))
        chosen += [mine[place] for place in places.round().astype(int)]
    return sorted(chosen)


def encode(rows: Rows, chosen: Sequence[int]) -> NDArray[np.float32]:
    """Encodings of the faces of these rows, float32 of shape (n, 128); a face is encoded once, ever."""
    digests = [rows.prints.digests[row] for row in chosen]
    with open_store(rows.cache) as store:
        known = store.encodings(sorted(set(digests)))
        first = {digest: row for digest, row in zip(reversed(digests), reversed(chosen), strict=True)}
        wanted = [(digest, row) for digest, row in first.items() if digest not in known]
        workers = os.cpu_count() or 1
        with (
            ThreadPoolExecutor(workers) as pool,
            progress("encode faces", len(first), unit="faces", done=len(first) - len(wanted)) as advance,
        ):
            for start in range(0, len(wanted), BLOCK):
                block = wanted[start : start + BLOCK]
                paths = [rows.folder / rows.samples[row].path for _, row in block]
                # Each worker has a detector of its own, since dlib's keep state between calls.
                parts = [list(zip(block, paths, strict=True))[worker::workers] for worker in range(workers)]
                for done in pool.map(_encode_part, range(workers), parts):
                    for digest, encoding in done:
                        known[digest] = encoding
                        store.add_encoding(digest, encoding)
                advance(len(block))
    return np.array([np.frombuffer(known[digest], dtype=np.float32) for digest in digests]).reshape(-1, 128)


def _encode_part(
    worker: int, part: "Sequence[tuple[tuple[bytes, int], os.PathLike[str]]]"
) -> list[tuple[bytes, bytes]]:
    done = []
    for (digest, _), path in part:
        encoding = encode_crop(read_rgb(path), worker)  # type: ignore[arg-type]
        done.append((digest, encoding.astype(np.float32).tobytes()))
    return done


def encode_crop(rgb: NDArray[np.uint8], worker: int = 0) -> NDArray[np.float64]:
    """The 128 numbers of the face in a crop, uint8 of shape (H, W, 3).

    The largest face that dlib finds; where it finds none, as in tight or turned crops, the crop's middle.
    """
    height, width = rgb.shape[:2]
    smallest = max(20, min(2000, round(80 * min(height, width) / SEARCHED_SIDE)))
    detector = _detector(worker, smallest)
    found = detector.detect(rgb)
    middle = Box(
        round(height * EDGE), round(width * (1 - EDGE)), round(height * (1 - EDGE)), round(width * EDGE)
    )
    return detector.encode(np.ascontiguousarray(rgb), found[0] if found else middle)


@cache
def _detector(worker: int, min_face: int) -> FaceDetector:
    return FaceDetector("hog", min_face)
