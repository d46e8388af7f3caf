"""A table, and its forms in text, Markdown, LaTeX and CSV; table.html.j2 gives HTML."""

import itertools
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dfdetect.metrics.estimates import DASH, Estimate
from dfdetect.render.markdown import plain
from face_extraction.command import aligned

SAME = "≈"
LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
        "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
        ">": r"\textgreater{}", "|": r"\textbar{}", "–": "--", SAME: r"$\approx$",
    }
)  # fmt: skip
# Digits on a line of LaTeX's article, 345 points wide: one takes 5 points at the normal size and 4.25 at
# footnote size; letters take less on the whole. The room between columns, 12 or 8 points, counts as two.
LINE, SMALL_LINE = 66, 81
BETWEEN = 2
TITLE = 14  # letters on a line of a title, as many as an interval takes


@dataclass(frozen=True)
class Value:
    """One measured number in a table.

    Attributes:
        estimate: the number and its interval; None if nothing was measured.
        best: whether it is the best of its column.
        same: whether it cannot be told from the best.
        footnote: number of the table's footnote, from 1; 0 = none.
        n: how many faces or videos it rests on.
    """

    estimate: Estimate | None
    best: bool = False
    same: bool = False
    footnote: int = 0
    n: int = 0

    @property
    def number(self) -> str:
        """The number without its interval, or a dash."""
        return DASH if self.estimate is None else str(self.estimate).partition(" ")[0]

    @property
    def interval(self) -> str:
        """The interval, such as "[0.874, 0.943]"; "" if there is no number."""
        return "" if self.estimate is None else str(self.estimate).partition(" ")[2]

    @property
    def marks(self) -> str:
        """The marks after the interval: the sign that it cannot be told from the best, and the footnote."""
        return (f" {SAME}" if self.same else "") + (f" ({self.footnote})" if self.footnote else "")


Cell = str | Value


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: its heading.
        align: "<" for cells aligned left, ">" for cells aligned right, such as numbers.
    """

    title: str
    align: Literal["<", ">"] = "<"


def columns(left: Iterable[str], right: Iterable[str] = ()) -> list[Column]:
    """Columns with these titles: first texts, then numbers."""
    return [*(Column(title) for title in left), *(Column(title, ">") for title in right)]


@dataclass(frozen=True)
class Table:
    """A table, before it is rendered.

    Attributes:
        columns: in order.
        rows: a cell for each column.
        caption: its heading.
        label: its name, for references and files.
        names: how many columns name the row.
        notes: sentences below it.
        general: sentences that hold for many tables, so that a page says them once.
        footnotes: the notes that numbers in it refer to, from 1.
        headings: headings above rows, by the number of the row, from 0.
        best: the number of the row to mark, from 0.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    label: str = ""
    names: int = 1
    notes: Sequence[str] = ()
    general: Sequence[str] = ()
    footnotes: Sequence[str] = ()
    headings: Mapping[int, str] = field(default_factory=dict)
    best: int | None = None

    @property
    def titles(self) -> list[str]:
        """The columns' titles."""
        return [column.title for column in self.columns]

    def footnote_of(self, value: Value) -> str:
        """The footnote that a value refers to; "" if none."""
        return self.footnotes[value.footnote - 1] if value.footnote else ""

    def below(self, *, general: bool = False) -> list[str]:
        """The sentences below it, in order.

        Args:
            general: with the general ones, where no page says them once.
        """
        footnotes = (f"({number}) {text}" for number, text in enumerate(self.footnotes, start=1))
        return [*self.notes, *footnotes, *(self.general if general else ())]


def text(table: Table) -> str:
    """Lines of text, the columns two spaces apart."""
    return aligned(
        [table.titles, *_cells(table, "{}", str)], "".join(column.align for column in table.columns)
    )


def markdown(table: Table, escape: Callable[[str], str] = plain) -> str:
    """The rows and their titles in Markdown.

    Args:
        table: the table.
        escape: turns a cell's text into Markdown.
    """
    sides = ("---:" if column.align == ">" else "---" for column in table.columns)
    body = _cells(table, "**{}**", escape)
    return "\n".join([_row(table.titles), f"|{'|'.join(sides)}|", *map(_row, body)])


def noted(table: Table, said: Iterable[str] = (), *, general: bool = False) -> str:
    """The table in Markdown, and paragraphs below it: these sentences, and its notes."""
    return "\n\n".join([markdown(table), *map(plain, (*said, *table.below(general=general)))])


def _row(cells: Sequence[str]) -> str:
    escaped = (re.sub(r"\s*\n\s*", " ", re.sub(r"(?<!\\)\|", r"\\|", cell)) for cell in cells)
    return f"| {' | '.join(escaped)} |"


def latex(table: Table, about: str, label: str) -> str:
    """A table for LaTeX that goes over pages, with notes below; needs `booktabs` and `longtable`.

    One that is too wide for a page at the normal size is set in footnote size, with intervals below their
    numbers and titles on several lines. If that does not do, its columns are put into several tables, each
    with the columns that name the rows. Nothing is scaled.

    Args:
        table: the table.
        about: follows the heading in the caption.
        label: its name for `ref`.
    """
    small = _width(_widths(_lines(table, "{}", str, stacked=False))) > LINE
    parts = _parts(
        _widths(_lines(table, "{}", str, stacked=small)), table.names, SMALL_LINE if small else LINE
    )
    head, *rows = _lines(table, r"\textbf{{{}}}", _latex, stacked=small)
    lines = [r"% \usepackage{booktabs, longtable}", r"\begingroup", r"\setlength{\LTcapwidth}{\textwidth}"]
    lines += [r"\footnotesize", r"\setlength{\tabcolsep}{4pt}"] if small else []
    space = [r"\addlinespace"] if small else []  # so that an interval is not read with the number below
    for number, part in enumerate(parts, start=1):
        place = f" (columns, part {number} of {len(parts)})" if len(parts) > 1 else ""
        title = _latex(table.caption) + place
        text = " ".join(filter(None, (f"{title}.", _latex(about) if number == 1 else "")))
        top = [r"\toprule", *_latex_rows(head, part), r"\midrule"]
        sides = "".join("r" if table.columns[index].align == ">" else "l" for index in part)
        lines += [
            rf"\begin{{longtable}}{{@{{}}{sides}@{{}}}}",
            # The list of tables shows the part in brackets.
            rf"\caption[{{{title}}}]{{{text}}}" + (rf"\label{{{label}}}" if number == 1 else "") + r" \\",
            *(*top, r"\endfirsthead", *top, r"\endhead", r"\bottomrule", r"\endfoot"),
            *(line for row in rows for line in (*_latex_rows(row, part), *space)),
            r"\end{longtable}",
        ]
    notes = (_latex(note) + r"\par" for note in table.below(general=True))
    return "\n".join([*lines, r"\footnotesize\raggedright\noindent", *notes, r"\endgroup"]) + "\n"


def _lines(table: Table, bold: str, escape: Callable[[str], str], *, stacked: bool) -> list[list[list[str]]]:
    """The titles and the rows; of each cell its lines, of which it has one unless they are `stacked`."""
    titles = (textwrap.wrap(title, TITLE) if stacked else [title] for title in table.titles)
    found = [[[escape(line) for line in lines] for lines in titles]]
    if not stacked:
        return [*found, *([[cell] for cell in row] for row in _cells(table, bold, escape))]
    for number, row in enumerate(table.rows):
        if number in table.headings:
            heading = bold.format(escape(table.headings[number]))
            found.append([[heading], *[[""]] * (len(row) - 1)])
        found.append([_stack(cell, bold, escape) for cell in row])
    return found


def _stack(cell: Cell, bold: str, escape: Callable[[str], str]) -> list[str]:
    """A number with its marks, and its interval on a line of its own."""
    if isinstance(cell, str):
        return [escape(cell)]
    number = bold.format(escape(cell.number)) if cell.best else escape(cell.number)
    return [number + escape(cell.marks), *([escape(cell.interval)] if cell.interval else [])]


def _widths(rows: Sequence[Sequence[Sequence[str]]]) -> list[int]:
    """The letters of the longest line in each column."""
    return [max(len(line) for cell in column for line in cell) for column in zip(*rows, strict=True)]


def _width(widths: Sequence[int]) -> int:
    """The width of a row in letters, with the room between columns."""
    return sum(widths) + BETWEEN * (len(widths) - 1)


def _parts(widths: Sequence[int], names: int, line: int) -> list[list[int]]:
    """The columns of each part of a table: those that name the rows, and as many others as fit, in order."""
    head = list(range(names))
    parts = [head.copy()]
    for index in range(names, len(widths)):
        if parts[-1] != head and _width([widths[each] for each in (*parts[-1], index)]) > line:
            parts.append(head.copy())
        parts[-1].append(index)
    return parts


def _latex_rows(row: Sequence[Sequence[str]], part: Sequence[int]) -> list[str]:
    """The lines of a row in LaTeX, which stay on one page."""
    shown = [row[index] for index in part]
    lines = itertools.zip_longest(*shown, fillvalue="")
    made = [_latex_row(line) for line in lines]
    return [*(f"{line}*" for line in made[:-1]), *made[-1:]]


def _latex(text: str) -> str:
    # A blank line would end the caption.
    return re.sub(r"\s+", " ", text).translate(LATEX)


def _latex_row(cells: Sequence[str]) -> str:
    """A row; the line before would read a bracket at its start as an option."""
    return ("{}" if cells[0].startswith("[") else "") + " & ".join(cells) + r" \\"


def csv_rows(table: Table) -> list[list[str]]:
    """The cells as shown, for a CSV file."""
    return list(_cells(table, "{}", str))


def _cells(table: Table, bold: str, escape: Callable[[str], str]) -> Iterator[list[str]]:
    """The texts of the rows and of the headings above them; `bold` is a format."""
    for number, row in enumerate(table.rows):
        if number in table.headings:
            yield [bold.format(escape(table.headings[number])), *[""] * (len(table.columns) - 1)]
        yield [_cell(cell, bold, escape) for cell in row]


def _cell(cell: Cell, bold: str, escape: Callable[[str], str]) -> str:
    if isinstance(cell, str):
        return escape(cell)
    number = bold.format(escape(cell.number)) if cell.best else escape(cell.number)
    return number + escape(f" {cell.interval}{cell.marks}" if cell.interval else cell.marks)
