"""DeeperForensics-1.0 and its real class, which lies elsewhere."""

import pytest

from face_extraction.errors import InputError
from face_extraction.sources import get_source
from face_extraction.splits import SplitRule, settle

FAKE = "manipulated_videos/end_to_end/{}.mp4"
REAL = "original_sequences/youtube/c23/videos/{}.mp4"
LISTS = {
    "lists/splits/train.txt": "000_M004.mp4\n",
    "lists/splits/val.txt": "001_W101.mp4",
    "lists/splits/test.txt": "002_M005.mp4\r\n\r\n",
}


def _find(root, **options):
    return get_source("deeperforensics").find(root, **options)


def test_originals_follow_their_fakes_split(lay):
    fakes = [FAKE.format(name) for name in ("000_M004", "001_W101", "002_M005")]
    root = lay(*fakes, *(REAL.format(name) for name in ("000", "001", "002", "003")), texts=LISTS)

    listing = _find(root)

    assert [(item.video, item.label, item.split, item.group) for item in listing.items] == [
        ("000_M004", 1, "train", "000"),
        ("001_W101", 1, "val", "001"),
        ("002_M005", 1, "test", "002"),
        ("000", 0, "train", "000"),
        ("001", 0, "val", "001"),
        ("002", 0, "test", "002"),
    ]
    assert [(row.path, row.reason) for row in listing.ledger] == [(REAL.format("003"), "unlisted")]


def test_an_original_whose_fakes_are_not_there_keeps_its_listed_split(lay):
    reals = [REAL.format(name) for name in ("000", "001", "002")]

    listing = _find(lay(FAKE.format("000_M004"), *reals, texts=LISTS))

    assert [(item.video, item.split) for item in listing.items] == [
        ("000_M004", "train"),
        ("000", "train"),
        ("001", "val"),
        ("002", "test"),
    ]
    assert listing.ledger == []


def test_originals_alone_are_not_this_data_set(lay):
    root = lay("manipulated_videos/end_to_end/notes.txt", REAL.format("000"), texts=LISTS)

    with pytest.raises(InputError, match="no video of the wanted variants in it"):
        _find(root)


def test_the_real_class_may_lie_elsewhere(lay, tmp_path):
    root = lay(FAKE.format("000_M004"), texts=LISTS)
    other = tmp_path / "ff" / "original_sequences/youtube/c23/videos"
    other.mkdir(parents=True)
    (other / "000.mp4").write_text("x")

    items = _find(root, faceforensics=str(tmp_path / "ff")).items

    assert [item.path for item in items if item.label == 0] == [
        "../ff/original_sequences/youtube/c23/videos/000.mp4"
    ]
    assert (root / items[-1].path).is_file()
    assert _find(root).notes == [
        "no real videos: --faceforensics names the folder of FaceForensics++'s c23 originals"
    ]
    with pytest.raises(InputError, match="needed: original_sequences/"):
        _find(root, faceforensics=str(root / "lists"))


def test_its_source_videos_are_no_real_class(lay):
    root = lay(FAKE.format("000_M004"), "source_videos/M004/M004_light.mp4")

    assert {item.label for item in _find(root).items} == {1}


def test_without_lists_target_and_actor_stay_in_one_split(lay):
    names = [f"{target:03d}_M{actor:03d}" for target in range(12) for actor in range(6)]
    rule = SplitRule(val=0.3, test=0.3)

    settled = settle(_find(lay(*map(FAKE.format, names))), rule)

    assert 0 < len(settled.items) < len(names)
    for item in settled.items:
        target, actor = item.video.split("_")
        assert rule.split_of(target) == rule.split_of(actor) == item.split


def test_without_lists_two_cuts_of_one_video_stay_together(lay):
    reals = [REAL.format(name) for name in ("605", "606", "607")]
    root = lay(FAKE.format("605_M004"), FAKE.format("606_M005"), *reals)

    assert [item.group for item in _find(root).items] == ["605", "605", "605", "605", "607"]


def test_an_original_keeps_its_split_beside_an_unlisted_fake(lay):
    root = lay(FAKE.format("000_M004"), FAKE.format("000_W999"), REAL.format("000"), texts=LISTS)

    assert [(item.video, item.split) for item in _find(root).items] == [
        ("000_M004", "train"),
        ("000", "train"),
    ]


def test_strange_variants_and_unlisted_clips(lay):
    root = lay(
        FAKE.format("000_M004"), FAKE.format("009_M004"), "manipulated_videos/end2end/1_M.mp4", texts=LISTS
    )

    listing = _find(root)

    assert [(row.path, row.reason) for row in listing.ledger] == [
        ("manipulated_videos/end2end", "unlisted"),
        (FAKE.format("009_M004"), "unlisted"),
    ]
    with pytest.raises(InputError, match="unknown variant 'end_to_ent'"):
        _find(root, variants="end_to_ent")


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"lists/splits/train.txt": ""}, r"no val\.txt, test\.txt in it"),
        ({**LISTS, "lists/splits/val.txt": "name\n"}, r"val\.txt, line 1: 'name'; accepted: TARGET_ACTOR"),
        ({**LISTS, "lists/splits/val.txt": "000_M004.mp4\n"}, "000_M004 stands in train.txt too"),
    ],
)
def test_wrong_lists_are_refused(lay, lists, message):
    with pytest.raises(InputError, match=message):
        _find(lay(FAKE.format("000_M004"), texts=lists))
