"""tables.csv: one row for each cell of a table, with all digits and the facts beside them."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from dfdetect.metrics.estimates import DASH, Estimate
from dfdetect.render.table import Cell, Table
from dfdetect.report.printed import Printed
from dfdetect.report.sections import Section
from face_extraction.atomic import csv_of
from face_extraction.errors import InputError

COLUMNS = (
    "profile", "manifest", "table", "row", "column", "value", "low", "high", "best", "same_as_best",
    "n", "data", "note", "text",
)  # fmt: skip


def csv_text(sections: Sequence[Section]) -> str:
    """All tables as one CSV file.

    `text` is the cell as the table shows it. `value` is its number, also for published ones, as a share where
    the report printed per cent. A cell that is not one number, such as a matrix, has only text.
    """
    rows = (row for section in sections for row in _rows(section))
    return csv_of(COLUMNS, ([row.get(name, "") for name in COLUMNS] for row in rows))


def _rows(section: Section) -> Iterator[dict[str, Any]]:
    for table in section.tables:
        for row in table.rows:
            name = " / ".join(str(cell) for cell in row[: table.names])
            for title, cell in zip(table.titles[table.names :], row[table.names :], strict=True):
                yield {
                    "profile": section.profile,
                    "manifest": section.manifest[:8],
                    "table": table.label,
                    "row": name,
                    "column": title,
                    **_facts(cell, table, section),
                }


def _facts(cell: Cell, table: Table, section: Section) -> dict[str, Any]:
    """The columns about a cell; missing facts are empty."""
    if isinstance(cell, str):
        text = "" if cell == DASH else cell
        return {"value": _number(text), "text": text}
    note = table.footnote_of(cell)
    if cell.estimate is None:
        return {"note": note}
    return {
        **digits(cell.estimate),
        "best": int(cell.best),
        "same_as_best": int(cell.same),
        "n": cell.n,
        "data": section.data,
        "note": note,
        "text": str(cell.estimate),
    }


def digits(estimate: Estimate) -> dict[str, str]:
    """The columns of an estimate, with all digits; "" for NaN."""
    return {name: "" if math.isnan(end) else repr(float(end)) for name, end in vars(estimate).items()}


def _number(text: str) -> str:
    """A published number in plain form; "" if it is not a number, or a range."""
    try:
        number = Printed(text, "")
    except InputError:
        return ""
    return repr(number.value) if number.interval.open else ""
