"""Other people's lists: columns by name or content, labels that cannot be misread."""

import unicodedata

import pytest

from face_extraction.__main__ import main
from face_extraction.errors import InputError
from face_extraction.images import write_image
from face_extraction.manifest import read_manifest
from face_extraction.sources import get_source

FILES = ("a.jpg", "b.jpg", "v/c.mp4")


@pytest.fixture
def find(lay):
    """find(text, *files, **options) -> Listing of a list with that text."""

    def find_here(text, *files, encoding="utf-8", **options):
        root = lay(*(files or FILES))
        (root / "list.csv").write_bytes(text.encode(encoding))
        return get_source("list").find(root, **options)

    return find_here


def _rows(listing):
    return [(item.path, item.label, item.split, item.group) for item in listing.items]


@pytest.mark.parametrize(
    "text",
    [
        "path,label,split,group\na.jpg,REAL,train,g\nb.jpg,Fake,validation,h\nv/c.mp4,original,test,g\n",
        "filename;label_name;set;person\na.jpg;real;train;g\nb.jpg;deep-fake;dev;h\nv/c.mp4;genuine;TEST;g\n",
        "sep=|\npath|label|split|group\na.jpg|REAL|train|g\nb.jpg|FAKE|val|h\nv/c.mp4|real|test|g\n",
        "path|label|split|group\ra.jpg|REAL|train|g\rb.jpg|FAKE|val|h\rv/c.mp4|real|test|g\r",
        "File\tClass\tSubset\tIdentity\na.jpg\tReal\ttrain\tg\nb.jpg\tFAKE\tvalid\th\nv\\c.mp4\tReal\ttest\tg\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_columns_separators_and_words(find, text, encoding):
    assert _rows(find(text, encoding=encoding)) == [
        ("a.jpg", 0, "train", "g"),
        ("b.jpg", 1, "val", "h"),
        ("v/c.mp4", 0, "test", "g"),
    ]


@pytest.mark.parametrize("text", ["a.jpg,REAL\nb.jpg,FAKE\n", "REAL;a.jpg\nFAKE;b.jpg\n"])
def test_the_first_row_of_a_list_without_a_header_counts(find, text):
    assert [(path, label) for path, label, *_ in _rows(find(text))] == [("a.jpg", 0), ("b.jpg", 1)]


def test_columns_may_be_named_or_numbered(find):
    text = "a.jpg,b.jpg,REAL,1\nb.jpg,a.jpg,FAKE,2\n"
    named = "x,y,z,u\n" + text

    with pytest.raises(InputError, match="no header, and 2 columns of files; --path-column"):
        find(text)
    options = {"path_column": "1", "label_column": "3", "group_column": "4"}
    expected = [("a.jpg", 0, None, "1"), ("b.jpg", 1, None, "2")]
    assert _rows(find(text, **options)) == expected
    assert _rows(find(named, path_column="x", label_column="z", group_column="u")) == expected
    with pytest.raises(InputError, match="--path-column: unknown column 'xx'"):
        find(named, path_column="xx", label_column="z")
    with pytest.raises(InputError, match="--path-column x: the list has no header"):
        find(text, path_column="x", label_column="3")


@pytest.mark.parametrize("number", ["0", "1", "-1", "1.0", "2"])
def test_numbers_are_not_guessed(find, number):
    with pytest.raises(
        InputError, match="numbers mean different things in different lists; say which: --label"
    ):
        find(f"path,label\na.jpg,{number}\n")


@pytest.mark.parametrize(("real", "labels"), [("0", [0, 1]), ("1", [1, 0])])
@pytest.mark.parametrize("end", ["", ".0"])
def test_numbers_that_are_named(find, real, labels, end):
    fake = {"0": "1", "1": "0"}[real]

    listing = find(f"path,label\na.jpg,0{end}\nb.jpg,1{end}\n", label=[f"real={real}", f"fake={fake}"])

    assert [item.label for item in listing.items] == labels
    with pytest.raises(InputError, match="label '-1': numbers"):
        find("path,label\na.jpg,-1\n", label=["real=0", "fake=1"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the list is empty"),
        ("path,label\na.jpg\n", "row 2: 1 values, but 2 in the first row"),
        ("path,label,split\na.jpg,REAL,test\nb.jpg,FAKE\n", "row 3: 2 values, but 3 in the first row"),
        ("path,label\na,1.jpg,REAL\n", "row 2: 3 values, but 2 in the first row"),
        ("path,label\na.jpg,spoof\n", "row 2: label 'spoof'; accepted: REAL, FAKE"),
        ("path,label\n,REAL\n", "row 2: the path is empty"),
        ("path,label,split\na.jpg,REAL,trian\n", r"row 2: unknown split 'trian' \(nearest: train\)"),
        ("path,file,label\na.jpg,a.jpg,REAL\n", "path and file may both be the path; .*--path-column"),
        ("path,kind\na.jpg,REAL\n", "no column is the label; --label-column names it; there: path, kind"),
        ("path,label\na.jpg,REAL\na.jpg,FAKE\n", "row 3: a.jpg stands in .* too, with another label"),
        ("path,label,set\na.jpg,REAL,val\nA.jpg,REAL,test\n", "row 3: A.jpg stands in .* with another split"),
        ("path,label,group\na.jpg,REAL,x\n./a.jpg,REAL,y\n", "row 3: ./a.jpg stands in .* another group"),
        ("path,label\nz.jpg,REAL\n", r"none of the files that it names is there.*\(z.jpg: named in"),
        ('path,label\n"a.jpg,REAL\n', "not a CSV text file"),
        ("a.jpg REAL\n", "one column: 'a.jpg REAL'; accepted: columns divided by commas, semicolons, tabs"),
        ("Datei;Klasse\na.jpg;REAL\n", "no header, and 0 columns of files; --path-column .*: Datei, Klasse"),
        ("p\0a\0t\0h\0", "not a CSV text file in UTF-8 .zero bytes"),
        ("PK\3\4 xl/workbook.xml", "a spreadsheet, or another archive; open it in a spreadsheet program"),
        ("path,label\nC:\\x\\a.jpg,REAL\n", r"\(C:\\x\\a.jpg: named.*raw/a.jpg is there: cut the beginning"),
        ("path,label\n/v/c.mp4,REAL\n", r"\(/v/c.mp4: named.*raw/v/c.mp4 is there: cut the beginning"),
        ("path,label\nraw/a.jpg,REAL\n", r"\(raw/a.jpg: named.*it lies in .*: give --root"),
        ("sep=;\npath;label\na.jpg;spoof\n", "row 3: label 'spoof'"),
    ],
)
def test_a_wrong_list_is_refused(find, text, message):
    with pytest.raises(InputError, match=message):
        find(text)


@pytest.mark.parametrize(("listed", "there"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_letters_with_accents_may_be_written_in_one_part_or_in_two(find, listed, there):
    files = [unicodedata.normalize(there, name) for name in ("Zoé.jpg", "Jürgen.jpg")]
    text = unicodedata.normalize(listed, "path,label\nZoé.jpg,REAL\nJürgen.jpg,FAKE\n")

    assert [path for path, *_ in _rows(find(text, *files))] == files


def test_a_list_that_a_german_excel_saved(find):
    text = "path;label;original\nJürgen.JPG;0,0;\nA;1,0;Jürgen.jpg\n"

    listing = find(text, "Jürgen.jpg", "a.mp4", encoding="cp1252", label=["real=0", "fake=1"])

    assert _rows(listing) == [("Jürgen.jpg", 0, None, "Jürgen"), ("a.mp4", 1, None, "Jürgen")]
    assert [item.kind for item in listing.items] == ["photo", "video"]
    assert listing.notes[1:] == [
        "not UTF-8, so read as Windows-1252: look whether names with accents are right",
        "paths spelled otherwise than the files: 2, such as Jürgen.JPG: Jürgen.jpg",
    ]


def test_the_last_column_may_be_left_out_where_it_is_empty(find):
    text = "path,label,split,original\na.jpg,REAL,train\nb.jpg,FAKE,train,a.jpg\n"

    assert _rows(find(text)) == [("a.jpg", 0, "train", "a"), ("b.jpg", 1, "train", "a")]


@pytest.mark.parametrize(
    ("column", "true", "false"),
    [("is_fake", "1", "0"), ("IsFake", "True", "FALSE"), ("is fake", "1.0", "0.0"), ("Fake", "yes", "no")],
)
def test_a_column_whose_name_tells_what_its_values_mean(find, column, true, false):
    text = f"path,{column}\na.jpg,{false}\nb.jpg,{true}\n"

    assert [item.label for item in find(text).items] == [0, 1]
    inverse = text.replace("fake", "real").replace("Fake", "Real")
    assert [item.label for item in find(inverse).items] == [1, 0]
    named = [item.label for item in find(text, label=[f"real={true}", f"fake={false}"]).items]
    assert named == [1, 0]


@pytest.mark.parametrize(
    ("real", "fake"), [("-1", "1"), ("1", "-1"), ("+", "-"), ("echt", "gefa\u0308lscht"), ("0", "1")]
)
def test_named_labels_of_signs_numbers_and_accents(find, real, fake):
    named = unicodedata.normalize("NFC", fake)

    listing = find(f"path,label\na.jpg,{real}\nb.jpg,{fake}\n", label=[f"real={real}", f"fake={named}"])

    assert [item.label for item in listing.items] == [0, 1]


@pytest.mark.parametrize("nothing", ["", "nan", "NaN", "None", "NULL", "n/a", "<NA>"])
@pytest.mark.parametrize("original", ["v/c.mp4", "v\\c.mp4", "C.MP4", "c", "C"])
def test_a_fake_is_in_its_originals_group_however_that_is_spelled(find, nothing, original):
    rows = (f"a.jpg,FAKE,{original},{nothing}", f"b.jpg,REAL,{nothing},", f"v/c.mp4,REAL,{nothing},")

    listing = find("\n".join(("path,label,original,split", *rows)))

    fake, other, real = (item.group for item in listing.items)
    assert fake == real != other == "b"
    assert {item.split for item in listing.items} == {None}


@pytest.mark.parametrize("original", ["1", "1.0", "001", "001.mp4"])
def test_numbers_that_lost_their_zeros_are_the_same_group_and_file(find, original):
    text = f"video,label,original\nf.mp4,FAKE,{original}\n1,REAL,\n"

    listing = find(text, "f.mp4", "001.mp4")

    assert [(item.path, item.group) for item in listing.items] == [("f.mp4", "001"), ("001.mp4", "001")]


def test_lists_of_videos_name_their_crops_and_folders_of_frames(find):
    text = "videoname,label\nx.mp4,REAL\ny.mp4,FAKE\n"

    assert [path for path, *_ in _rows(find(text, "x.jpg", "y.png", "x.txt", crops=True))] == [
        "x.jpg",
        "y.png",
    ]
    folders = find(text, "x/1.png", "y/1.png", frame_folders=True)
    assert [(item.path, item.kind) for item in folders.items] == [("x", "frames"), ("y", "frames")]


def test_a_text_that_is_too_long_for_a_path_is_missing(find):
    (row,) = find(f"path,label\na.jpg,REAL\n{'x' * 5_000}.jpg,FAKE\n").ledger

    assert row.reason == "missing"


def test_a_column_that_stands_twice_is_not_chosen_by_name(find):
    text = "path,label,label\na.jpg,REAL,FAKE\n"

    with pytest.raises(InputError, match="--label-column label: stands twice in the header; give its number"):
        find(text, label_column="label")
    assert [item.label for item in find(text, label_column="3").items] == [1]


def test_a_column_for_each_class_is_not_guessed(find):
    with pytest.raises(
        InputError, match="real and fake may both be the label; choose one with --label-column"
    ):
        find("path,real,fake\na.jpg,1,0\n")
    assert [item.label for item in find("path,real,fake\na.jpg,1,0\n", label_column="fake").items] == [0]


def test_a_web_address_is_told_whole(find):
    (row,) = find("path,label\na.jpg,REAL\nhttps://x.org/b.jpg,FAKE\n").ledger

    assert (row.path, row.reason) == ("https://x.org/b.jpg", "missing")
    assert row.detail == "a web address; download the file, and write its path"


def test_the_list_is_found_beside_a_readme_and_hidden_files(lay):
    root = lay("a.jpg", "._list.csv", "README.txt", texts={"list.csv": "path,label\na.jpg,REAL\n"})

    assert [item.path for item in get_source("list").find(root).items] == ["a.jpg"]
    (root / "list.csv").rename(root / "list.xlsx")
    (root / "README.txt").unlink()
    with pytest.raises(InputError, match=r"needed: --csv FILE, or one list in it; there: list\.xlsx"):
        get_source("list").find(root)


def test_what_cannot_be_taken_is_listed(find):
    text = "path,label\na.jpg,REAL\na.jpg,REAL\ngone.jpg,FAKE\nv,FAKE\nlist.csv,REAL\n"

    assert [(row.path, row.reason) for row in find(text).ledger] == [
        ("a.jpg", "doubled"),
        ("gone.jpg", "missing"),
        ("v", "unreadable"),
        ("list.csv", "unreadable"),
    ]


def test_an_original_is_the_group_of_its_fakes(find):
    text = "videoname,label,original\na.jpg,FAKE,v/c.mp4\nb.jpg,FAKE,c.mp4\nv/c.mp4,REAL,\n"

    assert {item.group for item in find(text).items} == {"c"}


def test_without_groups_files_of_one_name_are_apart_and_it_is_said(find):
    listing = find("path,label\n1/a.jpg,REAL\n2/a.jpg,FAKE\n", "1/a.jpg", "2/a.jpg")

    assert {item.group for item in listing.items} == {"1/a", "2/a"}
    assert listing.notes[-1].startswith("no column of groups")


def test_absolute_paths_and_another_root(find, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/x.jpg").write_text("x")

    listing = find(f"path,label\n{tmp_path / 'elsewhere/x.jpg'},REAL\n{tmp_path / 'raw/a.jpg'},FAKE\n")

    assert [item.path for item in listing.items] == ["../elsewhere/x.jpg", "a.jpg"]


def test_one_class_needs_no_labels(find):
    assert [item.label for item in find("path\na.jpg\nb.jpg\n", real_only=True).items] == [0, 0]
    assert [item.label for item in find("a.jpg\nb.jpg\n", fake_only=True).items] == [1, 1]
    both = "path,label\na.jpg,REAL\nb.jpg,FAKE\n"
    assert [item.path for item in find(both, fake_only=True).items] == ["b.jpg"]


def test_crops_and_folders_of_frames(find):
    crops = find("path,label\na.jpg,REAL\nv/c.mp4,FAKE\n", crops=True)
    assert [(item.kind, item.video) for item in crops.items] == [("crop", "")]
    assert [(row.path, row.reason) for row in crops.ledger] == [("v/c.mp4", "unreadable")]
    text, files = "path,label\nv1,REAL\nv2,FAKE\nv3,FAKE\n", ("v1/1.png", "v2/1.png")
    for kind, options in (("frames", {}), ("sequence", {"crops": True})):
        listing = find(text, *files, frame_folders=True, **options)
        found = [(item.path, item.kind, item.video) for item in listing.items]
        assert found == [("v1", kind, "v1"), ("v2", kind, "v2")]
        assert [(row.path, row.reason) for row in listing.ledger] == [("v3", "missing")]


def test_the_command(tmp_path, draw_faces, capsys):
    for name in ("a", "b"):
        write_image(tmp_path / f"raw/{name}.png", draw_faces((160, 120, 110)))
    (tmp_path / "raw/mine.csv").write_text("image,target,split\na.png,0,train\nb.png,1,test\n")
    command = ["list", "--csv", str(tmp_path / "raw/mine.csv"), "--crops", "--workers", "1"]
    named = ["--label", "real=0", "--label", "fake=1"]

    assert main([*command, "--out", str(tmp_path / "out")]) == 2
    assert "say which: --label real=0" in capsys.readouterr().err
    assert main([*command, *named, "--out", str(tmp_path / "out")]) == 0
    samples = read_manifest(tmp_path / "out/manifest.csv")
    found = [(sample.label, sample.split, sample.source) for sample in samples]
    assert found == [(0, "train", "mine"), (1, "test", "mine")]
    assert main(["list", "--out", str(tmp_path / "x")]) == 2
    assert "--root is missing; needed: --root, or --csv" in capsys.readouterr().err
    assert main([*command, *named, "--real-only", "--out", str(tmp_path / "real")]) == 0
    assert "note: real faces only" in capsys.readouterr().out
