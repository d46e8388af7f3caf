"""DF40: folders of crops, fakes alone."""

import pytest

from face_extraction.errors import InputError
from face_extraction.sources import get_source

LISTS = {"train.json": '[["071", "054"]]', "val.json": '[["001", "870"]]', "test.json": '[["002", "006"]]'}


def _find(root):
    return get_source("df40").find(root)


def test_official_splits_and_pairs(lay):
    root = lay(
        "simswap/ff/frames/071_054/000.png",
        "lia/ff/frames/054_071/000.png",
        "ddim/ff/870/000.png",
        "lia/ff/frames/071_002/000.png",
        texts=LISTS,
    )

    listing = _find(root)

    assert {(item.video, item.method, item.split, item.group) for item in listing.items} == {
        ("ff/071_054", "simswap", "train", "054"),
        ("ff/054_071", "lia", "train", "054"),
        ("ff/870", "ddim", "val", "001"),
    }
    assert {(item.label, item.kind) for item in listing.items} == {(1, "sequence")}
    rows = [(row.path, row.detail) for row in listing.ledger]
    assert rows == [("lia/ff/frames/071_002", "its pair is in none of the official lists")]


def test_without_lists_pairs_and_people_are_kept_together(lay):
    root = lay(
        "a/ff/071_054/0.png", "a/ff/054/0.png", "a/cdf/frames/id0_id1_0000/0.png", "a/cdf/frames/00012/0.png"
    )

    found = {(item.video, item.group, item.swapped, item.split) for item in _find(root).items}

    assert found == {
        ("ff/071_054", "054", "", None),
        ("ff/054", "054", "", None),
        ("cdf/id0_id1_0000", "id0", "id1", None),
        ("cdf/00012", "00012", "", None),
    }


def test_other_layouts_are_listed_or_refused(lay):
    root = lay("a/ff/071_054/0.png", "heygen/fake/x/0.png", "a/cdf/strange/0.png", "b/ff/0.png")

    assert [(row.path, row.reason) for row in _find(root).ledger] == [
        ("a/cdf/strange", "unlisted"),
        ("b/ff", "unlisted"),
        ("heygen", "unlisted"),
    ]
    with pytest.raises(InputError, match="needed: METHOD/ff/frames"):
        _find(root / "heygen")
