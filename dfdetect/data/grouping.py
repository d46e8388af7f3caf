"""Assign whole groups to splits, so that each class keeps its shares and each split has both classes."""

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

Counts = tuple[int, int]
"""Faces of a group, real and fake."""
Shares = NDArray[np.float64]


def assign_groups(groups: Mapping[str, Counts], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """Choose the split of each group.

    First, if there are enough groups, each split gets a group with both classes, or one group of each class.
    Then each other group goes to the split that lacks most of the faces it has. Groups larger than the
    smallest split go first; the rest follow in an order drawn by `seed`. The result depends only on names,
    counts and seed, not on the order of `groups`.

    Args:
        groups: the faces of each group by its name.
        shares: the share of all faces that each split should get, the same for both classes; above 0.
        seed: another seed gives another split.
    """
    order = sorted(groups, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    totals = np.maximum(1, np.sum([*groups.values()], axis=0))
    # As shares of all real and of all fake faces: what each group has, and what each split still lacks.
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

    # A large group comes early: when little is missing anywhere, it would overfill a small split.
    for name in sorted((name for name in order if name not in chosen), key=excess, reverse=True):
        chosen[name] = max(lacks, key=lambda split: float(has[name] @ lacks[split]))
        lacks[chosen[name]] -= has[name]
    return chosen


def _fillable(groups: Iterable[Counts], shares: Mapping[str, float]) -> list[str]:
    """The splits that can have both classes, smallest first; if not all can, the largest ones."""
    kinds = [(real > 0, fake > 0) for real, fake in groups]
    count = kinds.count((True, True)) + min(kinds.count((True, False)), kinds.count((False, True)))
    return sorted(sorted(shares, key=lambda split: -shares[split])[:count], key=lambda split: shares[split])


def _one_of_each(
    order: Iterable[str], has: Mapping[str, Shares], lack: Shares, chosen: Mapping[str, str], split: str
) -> str | None:
    """The next group for a split that lacks a class, or None if it lacks none or no group is left.

    Groups with both lacking classes come first. Among the candidates it is the first in order that fits the
    split, else the smallest.
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
