"""Notes on files whose names say that they belong together."""

import pytest

from face_extraction.errors import InputError
from face_extraction.sources import get_source


@pytest.fixture
def notes(lay):
    """notes("real/a.jpg", ...) -> the notes of `folders`."""

    def find(*names, **options):
        return get_source("folders").find(lay(*names), **options).notes

    return find


FRAMES = [
    f"{label}/{video}_{frame:03d}.jpg" for label in ("real", "fake") for video in "vw" for frame in range(3)
]


def test_frames_of_videos_in_one_folder_are_told(notes):
    (note,) = notes(*FRAMES)

    assert note.startswith(
        "photos named as series: 12 in 2 series, such as real/v_000.jpg and real/v_001.jpg; each is its own"
    )
    assert notes(*FRAMES, group_pattern=r"/(\w)_") == []


@pytest.mark.parametrize(
    "names",
    [
        ("real/img_1.jpg", "real/img_2.jpg", "fake/img_3.jpg"),
        ("real/v/1.jpg", "real/v/2.jpg", "real/w/1.jpg", "real/w/2.jpg", "fake/x/1.jpg"),
        ("real/v_1.mp4", "real/v_2.mp4", "fake/w_1.mp4", "fake/w_2.mp4"),
        ("real/ann.jpg", "real/bob.jpg", "fake/cid.jpg"),
    ],
)
def test_other_names_are_no_series(notes, names):
    assert notes(*names) == []


@pytest.mark.parametrize(
    ("real", "fake"),
    [
        ("000", "000_003"),
        ("003", "000_003"),
        ("id0_0000", "id0_id1_0000"),
        ("ann", "ann-swapped"),
        ("A b", "x_a_B"),
    ],
)
def test_fakes_named_after_a_real_file_are_told(notes, real, fake):
    (note,) = notes(f"real/{real}.mp4", f"fake/{fake}.mp4")

    assert note.startswith(f"fakes named after real files: 1, such as fake/{fake}.mp4 and real/{real}.mp4;")


@pytest.mark.parametrize(
    ("real", "fake"), [("a", "a"), ("a_b", "a"), ("ann", "anna"), ("a", "a_b_c_d_e_f_g")]
)
def test_other_fakes_are_not(notes, real, fake):
    assert notes(f"real/{real}.mp4", f"fake/{fake}.mp4") == []


def test_fakes_in_a_folder_of_their_original_are_in_its_group(notes):
    assert notes("real/000/a.mp4", "fake/000/a_b.mp4") == []


FRAMES_IN_SPLITS = [
    (f"{video}_{frame}.jpg", split) for video in "vwx" for frame, split in enumerate(("train", "test", "val"))
]


def test_frames_of_one_video_in_several_splits_are_told(lay, notes):
    files = [f"{split}/{label}/{name}" for name, split in FRAMES_IN_SPLITS for label in ("real", "fake")]

    (note,) = notes(*files)

    assert note.startswith(
        "photos named as one series that stand in several splits: 6 series, such as test/real/v_1"
    )
    text = "path,label,split\n" + "".join(
        f"{split}/real/{name},REAL,{split}\n" for name, split in FRAMES_IN_SPLITS
    )
    root = lay(*files, texts={"list.csv": text})
    assert get_source("list").find(root).notes[-1].startswith(f"{note.partition('6 series')[0]}3 series")


def test_numbered_frames_in_folders_of_their_videos_are_told_too(lay):
    names = [f"real/{video}/{frame}.jpg" for video in "vwx" for frame in range(2)]
    rows = "".join(f"{name},REAL,{('train', 'test')[number % 2]}\n" for number, name in enumerate(names))

    root = lay(*names, texts={"list.csv": f"path,label,split\n{rows}"})

    assert (
        "stand in several splits: 3 series, such as real/v/0.jpg" in get_source("list").find(root).notes[-1]
    )


def test_photos_that_are_all_numbered_alike_are_no_series_of_frames(notes):
    files = [
        f"{split}/{label}/{label}_{number}.jpg"
        for split in ("train", "test")
        for label in ("real", "fake")
        for number in range(5)
    ]

    assert notes(*files) == []


def test_a_person_in_two_folders_of_splits_is_refused_with_a_way_out(lay):
    names = [f"{split}/{label}/ann/1.jpg" for split in ("train", "test") for label in ("real", "fake")]
    root = lay(*names)

    with pytest.raises(
        InputError, match=r"train/real/ann/1.jpg: the folder 'ann', .*--group-pattern '\(\.\+\)'"
    ):
        get_source("folders").find(root)
    items = get_source("folders").find(root, group_pattern="(.+)").items
    assert {item.group for item in items} == set(names)


def test_nothing_is_said_of_files_to_score(notes):
    assert notes(*(name.replace("real/", "unknown/") for name in FRAMES if name.startswith("real/"))) == []
