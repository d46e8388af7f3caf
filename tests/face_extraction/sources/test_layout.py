"""Folders, lists and pairs."""

import os
import re

import pytest

from face_extraction.errors import InputError
from face_extraction.sources.layout import (
    chosen,
    files_below,
    find_videos,
    join,
    label_by_name,
    label_options,
    label_word,
    named_folder,
    no_layout,
    plain,
    read_lines,
    read_rows,
    relative_to,
    subfolders,
)


@pytest.mark.parametrize(("text", "label"), [("REAL", 0), ("Fake", 1), ("fake", 1), ("real", 0)])
def test_labels_are_told_by_name_whatever_the_capitals(text, label):
    assert label_by_name(text, "list") == label


@pytest.mark.parametrize("text", ["", "1", "0", "genuine"])
def test_an_ambiguous_label_is_refused(text):
    with pytest.raises(InputError, match=rf"list: label '{text}'; accepted: REAL or FAKE"):
        label_by_name(text, "list")


def test_joined_names_share_the_first_of_them():
    assert join([("3", "1"), ("5", "4"), ("1", "2"), ("6", "6")]) == {
        "1": "1",
        "2": "1",
        "3": "1",
        "4": "4",
        "5": "4",
        "6": "6",
    }


def test_folders_are_found_whatever_their_capitals(lay):
    root = lay("Test/a.jpg", ".test/b.jpg")

    assert named_folder(root, "test") == root / "Test"
    assert named_folder(root, "train") is None
    lay("TEST/c.jpg")
    with pytest.raises(InputError, match="folders TEST and Test are both 'test'"):
        named_folder(root, "test")


def test_clips_of_another_name_and_doubled_ones_are_listed(lay):
    root = lay("v/01.mp4", "v/01.avi", "v/1 (copy).mp4", "v/.02.mp4", "v/03.txt", "v/04.MP4")

    found, ledger = find_videos(root, root / "v", re.compile(r"(\d\d)"), "00.mp4")

    assert {path: match[1] for path, match in found.items()} == {"v/01.avi": "01", "v/04.MP4": "04"}
    assert [(row.path, row.reason, row.detail) for row in ledger] == [
        ("v/01.mp4", "doubled", "01.avi is the same video"),
        ("v/1 (copy).mp4", "unlisted", "not named like 00.mp4"),
    ]


def test_a_layout_one_folder_deeper_is_named(lay):
    root = lay("set/Train/a.jpg")

    for marker in ("Train", "train"):
        with pytest.raises(InputError, match=r"needed: Train/; .*set looks like it"):
            raise no_layout(root, "Train/", marker)
    deeper = lay("x/y/z/List.txt", "x/a.zip", "b.zip")
    with pytest.raises(InputError, match=r"needed: list; .*x/y/z looks like it"):
        raise no_layout(deeper, "list", "List.txt")
    with pytest.raises(InputError, match=r"needed: list; still packed: b\.zip$"):
        raise no_layout(deeper, "list", "gone")


def test_paths_may_lead_out_of_the_root(tmp_path):
    assert relative_to(tmp_path / "b/c.mp4", tmp_path / "a") == "../b/c.mp4"


def test_paths_out_of_a_root_that_is_a_link_lead_to_the_file(lay, tmp_path):
    real = lay("deep/down/root/a.mp4", "other/c.mp4", "blob")
    (tmp_path / "link").symlink_to(real / "deep/down/root")
    (real / "other/named.mp4").symlink_to(real / "blob")
    root = tmp_path / "link"

    relative = relative_to(real / "other/c.mp4", root)

    assert relative == "../../../other/c.mp4"
    assert (root / relative).is_file()
    assert relative_to(real / "other/named.mp4", root) == "../../../other/named.mp4"
    assert relative_to(root / "a.mp4", root) == "a.mp4"


def test_names_are_chosen_from_a_list_with_commas():
    assert chosen("methods", "", ("A", "B"), "method") == ("A", "B")
    assert chosen("methods", "b, a,B", ("A", "B"), "method") == ("B", "A")
    with pytest.raises(InputError, match=r"--methods: unknown method 'Faceswop' \(nearest: FaceSwap\)"):
        chosen("methods", "Faceswop", ("FaceSwap", "B"), "method")


def test_lists_that_are_not_what_they_should_be_are_refused(lay):
    root = lay(texts={"c.csv": "name\nx\n", "d.csv": 'name\n"x\n', "f.csv": ""})
    (root / "e.txt").write_bytes("name\nx\n".encode("utf-16"))

    with pytest.raises(InputError, match=r"c\.csv: missing column label; needed: name, label"):
        list(read_rows(root / "c.csv", ("name", "label")))
    with pytest.raises(InputError, match=r"d\.csv: not a CSV text file in UTF-8 \(unexpected end of data\)"):
        list(read_rows(root / "d.csv", ("name",)))
    with pytest.raises(InputError, match=r"f\.csv: missing column name"):
        list(read_rows(root / "f.csv", ("name",)))
    with pytest.raises(InputError, match=r"e\.txt: not a text file in UTF-8"):
        read_lines(root / "e.txt")


def test_a_list_that_a_spreadsheet_saved_is_read(lay):
    root = lay("list.csv")
    text = "sep=;\nFilename ;\tLABEL;note\na.mp4;1;x\nb.mp4;0\n"

    for encoding in ("utf-8-sig", "utf-16"):
        (root / "list.csv").write_bytes(text.encode(encoding))
        rows = list(read_rows(root / "list.csv", ("label", "filename", "note")))

        assert [row for _, row in rows] == [
            {"label": "1", "filename": "a.mp4", "note": "x"},
            {"label": "0", "filename": "b.mp4", "note": ""},
        ]
        assert [where for where, _ in rows] == [f"{root / 'list.csv'}, row {number}" for number in (3, 4)]


def test_a_word_is_one_however_its_accents_are_written():
    assert plain("Gef\u00e4lscht") == plain("gefa\u0308lscht") == "gef\u00e4lscht"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("1", "1"),
        ("1.0", "1"),
        ("1,00", "1"),
        (" 01 ", "1"),
        ("+1", "1"),
        ("-1", "-1"),
        ("-1.0", "-1"),
        ("-0", "0"),
        ("10", "10"),
        ("0.5", "0.5"),
        ("-,5", "-,5"),
        ("Bona-Fide", "bonafide"),
        ("+", "+"),
        ("-", "-"),
    ],
)
def test_labels_are_numbers_or_words(text, word):
    assert label_word(text) == word


def test_labels_of_signs_are_two():
    assert label_options(["real=-1", "fake=1"]) == {"-1": 0, "1": 1}
    assert label_options(["real=+", "fake=-"]) == {"+": 0, "-": 1}
    with pytest.raises(InputError, match=r"'1\.0' is named both real and fake"):
        label_options(["real=1", "fake=1.0"])


def test_a_folder_that_cannot_be_read_is_not_passed_over(lay, monkeypatch):
    root = lay("a/1.png", "b/2.png")
    look = os.scandir
    assert [path.name for path in files_below(root)] == ["1.png", "2.png"]

    def locked(folder):
        if os.path.basename(folder) == "a":
            raise PermissionError(13, "Permission denied", str(folder))
        return look(folder)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(PermissionError, match=r"Permission denied: '.*a'"):
        list(files_below(root))


def test_hidden_folders_and_those_without_data_are_not_visited(lay):
    kept = (
        "@eaDir/1.jpg/thumb.jpg",
        "#recycle/5.jpg",
        "$RECYCLE.BIN/6.jpg",
        "__MACOSX/7.jpg",
        "lost+found/8.jpg",
    )
    root = lay("a/1.jpg", ".Trash/2.jpg", "a/.cache/3.jpg", "b/4.jpg", *(f"a/{name}" for name in kept))

    assert [path.relative_to(root).as_posix() for path in files_below(root)] == ["a/1.jpg", "b/4.jpg"]
    assert [path.name for path in files_below(root / ".Trash")] == ["2.jpg"]
    assert subfolders(root / "a") == []
