"""What lies where a data set's layout has no place for it is told."""

import pytest

from face_extraction.__main__ import main
from face_extraction.sources import get_source

CELEB = ("Celeb-real/id0_0000.mp4", "Celeb-synthesis/id0_id1_0000.mp4")
REAL, FAKE = (
    "original_sequences/youtube/c23/videos/000.mp4",
    "manipulated_sequences/Deepfakes/c23/videos/000_003.mp4",
)
MIRROR = ("original/000.mp4", "Deepfakes/000_003.mp4")
VARIANT = "end_to_end"
INSIDE = "manipulated_videos/end_to_end/part 2"
DEEPER = ("manipulated_videos/end_to_end/000_M004.mp4",)
AV = ("RealVideo-RealAudio/a/b/id00076/1.mp4", "FakeVideo-RealAudio/a/b/id00076/1_id7.mp4")
KAGGLE = tuple(
    f"{split}/{label}/1.jpg" for split in ("Train", "Validation", "Test") for label in ("Real", "Fake")
)
FFIW = ("source/train/a.mp4",)
DF40 = ("simswap/ff/frames/071_054/0.png",)
WILD = ("real_train/0.tar",)
PART = {"dfdc_train_part_0/metadata.json": '{"a.mp4": {"label": "REAL"}}'}


@pytest.fixture
def told(lay):
    """told(source, files, ...) -> the ledger of these files: paths with how many files each row tells of."""

    def find(source, names, texts=None, **options):
        rows = get_source(source).find(lay(*names, texts=texts), **options).ledger
        assert {row.reason for row in rows} <= {"unlisted"}
        return {row.path: int(row.detail.split()[0]) if row.detail[0].isdigit() else 1 for row in rows}

    return find


@pytest.mark.parametrize(
    ("source", "layout", "others", "rows"),
    [
        ("celebdf", CELEB, ["Celeb-synthesis/FaceSwap/LIA/1.mp4"], {"Celeb-synthesis/FaceSwap": 1}),
        ("celebdf", CELEB, ["YouTube_real/1.mp4", "YouTube_real/x/2.mp4"], {"YouTube_real": 2}),
        ("celebdf-pp", CELEB[:1], CELEB[1:], {"Celeb-synthesis": 1}),
        ("faceforensics", [FAKE], [f"O{REAL[1:]}"], {"Original_sequences": 1}),
        ("faceforensics", [REAL], [FAKE.replace("videos", "videos/videos")], {"manipulated_sequences": 1}),
        ("faceforensics", MIRROR, ["Face2face_/000_003.mp4", "real/1.mp4"], {"Face2face_": 1, "real": 1}),
        ("deeperforensics", DEEPER, [f"{INSIDE}/001_M004.mp4"], {INSIDE: 1}),
        ("fakeavceleb", AV, ["FakeVideo_FakeAudio/a/b/id00076/1_id7.mp4"], {"FakeVideo_FakeAudio": 1}),
        ("ffiw", FFIW, ["target/valid/a.mp4", "source/b.mp4"], {"target": 1, "source/b.mp4": 1}),
        ("kaggle-faces", KAGGLE, ["a.jpg", "Train/b.png", "Train/Real/c.dng"], None),
        ("df40", DF40, ["simswap/v2/1/0.png", "simswap/v2/1/1.png"], {"simswap/v2": 2}),
        ("wilddeepfake", WILD, ["fake_train/0.zip", "fake-test/0.tar"], {"fake_train": 1, "fake-test": 1}),
        ("wilddeepfake", WILD, ["real_train/1.tar.gz.0", "real_train/2.zip"], None),
    ],
)  # fmt: skip
def test_files_in_another_place_are_told(told, source, layout, others, rows):
    assert told(source, (*layout, *others)) == (rows or dict.fromkeys(others, 1))


@pytest.mark.parametrize(
    ("source", "layout", "others", "options"),
    [
        ("celebdf", CELEB, ["Celeb-real/frames/id0_0000/000.png", "Celeb-real/.x/id0_0001.mp4"], {}),
        ("faceforensics", [REAL], [FAKE.replace("c23", "masks")], {}),
        ("faceforensics", [REAL], [FAKE.replace("Deepfakes", "FaceSwap")], {"methods": "deepfakes"}),
        ("faceforensics", [REAL], [FAKE.replace("c23", "c0")], {"compression": "c23"}),
        ("faceforensics", MIRROR, ["FaceSwap/000_003.mp4", "csv/a.csv"], {"methods": "Deepfakes"}),
        ("deeperforensics", DEEPER, ["source_videos/M004/a.mp4", REAL, FAKE], {}),
        ("deeperforensics", DEEPER, ["manipulated_videos/reenact_postprocess/0.mp4"], {"variants": VARIANT}),
        ("fakeavceleb", AV, ["RealVideo-FakeAudio/a/b/id00076/1.mp4"], {}),
        ("ffiw", FFIW, ["target_mask/train/a.mp4"], {}),
        ("kaggle-faces", KAGGLE, ["Thumbs.db", "Train/._a.jpg", "__MACOSX/a.jpg"], {}),
        ("df40", DF40, ["simswap/ff/masks/071_054/0.png", "simswap/ff/landmarks/071_054/0.png"], {}),
    ],
)  # fmt: skip
def test_what_is_known_and_not_wanted_is_not(told, source, layout, others, options):
    assert told(source, (*layout, *others), **options) == {}


def test_other_parts_of_dfdc_are_told_unless_they_are_not_wanted(told):
    files = ("dfdc_train_part_0/a.mp4", "dfdc_train_part_1 (1)/b.mp4", "dfdc_train_part_2/c.mp4", "x/d.mp4")

    wanted = {"dfdc_train_part_1 (1)": 1, "x": 1}
    assert told("dfdc", files, PART, parts="0") == wanted
    assert told("dfdc", files, PART) == wanted | {"dfdc_train_part_2": 1}


@pytest.mark.parametrize("name", ["manifest.csv", "journal.jsonl"])
def test_what_an_extraction_wrote_beside_the_data_is_not(told, name):
    written = ("out/mine/faces/real/1.png", f"out/mine/{name}")

    assert told("kaggle-faces", (*KAGGLE, *written)) == {}
    assert told("kaggle-faces", (*KAGGLE, "out/other/1.png")) == {"out": 1}


def test_archives_in_the_root_are_a_note(lay, capsys):
    root = lay(*CELEB, "Celeb-DF-v2.zip")

    assert main(["check", "celebdf", "--root", str(root)]) == 1
    assert "\nstill packed: Celeb-DF-v2.zip\n" in capsys.readouterr().out


def test_links_to_other_places_are_not_followed(lay, tmp_path):
    root = lay(*CELEB)
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/film.mp4").write_text("x")
    (root / "link").symlink_to(tmp_path / "disk")
    (root / "loop").symlink_to(root)

    assert get_source("celebdf").find(root).ledger == []
