"""Split by groups with a hash: a group never moves when data is added."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from face_extraction.errors import InputError
from face_extraction.sources.registry import LEFT_OUT, NOT_TEST, Item, Listing


@dataclass(frozen=True)
class SplitRule:
    """Shares of the groups for validation and test; the rest is for training.

    Attributes:
        val: expected share of groups in "val", 0 to 1.
        test: expected share of groups in "test", 0 to 1.
        seed: another seed gives another split.

    Raises:
        InputError: a share is not within 0 and 1, or nothing is left to train on.
    """

    val: float = 0.15
    test: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        # Written so that "not a number" fails too.
        if not (self.val >= 0 and self.test >= 0 and self.val + self.test < 1):
            raise InputError(
                f"split shares val {self.val} and test {self.test}; accepted: 0 or more, together below 1"
            )

    def split_of(self, group: str) -> str:
        """The split of `group`, which depends only on its name and the seed.

        The shares hold on average: a handful of groups can miss a split altogether.
        """
        digest = hashlib.sha256(f"{self.seed}:{group}".encode()).digest()
        position = int.from_bytes(digest[:8], "big") / 2**64
        if position < self.test:
            return "test"
        return "val" if position < self.test + self.val else "train"


def drawn_splits(items: Iterable[Item], rule: SplitRule) -> list[str]:
    """The splits that `rule` fills: those that an item without an official split can fall into."""
    given = {item.split for item in items}
    shares = {"train": 1.0, "val": rule.val, "test": rule.test if None in given else 0.0}
    return [split for split, share in shares.items() if share] if given & {None, NOT_TEST} else []


def settle(listing: Listing, rule: SplitRule) -> Listing:
    """Give every item its split, and leave out items that fit in none.

    An official split stays. An item of two people whose groups fall into different splits is left out: in
    either split it would show a face that the other one shows too.

    Returns:
        the listing with items whose `split` is "train", "val" or "test", and a note about the items left
        out.
    """
    kept = []
    shared = torn = 0
    for item in listing.items:
        if item.split == LEFT_OUT:
            shared += 1
            continue
        if item.split in (None, NOT_TEST):
            own = replace(rule, test=0.0) if item.split == NOT_TEST else rule
            splits = {own.split_of(group) for group in (item.group, item.swapped) if group}
            if len(splits) > 1:
                torn += 1
                continue
            item = replace(item, split=splits.pop())
        kept.append(item)
    notes = []
    if shared:
        notes.append(f"left out, sharing a recording with an official test video: {shared:,}")
    if torn:
        notes.append(f"left out, swaps between people of two splits: {torn:,}")
    return replace(listing, items=kept, notes=[*listing.notes, *notes])
