"""The files of a stressed run: page, figure, and the table in each of its forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dfdetect.render.figures.drawing import Figure
from dfdetect.render.figures.stress import stress_panels
from dfdetect.render.table import Table, columns, csv_rows, latex, noted
from dfdetect.render.templating import render
from dfdetect.stress.measuring import UNDISTURBED
from dfdetect.stress.registry import get_kind
from dfdetect.stress.tables import (
    Rows,
    attack_table,
    panels,
    stress_table,
    told_first,
    told_forged,
    told_more,
)
from face_extraction.atomic import write_csv, write_text

FIGURE = "stress.png"


@dataclass(frozen=True)
class About:
    """What stands beside the numbers.

    Attributes:
        title: the run's name.
        data: the faces, in words.
        notices: what to read before any number.
        facts: what decides the results, by name.
    """

    title: str
    data: str
    notices: Sequence[str]
    facts: Mapping[str, Any]


def write_stress(rows: Rows, about: About, out: Path) -> tuple[Table, list[str]]:
    """Write stress.html, .png, .md, .tex and .csv.

    Returns:
        The table, and the sentences above it.
    """
    (undisturbed,) = rows[UNDISTURBED]
    shown = panels(rows)
    figures = []
    if shown:
        stress_panels(shown, undisturbed.estimates["auc"], out / FIGURE)
        caption = "The AUC as a disturbance grows. Orange: the paired interval of its loss lies above 0."
        figures = [Figure(FIGURE, "AUC by severity", caption, wide=True)]
    lines = [told_first(rows), *told_more(rows)]
    kinds = [get_kind(name) for name in rows if name != UNDISTURBED]
    meaning = Table(
        columns(["kind", "name", "what it does", "severities"]),
        [
            [kind.title, kind.name, kind.summary, ", ".join(kind.shown(each) for each in kind.severities)]
            for kind in kinds
        ],
        "Kinds of disturbance",
    )
    table = stress_table(rows)
    page: dict[str, Any] = {"title": f"{about.title}: disturbed faces", "figures": figures, "kinds": meaning}
    _write(table, lines, about, out / "stress", page)
    return table, lines


def write_attacks(rows: Rows, about: About, out: Path) -> tuple[Table, list[str]]:
    """Write attacks.html, .md, .tex and .csv; see `write_stress`."""
    table, lines = attack_table(rows), [told_forged(rows)]
    page: dict[str, Any] = {"title": f"{about.title}: forged faces", "figures": [], "kinds": None}
    _write(table, lines, about, out / "attacks", page)
    return table, lines


def _write(table: Table, lines: Sequence[str], about: About, stem: Path, page: Mapping[str, Any]) -> None:
    html = render(
        "stress.html.j2",
        table=table,
        lines=lines,
        data=about.data,
        notices=about.notices,
        facts=about.facts,
        **page,
    )
    write_text(stem.with_suffix(".html"), html)
    write_text(stem.with_suffix(".md"), f"## {table.caption}\n\n{noted(table, [*lines, about.data])}\n")
    write_text(stem.with_suffix(".tex"), latex(table, about.data, f"tab:{table.label}"))
    write_csv(stem.with_suffix(".csv"), table.titles, csv_rows(table))
