"""Tables as Markdown, CSV, LaTeX and HTML."""

import csv
import html
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dfdetect.metrics.estimates import DASH
from dfdetect.render.markdown import markdown_table, plain
from dfdetect.report.printed import Printed
from dfdetect.report.sections import Section
from dfdetect.report.tables import SAME, Entry, Table, Value
from face_extraction.errors import InputError

LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
        "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", SAME: r"$\approx$",
    }
)  # fmt: skip
LINE = 70  # letters that a line of an article holds, less the room between columns


def markdown(table: Table) -> str:
    """A Markdown table under its heading, with its notes."""
    rows = [[_text(entry, "**{}**", plain) for entry in row] for row in table.rows]
    lines = [f"### {table.title}", "", markdown_table(table.header, rows, table.labels)]
    for note in table.below():
        lines += ["", plain(note)]
    return "\n".join(lines) + "\n"


def latex(table: Table, about: str, label: str) -> str:
    """A LaTeX table, a wide one scaled to the text's width, with its notes in small letters below.

    Args:
        table: the table.
        about: follows the title in the caption.
        label: what `ref` calls it.
    """
    columns = "l" * table.labels + "r" * (len(table.header) - table.labels)
    head = [_latex(title) for title in table.header]
    body = [[_text(entry, r"\textbf{{{}}}", _latex) for entry in row] for row in table.rows]
    wide = sum(max(map(len, column)) for column in zip(head, *body, strict=True)) > LINE
    title = _latex(table.title)
    caption = " ".join(filter(None, (f"{title}.", _latex(about))))
    lines = [
        r"% \usepackage{booktabs, graphicx}" if wide else r"% \usepackage{booktabs}",
        r"\begin{table}",
        # In brackets what the list of tables shows.
        rf"\caption[{{{title}}}]{{{caption}}}",
        rf"\label{{{label}}}",
        r"\par\smallskip",
        *([r"\resizebox{\textwidth}{!}{%"] if wide else []),
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
        *(" & ".join(cells) + r" \\" for cells in body),
        r"\bottomrule",
        r"\end{tabular}" + "}" * wide,
        r"\par\smallskip\footnotesize\raggedright",
        *(_latex(note) + r"\par" for note in (*table.below(), *table.general)),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def html_table(table: Table) -> str:
    """An HTML table with its heading and notes."""
    head = "".join(
        f'<th scope="col" class="{kind}">{html.escape(title)}</th>'
        for kind, titles in (
            ("label", table.header[: table.labels]),
            ("value", table.header[table.labels :]),
        )
        for title in titles
    )
    rows = []
    for row in table.rows:
        cells = [_text(entry, "<strong>{}</strong>", html.escape) for entry in row]
        labels = "".join(f'<th scope="row">{cell}</th>' for cell in cells[: table.labels])
        rows.append(f"<tr>{labels}{''.join(f'<td>{cell}</td>' for cell in cells[table.labels :])}</tr>")
    notes = "".join(f'<p class="soft">{html.escape(note)}</p>' for note in table.below())
    title = html.escape(table.title)
    return (
        f"<h3>{title}</h3>\n"
        f'<div class="table numbers" tabindex="0" role="region" aria-label="{title}"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n"
        + "\n".join(rows)
        + f"\n</tbody></table></div>\n{notes}\n"
    )


CSV_COLUMNS = (
    "profile", "manifest", "table", "row", "column", "value", "low", "high", "best", "same_as_best",
    "n", "data", "note", "text",
)  # fmt: skip


def csv_rows(section: Section) -> Iterator[dict[str, Any]]:
    """One row a cell of a table: values with all their digits, and what must be known beside them.

    `text` is the entry as the table shows it. `value` is a number, of what a report printed too, as a share
    where it printed per cent; what is no one number, such as a matrix, has a text alone.
    """
    for table in section.tables:
        for row in table.rows:
            label = " / ".join(str(entry) for entry in row[: table.labels])
            for title, entry in zip(table.header[table.labels :], row[table.labels :], strict=True):
                yield {
                    "profile": section.profile,
                    "manifest": section.manifest[:8],
                    "table": table.name,
                    "row": label,
                    "column": title,
                    **_csv_entry(entry, table, section),
                }


def _csv_entry(entry: Entry, table: Table, section: Section) -> dict[str, Any]:
    """The columns that tell of an entry; those that are missing are empty."""
    if isinstance(entry, str):
        text = "" if entry == DASH else entry
        return {"value": _number(text), "text": text}
    note = table.footnotes[entry.footnote - 1] if entry.footnote else ""
    if entry.estimate is None:
        return {"note": note}
    ends = {name: getattr(entry.estimate, name) for name in ("value", "low", "high")}
    return {
        **{name: "" if math.isnan(end) else repr(float(end)) for name, end in ends.items()},
        "best": int(entry.best),
        "same_as_best": int(entry.same),
        "n": entry.n,
        "data": section.data,
        "note": note,
        "text": str(entry.estimate),
    }


def _number(text: str) -> str:
    """What a report prints, as a plain number; "" where it is none, or a range."""
    try:
        number = Printed(text, "")
    except InputError:
        return ""
    return repr(number.value) if number.interval.open else ""


def csv_text(sections: Sequence[Section]) -> str:
    """All tables as one CSV file."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for section in sections:
        writer.writerows(csv_rows(section))
    return out.getvalue()


def _text(entry: Entry, bold: str, escape: Callable[[str], str]) -> str:
    if isinstance(entry, str):
        return escape(entry)
    number, ends = _parts(entry)
    value = bold.format(escape(number)) if entry.best else escape(number)
    marks = f" {SAME}" if entry.same else ""
    foot = f" ({entry.footnote})" if entry.footnote else ""
    return value + escape(f"{ends}{marks}{foot}")


def _parts(value: Value) -> tuple[str, str]:
    if value.estimate is None:
        return DASH, ""
    number, _, ends = str(value.estimate).partition(" ")
    return number, f" {ends}" if ends else ""


def _latex(text: str) -> str:
    return text.translate(LATEX)


def facts(values: Mapping[str, str]) -> str:
    """Names and sentences as a Markdown list."""
    return "\n".join(f"- **{name}**: {text}" for name, text in values.items())
