"""What is found again after a stop."""

import dataclasses
import json
import tracemalloc

import pytest

from face_extraction.digest import FileMark
from face_extraction.errors import InputError
from face_extraction.journal import FaceRow, ItemResult, Journal, read_journal
from face_extraction.ledger import LedgerRow
from face_extraction.manifest import Box, FaceSample

HEADER = {"root": "/raw", "min_face": 60}
CROP, FILE = FileMark((9, 1, 2), "ab"), FileMark((10, 3, 4), "cd")
ONE = ItemResult(
    "real/ü 1.mp4", [FaceRow("faces/a.png", 15, 0.5, Box(1, 4, 3, 2), 176, 176, file=CROP)], [], FILE
)
TWO = ItemResult("fake/b.jpg", [], [LedgerRow("fake/b.jpg", "no_face", "hog found none")])


def _start(folder, header=HEADER):
    journal = Journal(folder)
    try:
        return journal.start(header)
    finally:
        journal.close()


@pytest.fixture
def folder(tmp_path):
    """A folder whose journal holds two finished items."""
    journal = Journal(tmp_path)
    assert journal.start(HEADER) == {}
    journal.add(ONE)
    journal.add(TWO)
    journal.close()
    return tmp_path


def test_finished_items_are_found_again(folder):
    assert _start(folder) == {ONE.path: ONE, TWO.path: TWO}


def test_a_line_is_on_disk_as_soon_as_it_is_added(tmp_path):
    journal = Journal(tmp_path)
    journal.start(HEADER)
    journal.add(ONE)

    assert _start(tmp_path) == {ONE.path: ONE}
    journal.close()


def test_a_full_disk_names_the_journal(tmp_path, full_disk):
    journal = Journal(tmp_path)
    journal.start(HEADER)
    for act in (lambda: journal.add(ONE), journal.close):  # closing tries to write again
        with full_disk(30), pytest.raises(OSError, match="File too large") as failure:
            act()
        assert failure.value.filename == str(tmp_path / "journal.jsonl")


@pytest.mark.parametrize("lost", [1, 30])
def test_a_torn_last_line_is_ignored_and_cut_off(folder, lost):
    path = folder / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-lost])

    assert _start(folder) == {ONE.path: ONE}

    journal = Journal(folder)
    journal.start(HEADER)
    journal.add(TWO)
    journal.close()
    assert _start(folder) == {ONE.path: ONE, TWO.path: TWO}


def test_an_item_done_again_counts_as_it_was_last(folder):
    journal = Journal(folder)
    journal.start(HEADER)
    journal.add(ItemResult(ONE.path, [], []))
    journal.close()

    assert _start(folder)[ONE.path] == ItemResult(ONE.path, [], [])


def test_another_extraction_is_refused(folder):
    with pytest.raises(InputError, match=r"journal\.jsonl: made with min_face 60, now 80; .*--overwrite"):
        _start(folder, {**HEADER, "min_face": 80})


def test_the_root_alone_may_differ_and_the_first_one_is_told(folder):
    journal = Journal(folder)
    assert journal.start({**HEADER, "root": "/other"}) == {ONE.path: ONE, TWO.path: TWO}
    assert journal.root == "/raw"
    journal.close()


@pytest.mark.parametrize("content", ["", "no journal\n", "[1]\n"])
def test_what_is_no_journal_is_refused(tmp_path, content):
    (tmp_path / "journal.jsonl").write_text(content)

    with pytest.raises(InputError, match="not a journal of an extraction"):
        _start(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "{}",
        '{"path": "a", "faces": [{}], "ledger": [], "file": null}',
        '{"path": 1, "faces": [], "ledger": [], "file": null}',
        '{"path": "a", "faces": [{"path": "faces/a.png", "frame": "1"}], "ledger": []}',
        '{"path": "a", "faces": [], "ledger": [], "file": {"stat": [1, 2], "digest": ""}}',
        "[" * 100_000,
        "3",
    ],
)
def test_a_damaged_line_in_the_middle_is_named(folder, line):
    path = folder / "journal.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], line, lines[2]]) + "\n")

    with pytest.raises(InputError, match="line 2: damaged"):
        _start(folder)


def test_a_long_journal_is_not_held_as_a_whole(folder):
    path = folder / "journal.jsonl"
    with path.open("ab") as handle:
        handle.writelines([path.read_bytes().splitlines(keepends=True)[1]] * 5_000)

    tracemalloc.start()
    try:
        assert _start(folder) == {ONE.path: ONE, TWO.path: TWO}
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert most < path.stat().st_size / 2


@pytest.mark.parametrize("crop", ["../x.png", "/etc/passwd", "faces/../../x.png", "faces\\x.png", ""])
def test_a_crop_outside_the_folder_is_refused(folder, crop):
    path = folder / "journal.jsonl"
    lines = path.read_text().splitlines()
    values = json.loads(lines[1])
    values["faces"][0]["path"] = crop
    path.write_text("\n".join([lines[0], json.dumps(values), lines[2]]) + "\n")

    with pytest.raises(InputError, match=r"line 2: path .*accepted: relative"):
        _start(folder)


def test_a_journal_of_an_earlier_version_is_refused(tmp_path):
    (tmp_path / "journal.jsonl").write_text('{"root": "/raw", "min_face": 60}\n{"size": 1, "path": "a"}\n')

    with pytest.raises(InputError, match=r"made with journal None, now 2; .*--overwrite"):
        _start(tmp_path)
    with pytest.raises(InputError, match="another version"):
        read_journal(tmp_path)


def test_what_is_not_known_of_a_crop_is_what_a_manifest_says_of_such_a_face():
    row, sample = FaceRow("a.png"), FaceSample("a.png", 0, "train", "a")
    for field in dataclasses.fields(FaceRow):
        if field.name != "file":
            assert getattr(row, field.name) == getattr(sample, field.name), field.name
