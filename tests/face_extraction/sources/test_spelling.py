"""Names that lists spell otherwise than the disk."""

import unicodedata

import pytest

from face_extraction.sources.spelling import Finder, alike, is_address, one_spelling


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("a.jpg", "a.jpg"),
        ("A.JPG", "a.jpg"),
        ("v\\c d.mp4", "v/c d.mp4"),
        ("V\\C D.MP4", "v/c d.mp4"),
        ("v/c%20d.mp4", "v/c d.mp4"),
        (" a.jpg ", "a.jpg"),
        ("\u200ba.jpg\u00a0", "a.jpg"),
        ("a", "a.jpg"),
        ("v/c d", "v/c d.mp4"),
        ("v", "v"),
        ("2", "002.mp4"),
        ("2.0", "002.mp4"),
        ("7/x", "007/x.png"),
        ("100%25.jpg", "100%25.jpg"),
        ("./v/../A.jpg", "v/../a.jpg"),
    ],
)
def test_the_file_that_is_meant(lay, name, there):
    root = lay("a.jpg", "v/c d.mp4", "002.mp4", "007/x.png", "100%25.jpg")

    assert Finder(root).find(name) == there


@pytest.mark.parametrize("name", ["B.jpg", "c", "d.png", "d.jpeg", "gone/a.jpg", "e", "1.mp4"])
def test_what_may_be_two_files_or_another_one_is_none(lay, name):
    root = lay("b.JPG", "b.jPG", "c.jpg", "c.mp4", "d.jpg", "e.txt", "001.mp4")

    assert Finder(root).find(name) is None


@pytest.mark.parametrize("listed", ["NFC", "NFD"])
def test_accents_may_be_written_otherwise_in_each_part(lay, listed):
    there = f"{unicodedata.normalize('NFD', 'Zoé')}/{unicodedata.normalize('NFC', 'é.jpg')}"
    root = lay(there)

    assert Finder(root).find(unicodedata.normalize(listed, "Zoé/é.jpg")) == there


def test_a_name_is_taken_as_it_stands_before_any_other(lay):
    root = lay(" a.jpg", "a.jpg", "A.jpg", "b\\c.jpg", "b/c.jpg")
    finder = Finder(root)

    for name in (" a.jpg", "a.jpg", "A.jpg", "b\\c.jpg", "b/c.jpg"):
        assert finder.find(name) == name


def test_addresses_of_files_and_of_the_web(lay, tmp_path):
    root = lay("my face.jpg")

    address = (root / "my face.jpg").as_uri()
    assert address.endswith("my%20face.jpg")
    assert Finder(root).find(address) == str(root / "my face.jpg")
    assert is_address("https://a.org/b.jpg")
    assert is_address("S3://b/c.jpg")
    assert not is_address("https.jpg")


def test_names_that_differ_in_spelling_alone_are_one():
    names = ["Jose\u0301", "Jos\u00e9", "JOS\u00c9 ", "001", "1", "1.0", "10", "a1", "a01"]

    assert one_spelling(names) == {
        **dict.fromkeys(names[:3], "JOS\u00c9"),
        **dict.fromkeys(("001", "1", "1.0"), "001"),
        "10": "10",
        "a1": "a1",
        "a01": "a01",
    }
    assert alike("000") == alike("0") == "0"
