"""The list of test videos that Celeb-DF and Celeb-DF++ share the form of."""

import pytest

from face_extraction.errors import InputError
from face_extraction.sources import get_source
from face_extraction.sources.celebdf_list import LIST, read_tests

V2, PP = "Celeb-synthesis/id0_id1_0000.mp4", "Celeb-synthesis/FaceSwap/GHOST/id0_id1_0000.mp4"


@pytest.mark.parametrize("fake", [V2, PP])
def test_both_forms_are_read_however_they_are_spelt(tmp_path, fake):
    parts = ("Celeb-synthesis", *fake.removesuffix(".mp4").split("/")[1:])
    inner = fake.replace("/id0", "/videos/id0")
    lines = [
        f"0 {fake}",
        f"0\t{fake.replace('/', chr(92))}  ",
        f"0  {fake.replace('Celeb', 'celeb').replace('.mp4', '.MP4')}",
        "",
        f"0 {inner}",
        "1 youtube-real/Videos/00170.mp4",
        "1 ./Celeb-real/id0_0000.mp4",
    ]
    (tmp_path / LIST).write_bytes("\r\n".join(["\ufeff" + lines[0], *lines[1:]]).encode())
    others = [("YouTube-real", "00170"), ("Celeb-real", "id0_0000")]
    assert read_tests(tmp_path / LIST, fake) == [parts] * 4 + others


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"1 {V2}", "in this list 1 means real and 0 fake"),
        ("0 Celeb-real/id0_0000.mp4", "in this list 1 means real and 0 fake"),
        *(
            (line, f"accepted: 1 or 0 and a path, such as 1 YouTube-real/00170.mp4 or 0 {V2}")
            for line in (
                "label path",
                "1 x/00170.mp4",
                "1 00170.mp4",
                "1 ..mp4",
                "1 videos.mp4",
                f"0 {PP}",
                "2",
            )
        ),
    ],
)
def test_what_can_be_misread_is_refused(tmp_path, line, message):
    (tmp_path / LIST).write_text(f"1 YouTube-real/00170.mp4\n{line}\n")
    with pytest.raises(InputError) as refused:
        read_tests(tmp_path / LIST, V2)
    assert str(refused.value) == f"{tmp_path / LIST}, line 2: {line!r}; {message}"


@pytest.mark.parametrize(("name", "others"), [("celebdf", PP), ("celebdf-pp", V2)])
def test_the_list_of_the_other_set_is_refused(lay, name, others):
    with pytest.raises(InputError, match=r"line 1: .*; accepted: 1 or 0 and a path"):
        get_source(name).find(lay("Celeb-real/id0_0000.mp4", texts={LIST: f"0 {others}\n"}))


def test_the_methods_of_celebdf_pp_are_known_in_any_case(lay):
    root = lay(PP, "Celeb-real/id2_0000.mp4", texts={LIST: f"0 {PP.replace('GHOST', 'ghost')}\n"})
    assert {item.path: item.split for item in get_source("celebdf-pp").find(root).items}[PP] == "test"
