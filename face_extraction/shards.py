"""Parts of an extraction for batch queues: each job takes one part, and `merge` joins them.

A hash of an item's path decides its part, so that parts need not know of each other.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NotRequired, TypedDict

import msgspec

from face_extraction.atomic import write_text
from face_extraction.errors import InputError
from face_extraction.json_file import parse_json
from face_extraction.ledger import LedgerRow
from face_extraction.plan import Plan
from face_extraction.sources import Item
from face_extraction.splits import SplitRule

SHARD_FILE = "shard.json"


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` parts of a data set, numbered from 1.

    Raises:
        InputError: there is no such part.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise InputError(f"shard {self}; accepted: 1/N to N/N")

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """The shard written as "2/8".

        Raises:
            InputError: it has another form, or there is no such part.
        """
        index, _, count = text.partition("/")
        if not (index.isdecimal() and count.isdecimal()):
            raise InputError(f"shard {text!r}; accepted: 1/N to N/N, such as 2/8")
        return cls(int(index), int(count))

    def holds(self, path: str) -> bool:
        """Whether this part holds the item at `path`; the path alone decides."""
        digest = hashlib.sha256(path.encode(errors="surrogateescape")).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.index - 1

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


@dataclass(frozen=True)
class Part:
    """What a shard's folder says about its part of the data set.

    Attributes:
        shard: which part it is.
        listing: a hash of the whole data set's items, their splits and ledger.
        plan: as given to the extraction, with the part's items alone.
        places: the place of each of these items in the whole data set.
    """

    shard: Shard
    listing: str
    plan: Plan
    places: Sequence[int]


class _PartFile(TypedDict):
    """shard.json."""

    shard: str
    listing: str
    split_rule: SplitRule
    ledger: list[LedgerRow]
    drawn: NotRequired[list[str]]  # Earlier versions did not record it.
    items: list[tuple[int, Item]]


def write_part(folder: Path, shard: Shard, plan: Plan) -> Plan:
    """Record in `folder` which items of a plan belong to `shard`, and return the plan of those."""
    ledger = [asdict(row) for row in plan.ledger]
    common = {"split_rule": asdict(plan.split_rule), "ledger": ledger}
    everything = json.dumps([common, [asdict(item) for item in plan.items]], sort_keys=True)
    own = {place: item for place, item in enumerate(plan.items) if shard.holds(item.path)}
    values = {
        "shard": str(shard),
        "listing": hashlib.sha256(everything.encode()).hexdigest(),
        **common,
        "drawn": list(plan.filled),
        "items": [[place, asdict(item)] for place, item in own.items()],
    }
    write_text(folder / SHARD_FILE, json.dumps(values) + "\n")
    return replace(plan, items=list(own.values()), drawn=plan.filled)


def read_part(folder: Path) -> Part:
    """Read what `write_part` recorded in `folder`.

    Raises:
        InputError: the folder holds no part of an extraction, or a damaged one.
    """
    path = folder / SHARD_FILE
    if not path.is_file():
        raise InputError(f"{folder}: not made with --shard (it has no {SHARD_FILE})")
    try:
        values = msgspec.convert(parse_json(path.read_text(encoding="utf-8")), _PartFile)
        items = [item for _, item in values["items"]]
        plan = Plan(items, values["split_rule"], values["ledger"], values.get("drawn", []))
        places = [place for place, _ in values["items"]]
        return Part(Shard.parse(values["shard"]), values["listing"], plan, places)
    except (ValueError, InputError):
        raise InputError(f"{path}: damaged; run this shard again") from None
