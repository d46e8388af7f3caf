"""What is there against what was published."""

import json

import pytest

from face_extraction.__main__ import main
from face_extraction.check import Part, compare
from face_extraction.ledger import LedgerRow
from face_extraction.sources import Item, Listing


def _items(**counts):
    return [
        Item(f"{part}/{index}.mp4", 0, str(index), part=part)
        for part, count in counts.items()
        for index in range(count)
    ]


def test_as_published_is_whole():
    report = compare(Listing(_items(a=2, b=1), published={"a": 2, "b": 1}))

    assert report.whole
    assert str(report).splitlines() == [
        "part   published     found",
        "a              2         2",
        "b              1         1",
        "as published",
    ]


@pytest.mark.parametrize(
    ("counts", "published", "remark"),
    [
        ({"a": 1}, {"a": 3}, "  2 missing"),
        ({"a": 3}, {"a": 2}, "  1 too many"),
        ({"a": 2}, {"a": 2, "b": 1}, "  not here"),
    ],
)
def test_too_few_too_many_and_absent_parts_differ(counts, published, remark):
    report = compare(Listing(_items(**counts), published=published))

    assert not report.whole
    assert remark in str(report)
    assert "differs: 1 of" in str(report)


def test_a_ledger_row_is_a_difference_even_where_counts_agree():
    listing = Listing(
        _items(a=1), [LedgerRow("a/x.mp4", "doubled", "0.mp4 is the same video")], published={"a": 1}
    )

    report = compare(listing)

    assert not report.whole
    assert "  a/x.mp4: 0.mp4 is the same video" in str(report)


def test_missing_names_are_shown_up_to_five():
    listing = Listing(_items(a=1), published={"a": 8}, absent={"a": [f"{number:03d}" for number in range(7)]})

    text = str(compare(listing))

    assert "missing: 000, 001, 002, 003, 004 and 2 more" in text


def test_many_ledger_rows_are_shown_in_part():
    rows = [LedgerRow(f"{number}.mp4", "unlisted", "strange") for number in range(8)]

    lines = str(compare(Listing(_items(a=1), rows))).splitlines()

    assert "unlisted (8): the file is there, but the data set's own list does not name it" in lines
    assert "  and 3 more" in lines


def test_items_that_no_split_takes_are_counted():
    items = [Item("a.mp4", 0, "a", split="left out", part="a")]

    assert compare(Listing(items, published={"a": 1})).whole


def test_without_published_counts_the_verdict_says_so():
    report = compare(Listing(_items(real=1)))

    assert report.whole
    assert report.parts == [Part("real", None, 1)]
    assert str(report).endswith("nothing missing, doubled or unexpected")


@pytest.fixture
def one_method(tmp_path):
    """FaceForensics++'s originals and one method, two of its clips missing."""
    for part, names in (
        ("original", [f"{number:03d}" for number in range(1_000)]),
        ("FaceSwap", [f"{number:03d}_{number ^ 1:03d}" for number in range(998)]),
    ):
        (tmp_path / part).mkdir()
        for name in names:
            (tmp_path / part / f"{name}.mp4").write_bytes(b"")
    return tmp_path


def test_a_user_of_one_method_learns_about_that_method(one_method, capsys):
    status = main(["check", "faceforensics", "--root", str(one_method), "--methods", "FaceSwap"])

    assert status == 1
    assert capsys.readouterr().out.splitlines() == [
        "part       published     found",
        "youtube        1,000     1,000",
        "FaceSwap       1,000       998  missing: 998, 999",
        "no train.json, val.json and test.json: split by a hash of the pairs",
        "differs: 1 of 2 parts, 0 files; the files that are there can be extracted",
    ]
    for name in ("998_999", "999_998"):
        (one_method / f"FaceSwap/{name}.mp4").write_bytes(b"")
    assert main(["check", "faceforensics", "--root", str(one_method), "--methods", "FaceSwap"]) == 0
    assert capsys.readouterr().out.endswith("as published\n")
    assert main(["check", "faceforensics", "--root", str(one_method)]) == 1
    assert "Deepfakes            1,000         0  not here" in capsys.readouterr().out


def test_json(one_method, capsys):
    status = main(["check", "faceforensics", "--root", str(one_method), "--methods", "FaceSwap", "--json"])

    report = json.loads(capsys.readouterr().out)
    assert status == 1
    assert report["whole"] is False
    assert report["parts"][1] == {
        "name": "FaceSwap",
        "published": 1_000,
        "found": 998,
        "absent": ["998", "999"],
    }


def test_nothing_is_written(one_method):
    before = sorted(one_method.rglob("*"))

    main(["check", "faceforensics", "--root", str(one_method)])

    assert sorted(one_method.rglob("*")) == before
