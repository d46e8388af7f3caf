"""Any tree of real/ and fake/."""

import os

import pytest

from face_extraction.errors import InputError
from face_extraction.sources import get_source


@pytest.fixture
def make(tmp_path):
    """make("real/a.jpg", ...) -> the root that holds these files; their content is never looked at."""

    def tree(*names):
        for name in names:
            path = tmp_path / "My Set" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        return tmp_path / "My Set"

    return tree


def _find(root, **options):
    return get_source("folders").find(root, **options)


def test_photos_and_clips_are_listed_in_order(make):
    root = make("real/b.JPG", "real/a.mp4", "fake/c.png")

    items = _find(root).items

    assert [(item.path, item.label, item.kind, item.video) for item in items] == [
        ("real/a.mp4", 0, "video", "real/a.mp4"),
        ("real/b.JPG", 0, "photo", ""),
        ("fake/c.png", 1, "photo", ""),
    ]
    assert {(item.source, item.method, item.split) for item in items} == {("My Set", "", None)}


def test_unknown_alone_is_to_be_scored(make):
    root = make("Unknown/b.jpg", "Unknown/x/a.mp4")

    items = _find(root).items

    assert [(item.path, item.label, item.split, item.group) for item in items] == [
        ("Unknown/b.jpg", -1, "test", "b"),
        ("Unknown/x/a.mp4", -1, "test", "x"),
    ]
    assert {item.label for item in _find(make("real/c.jpg", "fake/d.jpg")).items} == {0, 1}


@pytest.mark.parametrize(("real", "fake"), [("Real", "FAKE"), ("REAL", "Fake")])
def test_capitals_of_the_class_folders_do_not_matter(make, real, fake):
    items = _find(make(f"{real}/a.jpg", f"{fake}/b.jpg")).items

    assert [(item.path, item.label) for item in items] == [(f"{real}/a.jpg", 0), (f"{fake}/b.jpg", 1)]


def test_groups_are_subfolders_or_else_file_names(make):
    root = make("real/john/1.jpg", "real/john/day 2/3.jpg", "real/x.jpg", "fake/x.mp4", "fake/john/7.mp4")

    groups = {item.path: item.group for item in _find(root).items}

    assert groups == {
        "real/john/1.jpg": "john",
        "real/john/day 2/3.jpg": "john",
        "real/x.jpg": "x",
        "fake/x.mp4": "x",
        "fake/john/7.mp4": "john",
    }


@pytest.mark.parametrize(
    "pattern", [r"/(\d{3})", r"(?P<group>\d{3})(_\d{3})?\.mp4$", r"(fake|real)/.*?(?P<group>\d{3})"]
)
def test_the_pattern_finds_the_group(make, pattern):
    root = make("real/004.mp4", "fake/004_982.mp4")

    groups = [item.group for item in _find(root, group_pattern=pattern).items]

    assert groups == ["004", "004"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"id(\d+)", r"--group-pattern 'id\(\\d\+\)' finds no group in 'real/x\.jpg'"),
        (r"(\d+", "not a regular expression"),
        (r"\d+", r"no group in it; needed: \(\.\.\.\)"),
        (r"id3(y)?", r"finds no group in 'real/id3\.jpg'"),
    ],
)
def test_a_pattern_that_does_not_do_is_refused(make, pattern, message):
    root = make("real/id3.jpg", "real/x.jpg", "fake/id4.jpg")

    with pytest.raises(InputError, match=message):
        _find(root, group_pattern=pattern)


def test_other_files_are_counted_not_failed(make):
    listing = _find(make("real/a.jpg", "real/Thumbs.db", "real/._a.jpg", "fake/b.jpg", "fake/notes.txt"))

    assert [item.path for item in listing.items] == ["real/a.jpg", "fake/b.jpg"]
    assert listing.notes == ["left out, neither photo nor video: 3 (.jpg 1, .db 1, .txt 1)"]
    assert not listing.ledger


def test_photos_of_phones_and_the_web_are_listed(make):
    names = ["real/a.heic", "real/b.HEIF", "real/c.avif", "real/d.gif", "fake/e.apng", "fake/f.hif"]

    listing = _find(make(*names))

    assert sorted(item.path for item in listing.items) == sorted(names)
    assert {item.kind for item in listing.items} == {"photo"}
    assert not listing.notes


def test_photos_of_kinds_that_are_not_read_are_in_the_ledger(make):
    listing = _find(make("real/a.jpg", "real/b.DNG", "real/.c.dng", "fake/b.jpg", "fake/c.jxl", "fake/d.txt"))

    assert [(row.path, row.reason, row.detail) for row in listing.ledger] == [
        ("real/b.DNG", "unreadable", ".dng is not read"),
        ("fake/c.jxl", "unreadable", ".jxl is not read"),
    ]
    assert listing.notes == ["left out, neither photo nor video: 4 (.dng 2, .jxl 1, .txt 1)"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["real/a.jpg"], "no folder 'fake' in it; needed: real and fake, or unknown"),
        (["real/a.jpg", "Fakke/b.jpg"], r"no folder 'fake' in it \(nearest: Fakke\)"),
        (["real/a.jpg", "fake/b.txt"], "fake: neither photos nor videos in it"),
        (["real/a.jpg", "Real/a.jpg", "fake/b.jpg"], "folders Real and real are both 'real'"),
    ],
)
def test_another_layout_is_refused(make, names, message):
    with pytest.raises(InputError, match=message):
        _find(make(*names))


def test_links_to_folders_are_followed_once(make):
    root = make("real/a.jpg", "fake/b.jpg", "else/c.jpg")
    (root / "real/more").symlink_to(root / "else")
    (root / "fake/loop").symlink_to(root / "fake")

    assert [item.path for item in _find(root).items] == ["real/a.jpg", "real/more/c.jpg", "fake/b.jpg"]


def test_a_name_that_is_no_text_is_a_ledger_row(make):
    root = make("real/a.jpg", "fake/b.jpg")
    try:
        (root / "real" / os.fsdecode(b"\xff.jpg")).write_bytes(b"x")
    except OSError:
        pytest.skip("the file system takes names of valid UTF-8 only")

    listing = _find(root)

    assert [item.path for item in listing.items] == ["real/a.jpg", "fake/b.jpg"]
    assert [(row.path, row.reason) for row in listing.ledger] == [(r"real/\udcff.jpg", "unreadable")]


@pytest.mark.parametrize("options", [{}, {"group_pattern": "/([^/]+)/"}])
def test_two_spellings_of_a_name_are_one_group(make, options):
    composed, decomposed = "Jos\u00e9", "Jose\u0301"
    root = make(f"real/{composed}/1.jpg", f"fake/{decomposed}/2.jpg")

    listing = _find(root, **options)

    assert [item.group for item in listing.items] == [composed, composed]


def test_a_name_of_its_own_tells_a_data_set_from_others_in_folders_of_one_name(make):
    root = make("real/000.mp4", "fake/1.jpg")

    assert {item.source for item in _find(root, source="street").items} == {"street"}


def test_folders_of_other_names(make):
    listing = _find(make("Original/a.jpg", "DeepFake/b.jpg"))

    assert {(item.path, item.label) for item in listing.items} == {
        ("Original/a.jpg", 0),
        ("DeepFake/b.jpg", 1),
    }
    assert listing.notes == ["Original/ is read as real", "DeepFake/ is read as fake"]
    assert listing.ledger == []


def test_labels_name_folders(make):
    root = make("people/a.jpg", "DF/b.jpg", "FS/c.jpg", "real/d.jpg")

    listing = _find(root, label=["real=people", "fake=DF,fs"])

    found = {(item.path, item.label) for item in listing.items}
    assert found == {("people/a.jpg", 0), ("DF/b.jpg", 1), ("FS/c.jpg", 1)}
    assert [(row.path, row.reason) for row in listing.ledger] == [("real", "unlisted")]
    with pytest.raises(InputError, match="no folder gone in it; there: DF, FS, people, real"):
        _find(root, label=["real=gone", "fake=DF"])
    with pytest.raises(InputError, match="--label 'x': accepted: real=WORD"):
        _find(root, label=["x"])
    with pytest.raises(InputError, match="'DF' is named both"):
        _find(root, label=["real=DF", "fake=DF"])


@pytest.mark.parametrize("name", ["manifest.csv", "journal.jsonl"])
def test_what_an_extraction_wrote_beside_the_classes_is_not(make, name):
    root = make(
        "real/a.jpg", "fake/b.jpg", "out/1/faces/real/a.png", f"out/1/{name}", f"done/{name}", "done/a.png"
    )

    assert _find(root).ledger == []


def test_folders_that_may_be_one_class_are_not_guessed(make):
    with pytest.raises(
        InputError, match="genuine and original may both be real; --label real=genuine,original"
    ):
        _find(make("original/a.jpg", "genuine/c.jpg", "fake/b.jpg"))


def test_what_lies_beside_the_classes_is_listed(make):
    root = make("real/a.jpg", "fake/b.jpg", "unknown/c.jpg", "unknown/x/d.mp4", "masks/e.txt", "f.png")

    assert [(row.path, row.reason, row.detail) for row in _find(root).ledger] == [
        ("unknown", "unlisted", "2 photos and videos, of no class"),
        ("f.png", "unlisted", "in no folder of a class"),
    ]


@pytest.mark.parametrize(("option", "folder", "label"), [("real_only", "real", 0), ("fake_only", "fake", 1)])
def test_one_class_alone(make, option, folder, label):
    root = make(f"{folder}/a.jpg")

    assert [item.label for item in _find(root, **{option: True}).items] == [label]
    with pytest.raises(InputError, match="--real-only"):
        _find(root)
    with pytest.raises(InputError, match="accepted: one of them"):
        _find(root, real_only=True, fake_only=True)


def test_blanks_around_a_folders_name_make_no_second_group(make):
    assert {item.group for item in _find(make("real/ann/a.jpg", "fake/ann /b.jpg")).items} == {"ann"}


def test_capitals_and_zeros_make_no_second_group(make):
    names = ("real/Anna/1.jpg", "fake/anna/2.jpg", "real/007/1.jpg", "fake/7/2.jpg")

    groups = {item.path: item.group for item in _find(make(*names)).items}

    assert groups[names[0]] == groups[names[1]] == "Anna"
    assert groups[names[2]] == groups[names[3]] == "007"


@pytest.mark.parametrize("form", ["{split}/{label}/{name}", "{label}/{split}/{name}"])
def test_folders_of_splits_are_the_splits(make, form):
    files = [
        (folder, label, name)
        for folder in ("Train", "valid", "test")
        for label in ("real", "Fake")
        for name in ("1.jpg", f"{folder}-{label}/2.jpg")
    ]
    root = make(*(form.format(split=split, label=label, name=name) for split, label, name in files))

    listing = _find(root)

    words = {"Train": "train", "valid": "val", "test": "test"}
    found = {item.path: (item.label, item.split, item.group) for item in listing.items}
    assert found == {
        form.format(split=split, label=label, name=name): (
            int(label == "Fake"),
            words[split],
            f"{words[split]}/1" if name == "1.jpg" else f"{split}-{label}",
        )
        for split, label, name in files
    }
    assert listing.ledger == []


def test_what_lies_beside_the_classes_of_a_split_is_listed(make):
    root = make(
        "train/real/a.jpg", "train/fake/b.jpg", "train/unsure/c.jpg", "test/d.jpg", "e.jpg", "train/f.jpg"
    )

    listing = _find(root)

    assert [item.path for item in listing.items] == ["train/real/a.jpg", "train/fake/b.jpg"]
    assert {(row.path, row.reason) for row in listing.ledger} == {
        (path, "unlisted") for path in ("train/unsure", "test", "e.jpg", "train/f.jpg")
    }
    with pytest.raises(InputError, match="val: no folder 'fake' in it"):
        _find(make("val/real/a.jpg"))


FORENSYNTHS = [
    ("train/airplane/0_real/1.png", 0, "train"),
    ("train/airplane/1_fake/1.png", 1, "train"),
    ("train/bird/0_real/1.png", 0, "train"),
    ("train/bird/1_fake/1.png", 1, "train"),
    ("val/bird/0_real/1.png", 0, "val"),
    ("val/bird/1_fake/2.png", 1, "val"),
    ("test/cyclegan/horse/0_real/1.png", 0, "test"),
    ("test/cyclegan/horse/1_fake/1.png", 1, "test"),
    ("test/biggan/0_real/1.png", 0, "test"),
    ("test/biggan/1_fake/1.png", 1, "test"),
]


def test_folders_between_a_split_and_its_classes_are_read_where_a_pattern_tells_the_groups(make):
    root = make(*(path for path, _, _ in FORENSYNTHS), "train/unsure/1.png", "notes/2.png")

    listing = _find(root, group_pattern="(.+)")

    assert {(item.path, item.label, item.split) for item in listing.items} == set(FORENSYNTHS)
    assert {(item.group == item.path, item.method) for item in listing.items} == {(True, "")}
    assert sorted(row.path for row in listing.ledger) == ["notes", "train/unsure"]
    assert listing.notes == ["folders 0_real/ are read as real", "folders 1_fake/ are read as fake"]


def test_a_method_called_like_a_class_needs_the_names_of_the_classes(make):
    root = make("test/deepfake/0_real/1.png", "test/deepfake/1_fake/2.png", "test/gan/0_real/3.png")
    make("test/gan/1_fake/4.png")

    with pytest.raises(InputError, match=r"test: no folder 'real' in it; .*--label names other folders"):
        _find(root, group_pattern="(.+)")

    listing = _find(root, group_pattern="(.+)", label=["real=0_real", "fake=1_fake"])
    assert {item.path.split("/")[1]: item.split for item in listing.items} == {
        "deepfake": "test",
        "gan": "test",
    }
    assert len(listing.items) == 4


def test_folders_between_a_split_and_its_classes_are_refused_without_a_pattern(make):
    root = make(*(path for path, _, _ in FORENSYNTHS))
    told = (
        r"no folder 'real' in it; .* Set/test/biggan looks like it; biggan/ may be a method, a person or a "
        r"data set, so test/ is read if --group-pattern tells the groups, such as '\(\.\+\)'"
    )
    with pytest.raises(InputError, match=told):
        _find(root)
    with pytest.raises(InputError, match=r"no folder 'real' in it; .*z looks like it"):
        _find(make("deep/train/x/y/z/real/1.png") / "deep", group_pattern="(.+)")


def test_a_split_with_classes_keeps_its_reading_where_a_pattern_tells_the_groups(make):
    root = make("train/real/ann/1.png", "train/fake/2.png", "train/more/real/3.png", "train/more/fake/4.png")

    listing = _find(root, group_pattern="(.+)")

    assert [item.path for item in listing.items] == ["train/real/ann/1.png", "train/fake/2.png"]
    assert [row.path for row in listing.ledger] == ["train/more"]


def test_the_classes_of_genimage_need_their_names_alone(make):
    root = make("train/nature/1.png", "train/ai/1.png", "val/nature/2.png", "val/ai/2.png")

    listing = _find(root, label=["real=nature", "fake=ai"])

    assert [(item.path, item.label, item.split) for item in listing.items] == [
        ("train/ai/1.png", 1, "train"),
        ("train/nature/1.png", 0, "train"),
        ("val/ai/2.png", 1, "val"),
        ("val/nature/2.png", 0, "val"),
    ]


@pytest.mark.parametrize(
    "names", [("real/Dev/a.jpg", "real/b.jpg"), ("real/dev/a.jpg", "real/ann/a.jpg", "real/test/a.jpg")]
)
def test_a_person_called_dev_is_no_split(make, names):
    listing = _find(make(*names, "fake/c.jpg"))

    assert {item.split for item in listing.items} == {None}
    assert {item.group for item in listing.items} >= {names[0].split("/")[1]}


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("real/frames/ann/1.jpg", "ann"),
        ("real/Real/ann/1.jpg", "ann"),
        ("real/videos/1.mp4", "1"),
        ("real/real/images/1.jpg", "1"),
        ("real/ann/frames/1.jpg", "ann"),
    ],
)
def test_folders_that_hold_a_whole_class_are_no_group(make, path, group):
    assert _find(make(path), real_only=True).items[0].group == group


def test_folders_of_splits_may_be_called_sets(make):
    listing = _find(
        make("train_set/real/a.jpg", "train_set/fake/b.jpg", "Test set/real/a.jpg", "Test set/fake/b.jpg")
    )

    assert {item.path.split("/")[0]: item.split for item in listing.items} == {
        "train_set": "train",
        "Test set": "test",
    }


def test_numbers_may_name_folders(make):
    listing = _find(make("0/a.jpg", "1/b.jpg"), label=["real=1", "fake=0"])

    assert {(item.path, item.label) for item in listing.items} == {("0/a.jpg", 1), ("1/b.jpg", 0)}


def test_an_archive_among_the_files_is_in_the_ledger(make):
    listing = _find(make("real/a.jpg", "real/more.zip", "fake/b.jpg", "fake/c.tar.gz", "fake/._d.zip"))

    assert [(row.path, row.reason) for row in listing.ledger] == [
        ("real/more.zip", "unreadable"),
        ("fake/c.tar.gz", "unreadable"),
    ]
    assert {row.detail for row in listing.ledger} == {"an archive; unpack it"}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("real.zip", "fake.tar.gz"), "no folder 'real' in it; .*; still packed: fake.tar.gz, real.zip"),
        (("mine/real/a.jpg", "mine/fake/b.jpg"), r"no folder 'real' in it; .*; \S+ Set/mine looks like it"),
        (
            ("x/y/train/real/a.jpg", "x/y/train/fake/b.jpg"),
            r"no folder 'real' in it; .* Set/x/y looks like it",
        ),
        (("real/a.zip", "fake/b.jpg"), r"real: neither photos nor videos in it; it holds 1 \(.zip 1\)"),
        (("ai/a.jpg", "human/b.jpg"), "no folder 'real' in it; .*; there: ai, human"),
    ],
)
def test_a_root_without_the_classes_is_told_what_it_has(make, names, message):
    with pytest.raises(InputError, match=message):
        _find(make(*names))
