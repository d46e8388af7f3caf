"""One person on both sides of a split, found by the likeness of faces."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dfdetect.audit.faces import PER_VIDEO, encode, representatives
from dfdetect.audit.links import Links, link
from dfdetect.audit.neighbours import nearest
from dfdetect.audit.registry import FACES, register
from dfdetect.audit.rows import Rows

# Faces up to this distance of dlib's encodings are linked. dlib's own 0.6 is meant for a question about two
# faces; among millions of pairs it links strangers by the thousand.
SAME_PERSON = 0.45
# Measured on 757 LFW faces of 120 people. Links: 7 of 284,039 pairs of strangers, 1,180 of 2,107 pairs of one
# person. Clusters: no two strangers in one, and 74 % of the pairs of one person (at a distance of 0.50: 93 %,
# and 115 pairs of strangers; at 0.60 single links alone join 0.7 % of all strangers).
FALSE_LINKS, FOUND = 2.5e-5, 0.74
NEIGHBOURS = 16  # neighbours of each face that are compared


@register(
    "identity",
    "The same person",
    "The faces look like one person: clusters (Chinese whispers) of dlib's face encodings, linked up to a "
    f"distance of {SAME_PERSON:.2f}, from up to {PER_VIDEO} faces of each video. The face of a swap lies "
    "between its two people, and blurred or dark faces of different people look alike: a large cluster of "
    "such faces can mix people, so look at the examples before you drop rows for it.",
    needs=FACES,
)
def identity(rows: Rows) -> Links:
    """Link the rows of videos whose faces fall into one cluster."""
    chosen = representatives(rows)
    labels = cluster(encode(rows, chosen))
    by_video: dict[tuple[str, str, str], set[int]] = {}
    for row, label in zip(chosen, labels.tolist(), strict=True):
        by_video.setdefault(rows.samples[row].video_key, set()).add(label)
    people = [sorted(by_video.get(sample.video_key, ())) for sample in rows.samples]
    several = None  # Videos that share several clusters are counted once.
    for count in range(PER_VIDEO, 1, -1):
        several = link(_having(people, count), several)
    return link(_having(people, 1), several, _expected(rows, chosen))


def _having(people: Sequence[Sequence[int]], count: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Each row with every combination of `count` of its clusters."""
    return ((row, some) for row, clusters in enumerate(people) for some in combinations(clusters, count))


def cluster(encodings: NDArray[np.float32]) -> NDArray[np.int64]:
    """The number of each face's cluster, from encodings of shape (n, 128)."""
    import dlib

    distances, found = nearest(encodings, min(NEIGHBOURS, max(1, len(encodings) - 1)))
    close = (found >= 0) & (distances <= SAME_PERSON)
    one = np.repeat(np.arange(len(encodings)), close.sum(axis=1))
    edges = np.unique(np.sort(np.stack([one, found[close]], axis=1), axis=1), axis=0)
    # Every face has an edge to itself, so that faces without a neighbour get a label too.
    loops = [(row, row) for row in range(len(encodings))]
    return np.array(dlib.chinese_whispers([*loops, *map(tuple, edges.tolist())]), dtype=np.int64)


def _expected(rows: Rows, chosen: list[int]) -> str:
    counts = np.bincount(rows.splits[chosen], minlength=3)
    across = (counts.sum() ** 2 - (counts**2).sum()) // 2
    return (
        f"{len(chosen):,} faces encoded. At this threshold LFW has {FALSE_LINKS:.1e} false links a pair of "
        f"strangers: expect up to {across * FALSE_LINKS:,.0f} among the {across:,} pairs across splits, "
        f"before clustering, which left none there; clusters found {FOUND:.0%} of the pairs of one person."
    ).replace("%", " %")
