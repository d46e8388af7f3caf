"""FFIW10K: classes by folder, in its releases and with a folder videos."""

import pytest

from face_extraction.errors import InputError
from face_extraction.sources import get_source


def _find(root):
    return get_source("ffiw").find(root)


@pytest.mark.parametrize("above", ["", "FFIW10K-v1-release/"])
@pytest.mark.parametrize("inner", ["", "videos/"])
def test_classes_splits_and_groups(lay, above, inner):
    root = lay(
        f"{above}source/val/{inner}val_1.mp4",
        f"{above}target/val/{inner}val_1.mp4",
        f"{above}target/train/{inner}val_1.mp4",
        f"{above}target_mask/val/{inner}val_1.mp4",
    )

    items = _find(root).items

    assert [(item.label, item.split, item.group) for item in items] == [
        (0, "val", "val/val_1"),
        (1, "train", "train/val_1"),
        (1, "val", "val/val_1"),
    ]


def test_the_test_release_beside_the_other(lay):
    root = lay("FFIW10K-v1-release/source/train/a.mp4", "FFIW10K-v1-release-test/source/test/b.mp4")

    assert [item.split for item in _find(root).items] == ["train", "test"]


def test_another_layout_is_refused(lay):
    with pytest.raises(InputError, match="needed: source/ and target/"):
        _find(lay("real/a.mp4"))
    with pytest.raises(InputError, match="no video in its folders"):
        _find(lay("source/train/a.txt"))


def test_a_video_in_two_releases_is_taken_once(lay):
    names = ("source/train/a.mp4", "FFIW10K/source/train/a.mp4", "FFIW10K/source/test/a.mp4")

    listing = get_source("ffiw").find(lay(*names))

    assert [item.path for item in listing.items] == [names[0], names[2]]
    assert [(row.path, row.reason) for row in listing.ledger] == [(names[1], "doubled")]
