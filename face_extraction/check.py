"""`python -m face_extraction check DATASET`: compare a data set's folder with what was published."""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from face_extraction.command import DONE, FINDING, Parser
from face_extraction.ledger import REASONS, LedgerRow
from face_extraction.sources import Listing, Source

EXAMPLES = 5
STATUS = """\
exit status:
  0  as published; without published counts: nothing missing, doubled or unexpected
  1  something differs
  2  wrong use, or the folder does not have this data set's layout"""


@dataclass(frozen=True)
class Part:
    """One part of a data set, such as a method.

    Attributes:
        name: its name in the data set's own file.
        published: how many items were published; None if unknown.
        found: how many are there.
        absent: known names that were published but are not there.
    """

    name: str
    published: int | None
    found: int
    absent: Sequence[str] = ()

    @property
    def differs(self) -> bool:
        """Whether it is not as published."""
        return self.found != self.published if self.published is not None else bool(self.absent)


@dataclass(frozen=True)
class Report:
    """What `compare` found: the parts, the ledger's rows and the listing's notes."""

    parts: list[Part]
    ledger: list[LedgerRow]
    notes: list[str]

    @property
    def whole(self) -> bool:
        """Whether nothing is missing, doubled or unexpected."""
        return not self.ledger and not any(part.differs for part in self.parts)

    def __str__(self) -> str:
        width = max(len(name) for name in ("part", *(part.name for part in self.parts))) + 2
        lines = [f"{'part':<{width}}{'published':>10}{'found':>10}"]
        for part in self.parts:
            published = "–" if part.published is None else f"{part.published:,}"
            lines.append(f"{part.name:<{width}}{published:>10}{part.found:>10,}{_remark(part)}".rstrip())
        for reason in REASONS:
            rows = [row for row in self.ledger if row.reason == reason]
            if rows:
                lines.append(f"{reason} ({len(rows):,}): {REASONS[reason]}")
                lines += [f"  {row.path}: {row.detail}" for row in rows[:EXAMPLES]]
                lines += [f"  and {len(rows) - EXAMPLES:,} more"] if len(rows) > EXAMPLES else []
        return "\n".join([*lines, *self.notes, self._verdict()])

    def _verdict(self) -> str:
        if self.whole:
            known = all(part.published is not None for part in self.parts)
            return "as published" if known else "nothing missing, doubled or unexpected"
        parts = sum(part.differs for part in self.parts)
        counts = f"{parts} of {len(self.parts)} parts, {len(self.ledger):,} files"
        return f"differs: {counts}; the files that are there can be extracted"


def compare(listing: Listing) -> Report:
    """Count each part's items and compare them with what was published.

    Args:
        listing: the data set's items, including those that no split takes.
    """
    found = Counter(item.part for item in listing.items) + Counter(listing.counted)
    names = [
        *listing.published,
        *(name for name in [*found, *listing.absent] if name not in listing.published),
    ]
    parts = [
        Part(name, listing.published.get(name), found[name], tuple(listing.absent.get(name, ())))
        for name in dict.fromkeys(names)
    ]
    return Report(parts, list(listing.ledger), list(listing.notes))


def parser(prog: str, source: Source) -> Parser:
    """The command line of `check` for one data set."""
    command = f"{prog} check {source.name}"
    parser = Parser(command, source.description, f"example:\n  {command} --root RAW\n\n{STATUS}")
    add_root(parser, source)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    return parser


def add_root(parser: Parser, source: Source) -> None:
    """Add `--root`, which is optional if another option names a file in the folder."""
    own = f" (that of --{source.root_of})" if source.root_of else ""
    required = not source.root_of
    parser.add_argument(
        "--root", type=Path, required=required, metavar="RAW", help=f"the data set's folder{own}"
    )


def run_check(listing: Listing, args: argparse.Namespace) -> int:
    """Print the report on `listing` and return the exit status."""
    report = compare(listing)
    if args.json:
        parts = [asdict(part) for part in report.parts]
        ledger = [asdict(row) for row in report.ledger]
        print(
            json.dumps(
                {"whole": report.whole, "parts": parts, "ledger": ledger, "notes": report.notes}, indent=2
            )
        )
    else:
        print(report)
    return DONE if report.whole else FINDING


def _remark(part: Part) -> str:
    if part.published is not None and not part.found:
        return "  not here"
    if part.absent:
        shown = ", ".join(part.absent[:EXAMPLES])
        more = f" and {len(part.absent) - EXAMPLES:,} more" if len(part.absent) > EXAMPLES else ""
        return f"  missing: {shown}{more}"
    if part.published is None or not part.differs:
        return ""
    surplus = part.found - part.published
    return f"  {surplus:,} too many" if surplus > 0 else f"  {-surplus:,} missing"
