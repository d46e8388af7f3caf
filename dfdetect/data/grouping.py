"""Whole groups into splits: the shares kept in each class, and both classes in each where that can be."""

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

Counts = tuple[int, int]
"""Faces of a group, real and fake."""
Shares = NDArray[np.float64]


def assign_groups(groups: Mapping[str, Counts], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """The split of each group.

    First each split gets a group with both classes, or one of each, if there are enough groups for
    that. Then all others, those that are larger than the smallest split first, the rest in an order drawn
    by `seed`, go where most is missing of what they have. The result depends on names, counts and seed
    alone, not on the order of `groups`.

    Args:
        groups: the faces of each group by its name.
        shares: the share of all faces that each split is to have, of both classes alike; above 0.
        seed: another seed gives another split.
    """
    order = sorted(groups, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    totals = np.maximum(1, np.sum([*groups.values()], axis=0))
    # Of all real and of all fake faces: what each group has, and what each split still lacks.
    has = {name: np.array(groups[name]) / totals for name in order}
    lacks: dict[str, Shares] = {split: np.array([share, share]) for split, share in shares.items()}
    chosen: dict[str, str] = {}
    for split in _fillable(groups.values(), shares):
        while (name := _one_of_each(order, has, lacks[split], chosen, split)) is not None:
            chosen[name] = split
            lacks[split] -= has[name]
    smallest = min(shares.values())

    def excess(name: str) -> float:
        return max(0.0, float(has[name].max()) - smallest)

    # Drawn late, when little is missing anywhere, a large group would swell a small split.
    for name in sorted((name for name in order if name not in chosen), key=excess, reverse=True):
        chosen[name] = max(lacks, key=lambda split: float(has[name] @ lacks[split]))
        lacks[chosen[name]] -= has[name]
    return chosen


def _fillable(groups: Iterable[Counts], shares: Mapping[str, float]) -> list[str]:
    """The splits that can have both classes, smallest first; where not all can, the largest ones."""
    kinds = [(real > 0, fake > 0) for real, fake in groups]
    count = kinds.count((True, True)) + min(kinds.count((True, False)), kinds.count((False, True)))
    return sorted(sorted(shares, key=lambda split: -shares[split])[:count], key=lambda split: shares[split])


def _one_of_each(
    order: Iterable[str], has: Mapping[str, Shares], lack: Shares, chosen: Mapping[str, str], split: str
) -> str | None:
    """The next group for a split that lacks a class: with both where one has both, and of fitting size.

    The first in order that the split has room for, else the smallest.
    """
    own = [has[name] for name in chosen if chosen[name] == split]
    wanted = np.sum(own, axis=0) == 0 if own else np.array([True, True])
    free = [name for name in order if name not in chosen and has[name][wanted].any()]
    both = [name for name in free if has[name][wanted].all()]
    candidates = both or free
    if not wanted.any() or not candidates:
        return None
    fitting = [name for name in candidates if (has[name] <= lack).all()]
    return fitting[0] if fitting else min(candidates, key=lambda name: float(has[name].max()))
