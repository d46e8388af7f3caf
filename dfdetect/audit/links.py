"""What rows have in common, and how much of it crosses between splits."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from face_extraction.manifest import SPLITS

Integers = NDArray[np.int64]

EXAMPLES = 8  # pairs kept for each kind and pair of splits


@dataclass(frozen=True, eq=False)
class Links:
    """Rows that share something: `rows[i]` has the key `keys[i]`, and rows with one key are linked.

    A row may have no key or several. No (row, key) stands twice.

    Attributes:
        rows: row numbers, int64 of shape (n,).
        keys: numbers of the shared things, int64 of shape (n,), from 0 to the number of keys - 1.
        twice: links of rows by pairs of keys, so that rows that share two keys are counted once; its own
            `twice` is by three keys, and so on.
        note: what a reader must know about the search.
    """

    rows: Integers
    keys: Integers
    twice: "Links | None" = None
    note: str = ""


@dataclass(frozen=True)
class Crossing:
    """The links of one kind between two splits.

    Attributes:
        splits: the two, in the order of `SPLITS`.
        pairs: linked pairs of rows, one in each split.
        rows: how many rows of each of the two have such a link.
        groups: the groups that these rows belong to.
        examples: some of the pairs, as row numbers.
    """

    splits: tuple[str, str]
    pairs: int
    rows: tuple[int, int]
    groups: int
    examples: tuple[tuple[int, int], ...]


def link(values: Iterable[tuple[int, Hashable]], twice: "Links | None" = None, note: str = "") -> Links:
    """Link (row, value) pairs: rows with equal values are linked."""
    numbers: dict[Hashable, int] = {}
    rows, keys = [], []
    for row, value in values:
        rows.append(row)
        keys.append(numbers.setdefault(value, len(numbers)))
    return Links(np.array(rows, dtype=np.int64), np.array(keys, dtype=np.int64), twice, note)


def count_keys(links: Links, splits: NDArray[np.int8]) -> Integers:
    """How many rows in each split have each key: shape (keys, 3), in the order of `SPLITS`."""
    n_keys = int(links.keys.max()) + 1 if len(links.keys) else 0
    cells = links.keys * len(SPLITS) + splits[links.rows]
    return np.bincount(cells, minlength=n_keys * len(SPLITS)).reshape(n_keys, len(SPLITS))


def crossings(links: Links, splits: NDArray[np.int8], groups: Integers) -> list[Crossing]:
    """The links between each two splits; two splits with nothing in common are left out.

    Args:
        links: as a kind found them.
        splits: every row's split, as an index into `SPLITS`.
        groups: every row's group, as a number.
    """
    counts = count_keys(links, splits)
    linked = _linked_pairs(links, splits)
    found = []
    for a, b in combinations(range(len(SPLITS)), 2):
        crosses = (counts[:, a] > 0) & (counts[:, b] > 0)
        if not crosses.any():
            continue
        rows = np.unique(links.rows[crosses[links.keys]])
        rows = rows[(splits[rows] == a) | (splits[rows] == b)]
        found.append(
            Crossing(
                splits=(SPLITS[a], SPLITS[b]),
                pairs=int(linked[a, b]),
                rows=(int((splits[rows] == a).sum()), int((splits[rows] == b).sum())),
                groups=len(np.unique(groups[rows])),
                examples=_examples(links, splits, np.flatnonzero(crosses), (a, b)),
            )
        )
    return found


def _linked_pairs(links: Links, splits: NDArray[np.int8]) -> Integers:
    """How many pairs of rows in each two splits share a key, each counted once: shape (3, 3).

    By inclusion and exclusion: a pair that shares m keys counts m - m (m - 1) / 2 + ... = 1 time.
    """
    counts = count_keys(links, splits)
    pairs: Integers = counts.T @ counts
    return pairs - _linked_pairs(links.twice, splits) if links.twice else pairs


def _examples(
    links: Links, splits: NDArray[np.int8], keys: Integers, between: tuple[int, int]
) -> tuple[tuple[int, int], ...]:
    """One pair for each of some keys, which are spread evenly over all that cross."""
    wanted = keys[np.linspace(0, len(keys) - 1, min(EXAMPLES, len(keys))).astype(np.int64)]
    member = np.isin(links.keys, wanted)
    rows, owner = links.rows[member], links.keys[member]
    pairs = []
    for key in wanted:
        mine = rows[owner == key]
        first, second = (int(mine[splits[mine] == split].min()) for split in between)
        pairs.append((first, second))
    return tuple(dict.fromkeys(pairs))


def leaking(every: Sequence[Links], splits: NDArray[np.int8]) -> NDArray[np.bool_]:
    """The rows that have a link into another split, in any of these links, as a mask."""
    found = np.zeros(len(splits), dtype=bool)
    for links in every:
        crosses = (count_keys(links, splits) > 0).sum(axis=1) > 1
        found[links.rows[crosses[links.keys]]] = True
    return found


def to_drop(every: Sequence[Links], splits: NDArray[np.int8]) -> NDArray[np.bool_]:
    """The rows to drop so that nothing crosses: test rows stay, val rows yield to test, train to both.

    With this order it is the smallest such set: first all test rows are kept, then every val row that is
    not linked to them, then every train row that is linked to neither.
    """
    gone = np.zeros(len(splits), dtype=bool)
    for keeper in ("test", "val"):
        rank = SPLITS.index(keeper)
        now = np.zeros(len(splits), dtype=bool)
        for links in every:
            held = np.zeros(int(links.keys.max()) + 1 if len(links.keys) else 0, dtype=bool)
            keeps = (splits[links.rows] == rank) & ~gone[links.rows]
            held[links.keys[keeps]] = True
            now[links.rows[held[links.keys] & (splits[links.rows] < rank)]] = True
        gone |= now
    return gone
