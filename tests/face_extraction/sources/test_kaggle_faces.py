"""Crops of Reports A, B and E: classes by name, splits by folder."""

import os

import pytest

from face_extraction.errors import InputError
from face_extraction.sources import get_source

NAMES = [
    f"{split}/{name}/{name}_0.jpg" for split in ("Train", "Validation", "Test") for name in ("Real", "Fake")
]


def _find(root):
    return get_source("kaggle-faces").find(root)


@pytest.mark.parametrize("above", ["", "Dataset/"])
def test_classes_by_name_and_splits_by_folder(lay, above):
    root = lay(*(above + name for name in NAMES))

    items = _find(root).items

    assert {(item.path.removeprefix(above), item.label, item.split) for item in items} == {
        ("Train/Real/Real_0.jpg", 0, "train"),
        ("Train/Fake/Fake_0.jpg", 1, "train"),
        ("Validation/Real/Real_0.jpg", 0, "val"),
        ("Validation/Fake/Fake_0.jpg", 1, "val"),
        ("Test/Real/Real_0.jpg", 0, "test"),
        ("Test/Fake/Fake_0.jpg", 1, "test"),
    }
    assert len({item.group for item in items}) == 6


def test_a_name_that_is_no_text_is_a_ledger_row(lay):
    root = lay(*NAMES)
    try:
        (root / "Train" / "Real" / os.fsdecode(b"\xff.jpg")).write_bytes(b"x")
    except OSError:
        pytest.skip("the file system takes names of valid UTF-8 only")

    listing = _find(root)

    assert len(listing.items) == len(NAMES)
    assert [(row.path, row.reason) for row in listing.ledger] == [(r"Train/Real/\udcff.jpg", "unreadable")]


def test_one_name_in_two_splits_is_two_groups(lay):
    root = lay("Train/Real/a.jpg", "Train/Fake/b.jpg", "Test/real/a.jpg", "Test/FAKE/b.jpg")

    listing = _find(root)

    assert [item.group for item in listing.items] == [
        "Train/Real/a",
        "Train/Fake/b",
        "Test/Real/a",
        "Test/Fake/b",
    ]
    assert listing.notes == [f"no folder Validation in {root}"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["Train/Real/a.jpg"], "Train: no folder 'Fake' in it; needed: Real and Fake"),
        (["Train/Real/a.jpg", "Train/Fakes/a.jpg"], r"no folder 'Fake' in it \(nearest: Fakes\)"),
        (["Train/0/a.jpg", "Train/1/a.jpg"], "no folder 'Real' in it"),
        (["Train/Real/a.jpg", "Train/real/a.jpg", "Train/Fake/b.jpg"], "are both 'Real'"),
        (["Train/Real/a.txt", "Train/Fake/b.txt"], "no crop in its folders"),
    ],
)
def test_classes_that_are_not_named_are_refused(lay, names, message):
    with pytest.raises(InputError, match=message):
        _find(lay(*names))


def test_a_third_class_is_listed(lay):
    listing = _find(lay("Train/Real/a.jpg", "Train/Fake/b.jpg", "Train/Unsure/c.jpg"))

    assert [(row.path, row.reason) for row in listing.ledger] == [("Train/Unsure", "unlisted")]
    assert len(listing.items) == 2


@pytest.mark.parametrize("name", ["valid", "val", "Dev", "validation"])
def test_validation_by_its_usual_names(lay, name):
    listing = _find(lay(*(path.replace("Validation", name) for path in NAMES)))

    assert sorted(item.split for item in listing.items) == ["test", "test", "train", "train", "val", "val"]
    assert (listing.notes, listing.ledger) == ([], [])


def test_a_folder_of_another_split_is_listed_and_two_of_one_are_refused(lay):
    root = lay(*NAMES, "Extra/Real/x.jpg")
    assert [(row.path, row.reason) for row in _find(root).ledger] == [("Extra", "unlisted")]
    with pytest.raises(InputError, match="folders Validation and valid are both Validation"):
        _find(lay("valid/Real/x.jpg"))
