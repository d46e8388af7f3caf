"""What an extraction turns into a manifest."""

from collections.abc import Sequence
from dataclasses import dataclass

from face_extraction.ledger import LedgerRow
from face_extraction.sources.registry import Item
from face_extraction.splits import SplitRule, drawn_splits


@dataclass(frozen=True)
class Plan:
    """The items of an extraction, and how they are split.

    Attributes:
        items: what to extract; the manifest keeps their order.
        split_rule: splits the groups for which the items name no official split.
        ledger: rows from the data set's listing.
        drawn: the splits that `split_rule` fills, if `settle` has already given the items theirs; None
            works it out from the items.
    """

    items: Sequence[Item]
    split_rule: SplitRule = SplitRule()
    ledger: Sequence[LedgerRow] = ()
    drawn: Sequence[str] | None = None

    @property
    def filled(self) -> Sequence[str]:
        """The splits that `split_rule` fills."""
        return drawn_splits(self.items, self.split_rule) if self.drawn is None else self.drawn
