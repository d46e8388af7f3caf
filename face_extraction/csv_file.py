"""CSV files as spreadsheets and other programs write them."""

import codecs
import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from face_extraction.errors import InputError

DELIMITERS = ";,\t|"
WINDOWS = "cp1252"
_SAVE = "open it in a spreadsheet program and save its table as CSV in UTF-8"
_WRITE = "write its table as CSV in UTF-8, with a program that reads"
# What other files begin with that people give for a CSV file, and how to get one out of them.
_KINDS = {
    b"PK\3\4": f"a spreadsheet, or another archive; {_SAVE}",
    b"\xd0\xcf\x11\xe0": f"a spreadsheet of an old Excel; {_SAVE}",
    b"PAR1": f"a Parquet file; {_WRITE} Parquet, such as pandas or DuckDB",
    b"\x1f\x8b": "a compressed file; unpack it",
}
_JSON_TOLD = f"a JSON file; {_WRITE} JSON, such as pandas: a row for each file"
_JSON = re.compile(r'\s*(\{\s*"|\[\s*[\[{"])')
_MARKUP = re.compile(r"(?i)\s*<(!doctype|html|table|\?xml)")
# Excel reads and writes the delimiter in a first line.
_TOLD = re.compile(r"(?i)\W*sep=(.)\W*")
_END_OF_DOS = "\x1a"


@dataclass(frozen=True)
class CsvText:
    """The rows of a CSV file.

    Attributes:
        rows: each row's number in the file and its values; rows without any value are left out. A row has
            no more values than the first one, but may have fewer: Excel leaves out empty ones at its end.
        is_windows: the file is not UTF-8, and was read as Windows-1252, which Excel writes in the West.
    """

    rows: list[tuple[int, list[str]]]
    is_windows: bool = False


def read_csv(path: Path) -> CsvText:
    """Read a text file of rows, separated by commas, semicolons, tabs or bars.

    The encoding is UTF-8, UTF-16 with a byte order mark, or else Windows-1252.

    Raises:
        InputError: it is another kind of file or damaged, or a row has more values than the first one.
    """
    content = path.read_bytes()
    told = next((kind for start, kind in _KINDS.items() if content.startswith(start)), "")
    try:
        text, is_windows = ("", False) if told else _decode(content)
        if _JSON.match(text):
            told = _JSON_TOLD
        elif _MARKUP.match(text):
            told = f"an HTML or XML file; {_SAVE}"
        if told:
            raise InputError(f"{path}: {told}")
        return CsvText(_rows(path, text), is_windows)
    except (UnicodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV text file in UTF-8 ({error})") from None


def _decode(content: bytes) -> tuple[str, bool]:
    is_wide = content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    is_windows = False
    try:
        text = content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError:
        if is_wide or b"\0" in content:
            raise
        text, is_windows = content.decode(WINDOWS), True
    if "\0" in text:
        raise UnicodeError("zero bytes, as in UTF-16 without a byte order mark, or UTF-32")
    return text.rstrip(_END_OF_DOS), is_windows


def _rows(path: Path, text: str) -> list[tuple[int, list[str]]]:
    lines = io.StringIO(text, newline=None)
    told = _TOLD.fullmatch(lines.readline().rstrip("\n"))
    if told:
        delimiter = told[1]
    else:
        lines.seek(0)
        delimiter = _delimiter(lines)
        lines.seek(0)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    numbered = enumerate(reader, 2 if told else 1)
    rows = [(number, row) for number, row in numbered if any(value.strip() for value in row)]
    width = len(rows[0][1]) if rows else 0
    for number, row in rows:
        if any(value.strip() for value in row[width:]):
            raise InputError(f"{path}, row {number}: {len(row)} values, but {width} in the first row")
        del row[width:]
    return rows


def _delimiter(lines: Iterable[str]) -> str:
    """The most frequent of `DELIMITERS` in the first line with text; a comma if it has none of them."""
    first = next((line for line in lines if line.strip()), "")
    bare = re.sub('"[^"]*"', "", first)  # A quoted value may hold any of them.
    return max(DELIMITERS, key=bare.count) if set(DELIMITERS) & set(bare) else ","
