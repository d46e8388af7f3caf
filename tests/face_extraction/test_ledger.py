"""The list of what gave no face."""

import pickle

import pytest

from face_extraction.errors import InputError
from face_extraction.images import Unreadable
from face_extraction.ledger import ItemFailed, LedgerRow, read_ledger, write_ledger


def test_rows_come_back_in_order(tmp_path):
    rows = [
        LedgerRow("real/b, c.jpg", "no_face", 'the "hog" found none'),
        LedgerRow("fake/ü.mp4", "truncated", "read 3 of 9 frames"),
    ]

    write_ledger(tmp_path / "ledger.csv", rows)

    assert read_ledger(tmp_path / "ledger.csv") == rows


def test_an_empty_ledger_is_a_header(tmp_path):
    write_ledger(tmp_path / "ledger.csv", [])

    assert (tmp_path / "ledger.csv").read_text() == "path,reason,detail\n"
    assert read_ledger(tmp_path / "ledger.csv") == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,why\n", "columns must be path, reason, detail"),
        ("path,reason,detail\na,no_fase,x\n", r"row 2: unknown reason 'no_fase' \(nearest: no_face\)"),
        ("path,reason,detail\na,no_face\n", "row 2: 2 values for 3 columns"),
        ("", "columns must be path, reason, detail"),
        (b"path,reason,detail\n\xff,no_face,x\n", r"ledger\.csv: not a CSV file"),
        ("path,reason,detail\n" + "a" * 200_000, r"ledger\.csv: not a CSV file"),
    ],
)
def test_what_is_no_ledger_is_refused(tmp_path, content, message):
    (tmp_path / "ledger.csv").write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(InputError, match=message):
        read_ledger(tmp_path / "ledger.csv")


def test_a_missing_ledger_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such ledger"):
        read_ledger(tmp_path / "ledger.csv")


@pytest.mark.parametrize("error", [ItemFailed("no_face", "none"), Unreadable("a.jpg", "empty")])
def test_failures_survive_the_way_between_processes(error):
    copy = pickle.loads(pickle.dumps(error))

    assert (type(copy), copy.reason, copy.detail, str(copy)) == (
        type(error),
        error.reason,
        error.detail,
        str(error),
    )


def test_a_name_that_is_no_text_is_escaped(tmp_path):
    write_ledger(tmp_path / "ledger.csv", [LedgerRow("real/caf\udce9.mp4", "unlisted", "not ü\udcff")])

    assert (tmp_path / "ledger.csv").read_bytes().decode().splitlines()[1] == (
        r"real/caf\udce9.mp4,unlisted,not ü\udcff"
    )
