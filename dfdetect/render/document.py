"""The frame and the parts that pages share. A page is one file, without scripts or anything from outside."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from dfdetect import __version__
from dfdetect.render.figures.drawing import Figure
from dfdetect.render.report import show
from dfdetect.render.style import STYLE


def document(
    title: str,
    summary: str,
    notices: str,
    sections: Sequence[tuple[str, str, str]],
    *,
    links: str = "",
    footer: str = "",
) -> str:
    """A page as HTML text. All arguments are HTML.

    Args:
        title: the heading.
        summary: what stands below it.
        notices: what stands before the first section.
        sections: (id, heading, content) in order; those without content are left out.
        links: links that follow those to the sections.
        footer: what follows "Made by dfdetect".
    """
    shown = [section for section in sections if section[2]]
    anchors = " ".join(f'<a href="#{name}">{heading}</a>' for name, heading, _ in shown)
    body = "\n".join(
        f'<section id="{name}" aria-labelledby="{name}-title">\n<h2 id="{name}-title">{heading}</h2>\n'
        f"{content}\n</section>"
        for name, heading, content in shown
    )
    head = f'{summary}\n<nav aria-label="Sections">{anchors} {links}</nav>\n{notices}'
    return frame(title, head, body, f"<footer>Made by dfdetect {__version__}. {footer}</footer>\n")


def frame(title: str, head: str, body: str, foot: str = "") -> str:
    """The least of a page as HTML text: its style, its heading and what follows. All arguments are HTML."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · dfdetect</title>
<link rel="icon" href="data:,">
<style>
{STYLE}</style>
</head>
<body>
<header>
<h1>{title}</h1>
{head}
</header>
<main>
{body}
</main>
{foot}</body>
</html>
"""


def text(value: Any) -> str:
    """Any value as text for people, escaped."""
    return html.escape(show(value))


def figure_list(figures: Sequence[Figure]) -> str:
    """Figures, as HTML; "" without any."""
    if not figures:
        return ""
    return '<div class="figures">\n' + "\n".join(_figure(figure) for figure in figures) + "\n</div>"


def _figure(figure: Figure) -> str:
    title, caption = text(figure.title), text(figure.caption)
    kind = "figure" + " wide" * figure.wide + " photo" * figure.photo
    return f"""<figure class="{kind}">
<img src="{quote(figure.file)}" alt="{title}. {caption}">
<figcaption><strong>{title}</strong>{caption}</figcaption>
</figure>"""


def table_row(name: str, cells: Iterable[str], kind: str = "") -> str:
    """A table's row as HTML: its heading and its cells, which are HTML."""
    start = f'<tr class="{kind}">' if kind else "<tr>"
    return f'{start}<th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def fact_table(facts: Mapping[str, Any]) -> str:
    """Names and values as a table; both are escaped."""
    rows = "\n".join(table_row(text(name.replace("_", " ")), [text(value)]) for name, value in facts.items())
    return f'<div class="table facts"><table><tbody>\n{rows}\n</tbody></table></div>'


def text_table(
    head: Sequence[str], rows: Iterable[Sequence[str]], label: str, *, left: int | None = None, best: str = ""
) -> str:
    """A table of plain text, which is escaped; the first cell of a row is its heading.

    Args:
        head: the columns' titles.
        rows: a cell for each column.
        label: what the table holds, for those who cannot see it.
        left: how many columns begin at one place; the others hold numbers, which end there. None: all.
        best: the heading of the row to mark.
    """
    kinds = [' class="number-cell"' * (left is not None and place >= left) for place in range(len(head))]
    titles = "".join(
        f'<th scope="col"{kind}>{html.escape(title)}</th>' for title, kind in zip(head, kinds, strict=True)
    )
    lines = []
    for first, *rest in rows:
        cells = "".join(
            f"<td{kind}>{html.escape(cell)}</td>" for cell, kind in zip(rest, kinds[1:], strict=False)
        )
        mark = ' class="best"' if best and first == best else ""
        lines.append(f'<tr{mark}><th scope="row">{html.escape(first)}</th>{cells}</tr>')
    body = "\n".join(lines)
    return (
        f'<div class="table" tabindex="0" role="region" aria-label="{label}"><table>\n'
        f"<thead><tr>{titles}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>\n"
    )
