"""FakeAVCeleb: the label is that of the picture; who is in a fake stands in its name."""

import pytest

from face_extraction.errors import InputError
from face_extraction.sources import get_source

REAL, VIDEO, BOTH, VOICE = (
    "RealVideo-RealAudio",
    "FakeVideo-RealAudio",
    "FakeVideo-FakeAudio",
    "RealVideo-FakeAudio",
)
ABOVE = "African/men/id00076"
META = "source,target1,target2,method,category,type,race,gender,path,\n"


def _find(root):
    return get_source("fakeavceleb").find(root)


def test_pictures_decide_and_cloned_voices_are_left_out(lay):
    root = lay(
        f"{REAL}/{ABOVE}/00109.mp4", f"{VOICE}/{ABOVE}/00109_fake.mp4", f"{BOTH}/{ABOVE}/00109_fake.mp4"
    )

    listing = _find(root)

    assert [(item.path.partition("/")[0], item.label) for item in listing.items] == [(REAL, 0), (BOTH, 1)]
    assert listing.counted == {VOICE: 1}
    assert "left out, real pictures with a cloned voice: 1" in listing.notes


@pytest.mark.parametrize(
    ("name", "face"),
    [
        ("00109_2_id00166_wavtolip.mp4", ""),
        ("00021_id01933_I5XXxgK7QpE_id00781_wavtolip.mp4", "id01933"),
        ("00021_id01933_I5XXxgK7QpE.mp4", "id01933"),
        ("00021_id00076_I5XXxgK7QpE.mp4", ""),
        ("00021_fake.mp4", ""),
    ],
)
def test_whose_face_was_put_in(lay, name, face):
    (item,) = _find(lay(f"{VIDEO}/{ABOVE}/{name}")).items

    assert (item.group, item.swapped) == ("id00076", face)


def test_the_list_names_the_method(lay):
    line = f"id00076,id1,-,faceswap,C,{VIDEO},African,men,a.mp4,x\n"
    root = lay(f"{VIDEO}/{ABOVE}/a.mp4", f"{BOTH}/{ABOVE}/a.mp4", texts={"meta_data.csv": META + line})

    listing = _find(root)

    assert [item.method for item in listing.items] == ["faceswap", BOTH]
    assert listing.notes == []


def test_strange_places_are_listed_and_another_layout_refused(lay):
    root = lay(f"{REAL}/{ABOVE}/a.mp4", f"{REAL}/a.mp4", f"{REAL}/x/y/z/a.mp4")
    assert [row.path for row in _find(root).ledger] == [f"{REAL}/a.mp4", f"{REAL}/x/y/z/a.mp4"]
    (root / "deep").mkdir()
    with pytest.raises(InputError, match="needed: RealVideo-RealAudio"):
        _find(root / "deep")
