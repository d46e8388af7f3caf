"""One person on both sides of a split, by the likeness of faces."""

import numpy as np

from dfdetect.leakage.faces import PER_CLIP, encode, representatives
from dfdetect.leakage.links import Links, link
from dfdetect.leakage.neighbours import nearest
from dfdetect.leakage.registry import FACES, register
from dfdetect.leakage.rows import Rows

# Distance of dlib's encodings up to which two faces count as one person. dlib's own 0.6 is made for a
# question about two faces; among millions of pairs it links strangers by the thousand.
SAME_PERSON = 0.40
FALSE_MATCHES, MISSED = 0.0, 0.0
NEIGHBOURS = 16  # of each face, that are compared


@register(
    "identity",
    "The same person",
    "The faces look like one person: clusters (Chinese whispers) of dlib's face encodings, linked from "
    f"{SAME_PERSON:.2f} down, of up to {PER_CLIP} faces of each clip. The face of a swap lies "
    "between its two people.",
    needs=FACES,
)
def identity(rows: Rows) -> Links:
    """Link the rows of clips whose faces fall into one cluster."""
    chosen = representatives(rows)
    labels = cluster(encode(rows, chosen))
    by_clip: dict[tuple[str, str, str], set[int]] = {}
    for row, label in zip(chosen, labels.tolist(), strict=True):
        by_clip.setdefault(rows.samples[row].clip, set()).add(label)
    pairs = [
        (row, label)
        for row, sample in enumerate(rows.samples)
        for label in sorted(by_clip.get(sample.clip, ()))
    ]
    return link(pairs, note=_expected(rows, chosen))


def cluster(encodings: np.typing.NDArray[np.float32]) -> np.typing.NDArray[np.int64]:
    """The number of each face's cluster, from encodings of shape (n, 128)."""
    import dlib

    distances, found = nearest(encodings, min(NEIGHBOURS, max(1, len(encodings) - 1)))
    close = (found >= 0) & (distances <= SAME_PERSON)
    one = np.repeat(np.arange(len(encodings)), close.sum(axis=1))
    edges = np.unique(np.sort(np.stack([one, found[close]], axis=1), axis=1), axis=0)
    # Every face has an edge to itself, so that those without a neighbour get a label too.
    loops = [(row, row) for row in range(len(encodings))]
    return np.array(dlib.chinese_whispers([*loops, *map(tuple, edges.tolist())]), dtype=np.int64)
