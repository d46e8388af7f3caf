"""Celeb-DF++: methods by folder; its list is the test split, and 1 means real there."""

import pytest

from face_extraction.check import compare
from face_extraction.errors import InputError
from face_extraction.sources import get_source
from face_extraction.sources.registry import LEFT_OUT, NOT_TEST

LIST = "List_of_testing_videos.txt"


def _find(root):
    return get_source("celebdf-pp").find(root)


def test_the_list_as_windows_may_leave_it(lay):
    names = ("Celeb-synthesis/FaceSwap/GHOST/id0_id1_0000.mp4", "Celeb-real/id2_0000.mp4")
    root = lay(
        *names, texts={f"{LIST.lower()}.txt": "0\tCeleb-synthesis\\FaceSwap\\GHOST\\id0_id1_0000.mp4\r\n"}
    )

    assert {item.path: item.split for item in _find(root).items} == {names[0]: "test", names[1]: NOT_TEST}


@pytest.mark.parametrize("inner", ["", "videos/"])
def test_the_list_is_the_test_split_and_its_recordings_are_left_out(lay, inner):
    root = lay(
        f"Celeb-real/{inner}id0_0000.mp4",
        f"Celeb-real/{inner}id0_0001.mp4",
        f"YouTube-real/{inner}00170.mp4",
        f"Celeb-synthesis/FaceSwap/GHOST/{inner}id0_id1_0000.mp4",
        f"Celeb-synthesis/FaceSwap/SimSwap/{inner}id0_id1_0000.mp4",
        f"Celeb-synthesis/FaceReenact/LIA/{inner}id0_id2_0001.mp4",
        f"Celeb-synthesis/TalkingFace/FLOAT/{inner}id0_0000_test_7.mp4",
        texts={LIST: "1 YouTube-real/00170.mp4\n0 Celeb-synthesis/FaceSwap/GHOST/id0_id1_0000.mp4\n"},
    )

    listing = _find(root)

    assert {(item.method, item.video): (item.label, item.split, item.group) for item in listing.items} == {
        ("", "id0_0000"): (0, LEFT_OUT, "id0"),
        ("", "id0_0001"): (0, NOT_TEST, "id0"),
        ("", "00170"): (0, "test", "YouTube-real/00170"),
        ("GHOST", "id0_id1_0000"): (1, "test", "Celeb-real/id0_0000"),
        ("SimSwap", "id0_id1_0000"): (1, LEFT_OUT, "id0"),
        ("LIA", "id0_id2_0001"): (1, NOT_TEST, "id0"),
        ("FLOAT", "id0_0000_test_7"): (1, LEFT_OUT, "id0"),
    }
    assert listing.ledger == []
    parts = {part.name: part for part in compare(listing).parts}
    assert (parts[LIST].published, parts[LIST].found) == (5_418, 2)
    assert (parts["GHOST"].published, parts["GHOST"].differs) == (None, False)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 YouTube-real/00170.mp4", "in this list 1 means real"),
        ("1 Celeb-synthesis/FaceSwap/GHOST/id0_id1_0000.mp4", "in this list 1 means real"),
        ("label path", "accepted: 1 or 0 and a path"),
        ("1 elsewhere/00170.mp4", "accepted: 1 or 0 and a path"),
    ],
)
def test_a_list_that_can_be_misread_is_refused(lay, line, message):
    with pytest.raises(InputError, match=f"line 1: .*{message}"):
        _find(lay("Celeb-real/id0_0000.mp4", texts={LIST: f"{line}\n"}))


def test_strange_methods_and_missing_clips_are_listed(lay):
    root = lay(
        "Celeb-real/id0_0000.mp4",
        "Celeb-synthesis/FaceSwap/LIA/id0_id1_0000.mp4",
        texts={LIST: "0 Celeb-synthesis/FaceSwap/GHOST/id0_id1_0000.mp4\n"},
    )

    assert [(row.path, row.reason) for row in _find(root).ledger] == [
        ("Celeb-synthesis/FaceSwap/LIA", "unlisted"),
        ("Celeb-synthesis/FaceSwap/GHOST/id0_id1_0000.mp4", "missing"),
    ]
    with pytest.raises(InputError, match="needed: Celeb-real"):
        _find(root / "Celeb-synthesis")
