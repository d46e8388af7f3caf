"""WildDeepfake: archives that are never unpacked."""

import pytest

from face_extraction.check import compare
from face_extraction.errors import InputError
from face_extraction.sources import get_source
from face_extraction.sources.registry import NOT_TEST


def _find(root, **options):
    return get_source("wilddeepfake").find(root, **options)


def test_archives_are_clips_in_folders_with_a_space_or_an_underscore(lay):
    root = lay("real train/0.tar.gz", "fake_train/0.tar", "fake_test/10.tgz", "fake_test/notes.txt")

    listing = _find(root)

    assert [(item.path, item.label, item.split, item.video) for item in listing.items] == [
        ("real train/0.tar.gz", 0, NOT_TEST, "real_train/0"),
        ("fake_train/0.tar", 1, NOT_TEST, "fake_train/0"),
        ("fake_test/10.tgz", 1, "test", "fake_test/10"),
    ]
    assert listing.notes == [f"no folder real_test in {root}"]
    report = compare(listing)
    assert not report.whole
    assert [part.name for part in report.parts if part.differs] == ["real_test"]


def test_an_archive_that_is_there_twice_is_listed(lay):
    listing = _find(lay("real_train/0.tar", "real_train/0.tar.gz"))

    assert [item.path for item in listing.items] == ["real_train/0.tar"]
    assert [(row.path, row.reason) for row in listing.ledger] == [("real_train/0.tar.gz", "doubled")]


def test_how_many_crops_are_taken(lay):
    root = lay("real_train/0.tar")

    assert [item.take for item in _find(root).items] == [0]
    assert [item.take for item in _find(root, crops_per_archive="20").items] == [20]
    for wrong in ("0", "-1", "many"):
        with pytest.raises(InputError, match="a whole number, 1 or more"):
            _find(root, crops_per_archive=wrong)
    with pytest.raises(InputError, match="no archive in its folders"):
        _find(lay("../other/real_train/a.txt").parent / "other")
