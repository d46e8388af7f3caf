"""FaceForensics++ in its official layout, and in the mirror's."""

import pytest

from face_extraction.errors import InputError
from face_extraction.sources import get_source
from face_extraction.splits import SplitRule, settle

REAL = "original_sequences/youtube/c23/videos/{}.mp4"
FAKE = "manipulated_sequences/{}/c23/videos/{}.mp4"
LISTS = {
    "train.json": '[["000", "003"], ["605", "591"]]',
    "val.json": '[["001", "870"]]',
    "test.json": '[["606", "599"]]',
}


def _find(root, **options):
    return get_source("faceforensics").find(root, **options)


def _by_path(listing):
    return {item.path: item for item in listing.items}


def test_one_name_under_two_methods_is_two_clips_of_one_group(lay):
    root = lay(REAL.format("000"), FAKE.format("Deepfakes", "000_003"), FAKE.format("FaceSwap", "000_003"))

    items = _find(root).items

    assert [(item.label, item.method, item.video, item.group, item.part) for item in items] == [
        (0, "", "c23/000", "000", "youtube"),
        (1, "Deepfakes", "c23/000_003", "000", "Deepfakes"),
        (1, "FaceSwap", "c23/000_003", "000", "FaceSwap"),
    ]


def test_a_pair_is_one_group_though_neither_original_is_there(lay):
    root = lay(FAKE.format("Deepfakes", "071_054"), FAKE.format("Face2Face", "054_071"))

    assert {item.group for item in _find(root).items} == {"054"}


def test_official_splits_go_by_pair(lay):
    names = [REAL.format(name) for name in ("000", "003", "001", "606", "605")]
    root = lay(*names, FAKE.format("FaceSwap", "870_001"), texts=LISTS)

    listing = _find(root)

    assert [(item.video, item.split, item.group) for item in listing.items] == [
        ("c23/000", "train", "000"),
        ("c23/001", "val", "001"),
        ("c23/003", "train", "000"),
        ("c23/605", "train", "591"),
        ("c23/606", "test", "599"),
        ("c23/870_001", "val", "001"),
    ]
    assert listing.notes == []


def test_without_the_lists_two_cuts_of_one_video_stay_together(lay):
    root = lay(*(REAL.format(name) for name in ("605", "606", "607")))

    listing = _find(root)

    assert [item.group for item in listing.items] == ["605", "605", "607"]
    assert listing.notes == ["no train.json, val.json and test.json: split by a hash of the pairs"]


def test_the_lists_may_lie_elsewhere(lay, tmp_path):
    root = lay(REAL.format("001"))
    lists = tmp_path / "lists"
    lists.mkdir()
    with pytest.raises(InputError, match=r"lists: no train\.json, val\.json, test\.json in it"):
        _find(root, splits=str(lists))

    for name, text in LISTS.items():
        (lists / name).write_text(text)

    assert [item.split for item in _find(root, splits=str(lists)).items] == ["val"]
    lists.rename(root / "splits")  # as in the official code
    assert [item.split for item in _find(root).items] == ["val"]


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"train.json": "[]"}, r"no val\.json, test\.json in it; needed: train\.json, val\.json, test\.json"),
        ({**LISTS, "val.json": '["001"]'}, r"val\.json: '001'; accepted: pairs"),
        ({**LISTS, "val.json": '[["0", "1"]]'}, r"val\.json: \['0', '1'\]; accepted: pairs"),
        ({**LISTS, "val.json": '[[["001"], "870"]]'}, r"val\.json: \[\['001'\], '870'\]; accepted: pairs"),
        ({**LISTS, "val.json": '[["000", "001"]]'}, r"val\.json: 000 stands in train\.json too"),
    ],
)
def test_wrong_lists_are_refused(lay, lists, message):
    with pytest.raises(InputError, match=message):
        _find(lay(REAL.format("000"), texts=lists))


def test_a_clip_of_no_official_pair_is_listed_not_used(lay):
    reals = [REAL.format(name) for name in ("000", "001", "500")]
    root = lay(*reals, FAKE.format("FaceSwap", "000_001"), texts=LISTS)

    listing = _find(root)

    assert [(item.video, item.split, item.group) for item in listing.items] == [
        ("c23/000", "train", "000"),
        ("c23/001", "val", "001"),
    ]
    assert [(row.path, row.reason) for row in listing.ledger] == [
        (REAL.format("500"), "unlisted"),
        (FAKE.format("FaceSwap", "000_001"), "unlisted"),
    ]


def test_strange_names_and_folders_are_listed(lay):
    root = lay(
        REAL.format("000"),
        REAL.format("000 (1)"),
        FAKE.format("DeepFakes", "000_003"),
        "downloaded_videos/x.mp4",
        "manipulated_sequences/Deepfakes/c23/masks/000_003.mp4",
    )

    listing = _find(root)

    assert [item.video for item in listing.items] == ["c23/000"]
    assert [(row.path, row.reason) for row in listing.ledger] == [
        ("manipulated_sequences/DeepFakes", "unlisted"),
        (REAL.format("000 (1)"), "unlisted"),
    ]


def test_actors_are_split_one_by_one_and_swaps_between_splits_left_out(lay):
    rule = SplitRule(val=0.3, test=0.3)
    people = [f"{number:02d}" for number in range(1, 13)]
    actors = [f"original_sequences/actors/c23/videos/{name}__talk.mp4" for name in people]
    swaps = [
        FAKE.format("DeepFakeDetection", f"{one}_{other}__talk__AB")
        for one in people
        for other in people
        if one != other
    ]
    listing = _find(lay(*actors, *swaps))

    settled = settle(listing, rule)

    split = {name: rule.split_of(f"actor {name}") for name in people}
    assert set(split.values()) == {"train", "val", "test"}
    kept = {(item.video.split("/")[1][:2], item.video[7:9]) for item in settled.items if item.label}
    same = {(a, b) for a in people for b in people if a != b and split[a] == split[b]}
    assert {(one, other.strip("_")) for one, other in kept} == same
    assert settled.notes[-1] == f"left out, swaps between people of two splits: {132 - len(same)}"


def test_one_compression_is_meant(lay):
    root = lay(REAL.format("000"), "original_sequences/youtube/c40/videos/000.mp4")

    with pytest.raises(InputError, match="holds c23, c40; choose one with --compression"):
        _find(root)
    with pytest.raises(InputError, match="no videos of raw in it; there: c23, c40"):
        _find(root, compression="raw")
    with pytest.raises(InputError, match=r"--compression: unknown compression 'c32' \(nearest: c23\)"):
        _find(root, compression="c32")
    assert [item.video for item in _find(root, compression="c40").items] == ["c40/000"]


def test_methods_can_be_chosen_with_their_originals(lay):
    root = lay(REAL.format("000"), FAKE.format("FaceSwap", "000_003"), FAKE.format("Face2Face", "000_003"))

    listing = _find(root, methods="faceswap")

    assert [item.part for item in listing.items] == ["youtube", "FaceSwap"]
    assert listing.published == {"youtube": 1_000, "FaceSwap": 1_000}


def test_the_mirror(lay):
    root = lay(
        "original/000.mp4", "Deepfakes/000_003.mp4", "DeepFakeDetection/01_02__talk__AB.mp4", "csv/a.csv"
    )

    listing = _find(root)

    assert {path: (item.label, item.method, item.video) for path, item in _by_path(listing).items()} == {
        "original/000.mp4": (0, "", "c23/000"),
        "Deepfakes/000_003.mp4": (1, "Deepfakes", "c23/000_003"),
        "DeepFakeDetection/01_02__talk__AB.mp4": (1, "DeepFakeDetection", "c23/01_02__talk__AB"),
    }
    assert "DeepFakeDetection" not in listing.published
    with pytest.raises(InputError, match="the mirror's layout has only c23"):
        _find(root, compression="c40")


def test_missing_numbers_are_named(lay):
    names = [REAL.format(f"{number:03d}") for number in range(1_000) if number not in (7, 300)]

    listing = _find(lay(*names))

    assert listing.absent == {"youtube": ["007", "300"]}
    assert len(listing.items) == 998


@pytest.mark.parametrize("option", ["", "raw", "c0"])
def test_raw_of_older_copies_is_c0(lay, option):
    root = lay(
        "original_sequences/youtube/c0/videos/000.mp4",
        "manipulated_sequences/Deepfakes/c0/videos/000_003.mp4",
    )

    listing = get_source("faceforensics").find(root, compression=option)

    assert {item.video for item in listing.items} == {"raw/000", "raw/000_003"}


def test_videos_that_lie_right_in_the_folder_of_their_compression(lay):
    root = lay(
        "original_sequences/youtube/c23/000.mp4",
        "manipulated_sequences/Deepfakes/c23/videos/000_003.mp4",
    )

    assert [(item.path, item.video) for item in _find(root).items] == [
        ("original_sequences/youtube/c23/000.mp4", "c23/000"),
        ("manipulated_sequences/Deepfakes/c23/videos/000_003.mp4", "c23/000_003"),
    ]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (
            ["original_sequences/youtube/c10/videos/0.mp4"],
            r"compression c10; accepted: raw, c23, c40 \(or c0",
        ),
        (["manipulated_sequences/Deepfakes/C23/videos/0.mp4"], "compression C23; accepted: raw"),
        (["manipulated_sequences/Deepfakes/000_003.mp4"], "no folder of a compression in manipulated_seq"),
        (
            ["original_sequences/youtube/c23/frames/000/1.png"],
            r"no folder videos in it, but frames;.*--frame",
        ),
        (["manipulated_sequences/Deepfake/c23/frames/0.mp4"], "unknown folder Deepfake; accepted: Deepfakes"),
        (
            ["original_sequences/youtube/c0/videos/000.mp4", "original_sequences/youtube/raw/videos/000.mp4"],
            "holds raw and c0",
        ),
    ],
)
def test_what_is_wrong_in_the_official_layout_is_named(lay, paths, message):
    with pytest.raises(InputError, match=message):
        get_source("faceforensics").find(lay(*paths))
