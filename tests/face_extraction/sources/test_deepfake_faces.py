"""Ready-made crops and their metadata.csv."""

import pytest

from face_extraction.errors import InputError
from face_extraction.ledger import LedgerRow
from face_extraction.sources import Item, get_source

HEADER = "videoname,original_width,original_height,label,original\n"
FAKE = "a.mp4,223,221,FAKE,b.mp4\n"
REAL = "b.mp4,155,155,REAL,\n"


@pytest.fixture
def make(tmp_path):
    """make(text of metadata.csv, *file names) -> the root."""

    def tree(metadata, *names):
        (tmp_path / "faces_224").mkdir()
        for name in names:
            (tmp_path / "faces_224" / name).write_bytes(b"x")
        (tmp_path / "metadata.csv").write_text(metadata)
        return tmp_path

    return tree


def _find(root):
    return get_source("deepfake-faces").find(root)


def test_rows_become_items_grouped_by_their_original(make):
    listing = _find(make(HEADER + FAKE + REAL, "a.jpg", "b.jpg"))

    common = {"kind": "crop", "source": "deepfake-faces", "group": "b"}
    assert listing.items == [
        Item("faces_224/a.jpg", 1, method="dfdc", video="a", width=223, height=221, part="FAKE", **common),
        Item("faces_224/b.jpg", 0, method="", video="b", width=155, height=155, part="REAL", **common),
    ]
    assert listing.ledger == []


def test_what_list_and_folder_do_not_agree_on_is_listed(make):
    listing = _find(make(HEADER + FAKE + REAL, "b.jpg", "c.jpg"))

    assert [item.path for item in listing.items] == ["faces_224/b.jpg"]
    assert listing.ledger == [
        LedgerRow("faces_224/a.jpg", "missing", "named in metadata.csv, but not there"),
        LedgerRow("faces_224/c.jpg", "unlisted", "not in metadata.csv"),
    ]


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ("videoname,label\n", "missing column original_width, original_height, original; needed: videoname"),
        (HEADER + "a.mp4,1,1,1,b.mp4\n", "row 2: label '1'; accepted: REAL or FAKE"),
        (HEADER + REAL + "a.mp4,1,1,FAKE,\n", "row 3: a row needs a videoname, and a FAKE its original"),
        (HEADER + "a.mp4,wide,1,FAKE,b.mp4\n", "row 2: original_width 'wide' is not a whole number"),
        (HEADER + "a.mp4,1.5,1,FAKE,b.mp4\n", "row 2: original_width '1.5' is not a whole number"),
        (HEADER + "a.mp4,-1,1,FAKE,b.mp4\n", "row 2: original_width '-1' is not a whole number"),
        (HEADER + "a.mp4,1\n", "row 2: label ''"),
        (HEADER + REAL + REAL, "row 3: 'b' stands in an earlier row too"),
        (HEADER, "none of the files that metadata.csv names is there"),
    ],
)
def test_wrong_metadata_is_refused_by_row(make, metadata, message):
    with pytest.raises(InputError, match=message):
        _find(make(metadata, "a.jpg", "b.jpg"))


def test_capitals_of_a_label_do_not_matter(make):
    listing = _find(make(HEADER + "a.mp4,1,1,Fake,b.mp4\nb.mp4,1,1,real,\n", "a.jpg", "b.jpg"))

    assert [item.label for item in listing.items] == [1, 0]


@pytest.mark.shared
def test_the_real_data_set_is_whole(shared):
    listing = _find(shared / "data/dfdc_faces")

    assert sum(item.label for item in listing.items) == 8_000
    assert len(listing.items) == 16_000
    assert listing.ledger == []


def test_a_list_that_a_spreadsheet_saved_is_read(lay):
    rows = (HEADER + "a.mp4,223.0,221.0,FAKE,b.mp4\n" + "b.mp4,155.0,155.0,REAL\n").replace(",", ";")

    root = lay("faces_224/a.jpg", "faces_224/b.jpg", texts={"metadata.csv": f"sep=;\n{rows}"})

    items = _find(root).items
    assert [(item.label, item.group, item.width, item.height) for item in items] == [
        (1, "b", 223, 221),
        (0, "b", 155, 155),
    ]
