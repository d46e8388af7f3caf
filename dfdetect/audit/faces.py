"""Encode faces as dlib's 128 numbers, for rows that represent their videos; kept for the next audit."""

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dfdetect.audit.rows import Rows
from dfdetect.audit.store import open_store
from face_extraction.detect import FaceDetector
from face_extraction.errors import InputError
from face_extraction.images import Unreadable, read_rgb
from face_extraction.machine import available_cores
from face_extraction.manifest import Box, FaceSample
from face_extraction.progress import progress

PER_VIDEO = 3  # faces encoded from each video, spread evenly over its frames
# The face's side as a share of the crop's, if the row has no box.
FACE_SHARE = 0.8
BLOCK = 64  # crops handed to the threads at once


def representatives(rows: Rows) -> list[int]:
    """Rows that represent their videos: at most `PER_VIDEO`, all readable; a photo represents itself."""
    members: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row in np.flatnonzero(rows.prints.read).tolist():
        members[rows.samples[row].video_key].append(row)
    chosen = []
    for mine in members.values():
        mine.sort(key=lambda row: (rows.samples[row].frame, row))
        places = np.linspace(0, len(mine) - 1, min(PER_VIDEO, len(mine)))
        chosen += [mine[place] for place in places.round().astype(int)]
    return sorted(chosen)


def encode(rows: Rows, chosen: Sequence[int]) -> NDArray[np.float32]:
    """Encode the faces of these rows, float32 of shape (n, 128); no face is ever encoded twice.

    Raises:
        InputError: a crop was read before, but cannot be read now; earlier encodings are kept.
    """
    digests = [rows.prints.digests[row] for row in chosen]
    with open_store(rows.cache) as store:
        known = store.encodings(sorted(set(digests)))
        first = dict(zip(reversed(digests), reversed(chosen), strict=True))
        wanted = [(digest, row) for digest, row in first.items() if digest not in known]
        workers = available_cores()
        detector = FaceDetector()

        def encode_part(part: list[tuple[bytes, int]]) -> list[tuple[bytes, bytes]]:
            return [
                (
                    digest,
                    encode_face(detector, rows.folder / sample.path, sample).astype(np.float32).tobytes(),
                )
                for digest, row in part
                for sample in [rows.samples[row]]
            ]

        with (
            ThreadPoolExecutor(workers) as pool,
            progress("encode faces", len(first), unit="faces", done=len(first) - len(wanted)) as advance,
        ):
            for start in range(0, len(wanted), BLOCK):
                block = wanted[start : start + BLOCK]
                parts = [block[number::workers] for number in range(workers)]
                try:
                    found = list(chain.from_iterable(pool.map(encode_part, parts)))
                except Unreadable as error:
                    raise InputError(f"{error}; it could be read before, so start the audit again") from None
                known.update(found)
                store.add_encodings(found)
                advance(len(block))
    return np.array([np.frombuffer(known[digest], dtype=np.float32) for digest in digests]).reshape(-1, 128)


def encode_face(detector: FaceDetector, path: Path, sample: FaceSample) -> NDArray[np.float64]:
    """The 128 numbers of the face in a crop.

    The face is taken as the crop's middle, in the size of the row's box; there is no new search. On LFW
    this tells people apart as well as dlib's own boxes do, and tight or turned crops are not lost.

    Raises:
        Unreadable: the crop was read before, but cannot be read now.
    """
    rgb = np.ascontiguousarray(read_rgb(path))
    height, width = rgb.shape[:2]
    longer = sample.box.longer_side
    share = min(1.0, longer / sample.width) if longer and sample.width else FACE_SHARE
    edge = (1 - share) / 2
    box = Box(
        round(height * edge), round(width * (1 - edge)), round(height * (1 - edge)), round(width * edge)
    )
    return detector.encode(detector.chip(rgb, box))
