"""CSV files as Excel writes them in several countries are read; other kinds of files are refused."""

import pytest

from face_extraction.csv_file import read_csv
from face_extraction.errors import InputError


@pytest.fixture
def rows(tmp_path):
    """rows(text or bytes) -> the values of each row."""

    def read(content):
        path = tmp_path / "list.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return [row for _, row in read_csv(path).rows]

    return read


@pytest.mark.parametrize(
    "text",
    [
        "a,b\nc,d\n",
        "a;b\r\nc;d\r\n",
        "a\tb\rc\td\r",
        "a|b\n\n \nc|d",
        "sep=;\na;b\nc;d\n",
        '"sep=;"\r\na;b\r\nc;d\r\n',
        "SEP=\t\na\tb\nc\td\n",
        "a,b,,\nc,d,,\n,,,\n\x1a",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_spreadsheets_write(rows, text, encoding):
    assert [row[:2] for row in rows(text.encode(encoding))] == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize("text", ['"a,1,2,3.jpg";REAL\n', 'a.jpg;"0,5, or 0,7, or 0,9"\n', "a.jpg;0,5\n"])
def test_commas_in_values_do_not_divide_them(rows, text):
    assert [len(row) for row in rows(text)] == [2]


def test_empty_values_at_the_end_may_be_missing_or_too_many(rows):
    assert rows("a,b,c\nd,e,\nf,g\nh,i,j,,\n") == [
        ["a", "b", "c"],
        ["d", "e", ""],
        ["f", "g"],
        ["h", "i", "j"],
    ]
    with pytest.raises(InputError, match="row 2: 4 values, but 3 in the first row"):
        rows("a,b,c\nd,e,f,g\n")


def test_western_windows_letters_are_read_and_told(tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes("Gefälscht;é\n".encode("cp1252"))

    assert read_csv(path).rows == [(1, ["Gefälscht", "é"])]
    assert read_csv(path).is_windows
    path.write_bytes("Gefälscht;é\n".encode())
    assert not read_csv(path).is_windows


SAVE = "open it in a spreadsheet program and save its table as CSV in UTF-8"
WRITE = "write its table as CSV in UTF-8, with a program that reads"
JSON = f"a JSON file; {WRITE} JSON, such as pandas: a row for each file"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\3\4 xl/workbook.xml", f"a spreadsheet, or another archive; {SAVE}"),
        (bytes.fromhex("d0cf11e0a1b11ae1"), f"a spreadsheet of an old Excel; {SAVE}"),
        (b"PAR1\x15\x04", f"a Parquet file; {WRITE} Parquet, such as pandas or DuckDB"),
        (b"\x1f\x8b\x08", "a compressed file; unpack it"),
        (b'[{"path": "a.jpg"}]', JSON),
        (b'[\n  {\n    "path": "a.jpg"\n  }\n]', JSON),
        (b'["a.jpg", "REAL"]\n["b.jpg", "FAKE"]\n', JSON),
        (b'{"a.jpg": {"label": "REAL"}}', JSON),
        (b'\xef\xbb\xbf{"path": "a.jpg"}\n{"path": "b.jpg"}\n', JSON),
        (b"<!DOCTYPE html><table>", f"an HTML or XML file; {SAVE}"),
        (b"<?xml version='1.0'?>", f"an HTML or XML file; {SAVE}"),
        ("a,b\n".encode("utf-16-le"), "not a CSV text file in UTF-8 .zero bytes"),
        ("é,b\n".encode("utf-16-le"), "not a CSV text file in UTF-8"),
        (b"a,\x81\n", "not a CSV text file in UTF-8"),
        (b'a,"b\n', "not a CSV text file in UTF-8"),
    ],
)
def test_other_files_are_named(rows, content, message):
    with pytest.raises(InputError, match=message):
        rows(content)


def test_a_name_in_brackets_is_no_json(rows):
    assert rows("[a].jpg,REAL\n") == [["[a].jpg", "REAL"]]
