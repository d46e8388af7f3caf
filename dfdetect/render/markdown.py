"""Tables and plain text in Markdown."""

import re
from collections.abc import Sequence


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int | None = None) -> str:
    """A table; what would end a cell is escaped.

    Args:
        header: the columns' titles.
        rows: cells, a string for each column.
        left: how many columns begin at one place; the others end there. None: all.
    """
    right = 0 if left is None else len(header) - left
    sides = ["---"] * (len(header) - right) + ["---:"] * right
    return "\n".join([_row(header), f"|{'|'.join(sides)}|", *map(_row, rows)])


def _row(cells: Sequence[str]) -> str:
    escaped = (re.sub(r"\s*\n\s*", " ", cell).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def plain(text: str) -> str:
    """Text on one line, in which nothing is taken for HTML; names and brackets stay readable as they are."""
    return re.sub(r"\s+", " ", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
