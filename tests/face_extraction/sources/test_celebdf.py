"""Celeb-DF: a list without a header in which 1 means real, and people who are everywhere."""

from collections import defaultdict

import pytest

from face_extraction.check import compare
from face_extraction.errors import InputError
from face_extraction.sources import get_source
from face_extraction.sources.registry import LEFT_OUT, NOT_TEST
from face_extraction.splits import SplitRule, settle

LIST = "List_of_testing_videos.txt"


def _find(root, **options):
    return get_source("celebdf").find(root, **options)


def _splits(listing):
    return {item.video: item.split for item in listing.items}


def test_the_first_line_of_the_list_counts_and_1_is_real(lay):
    root = lay(
        "Celeb-real/id0_0000.mp4",
        "YouTube-real/00170.mp4",
        "YouTube-real/00171.mp4",
        "Celeb-synthesis/id0_id1_0000.mp4",
        texts={LIST: "1 YouTube-real/00170.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n"},
    )

    listing = _find(root)

    tests = {(item.video, item.label) for item in listing.items if item.split == "test"}
    assert tests == {("00170", 0), ("id0_id1_0000", 1)}
    assert listing.ledger == []
    assert listing.notes == [f"{LIST} names 2 videos; v2 was published with 518"]


def test_what_shares_a_recording_with_the_list_is_left_out(lay):
    root = lay(
        "Celeb-real/id0_0000.mp4",
        "Celeb-real/id0_0001.mp4",
        "Celeb-synthesis/id0_id1_0000.mp4",
        "Celeb-synthesis/id0_id2_0000.mp4",
        "Celeb-synthesis/id0_id2_0001.mp4",
        texts={LIST: "0 Celeb-synthesis/id0_id1_0000.mp4\n"},
    )

    listing = _find(root)

    assert _splits(listing) == {
        "id0_0000": LEFT_OUT,
        "id0_0001": NOT_TEST,
        "id0_id1_0000": "test",
        "id0_id2_0000": LEFT_OUT,
        "id0_id2_0001": NOT_TEST,
    }
    settled = settle(listing, SplitRule())
    assert "left out, sharing a recording with an official test video: 2" in settled.notes
    assert {item.group for item in settled.items if item.split == "test"} == {"Celeb-real/id0_0000"}


@pytest.fixture
def everybody(lay):
    """Ten people with two recordings each, all swapped with all."""
    people = [f"id{number}" for number in range(10)]
    reals = [f"Celeb-real/{one}_{take}.mp4" for one in people for take in ("0000", "0001")]
    fakes = [
        f"Celeb-synthesis/{one}_{other}_{take}.mp4"
        for one in people
        for other in people
        if one != other
        for take in ("0000", "0001")
    ]
    return lay(*reals, *fakes, "YouTube-real/00000.mp4", texts={LIST: "1 Celeb-real/id3_0000.mp4\n"})


def _people(item):
    return set(item.video.split("_")[:-1])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_identity_puts_nobody_into_two_splits(everybody, seed):
    listing = _find(everybody, protocol="identity")

    settled = settle(listing, SplitRule(val=0.3, test=0.3, seed=seed))

    homes = defaultdict(set)
    for item in settled.items:
        for person in _people(item):
            homes[person].add(item.split)
    assert len(homes) == 10
    assert all(len(splits) == 1 for splits in homes.values())
    # Every real clip stays, and every fake whose two people share a split.
    split = {person: next(iter(splits)) for person, splits in homes.items()}
    assert sum(item.label == 0 for item in settled.items) == 21
    same = sum(split[one] == split[other] for one in split for other in split if one != other)
    assert sum(item.label for item in settled.items) == 2 * same


def test_official_keeps_train_and_val_apart_by_person(everybody):
    settled = settle(_find(everybody), SplitRule(val=0.4, test=0.4))

    homes = defaultdict(set)
    for item in settled.items:
        if item.split != "test":
            for person in _people(item):
                homes[person].add(item.split)
    assert all(len(splits) == 1 for splits in homes.values())
    assert [item.video for item in settled.items if item.split == "test"] == ["id3_0000"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label path\n", "line 1: 'label path'; accepted: 1 or 0 and a path"),
        ("0 YouTube-real/00170.mp4\n", "line 1: .*; in this list 1 means real and 0 fake"),
        ("\n1 Celeb-synthesis/id0_id1_0000.mp4\n", "line 2: .*; in this list 1 means real and 0 fake"),
        ("real YouTube-real/00170.mp4\n", "line 1: .*; accepted: 1 or 0"),
        ("1 Youtube/00170.mp4\n", "line 1: .*; accepted: 1 or 0"),
    ],
)
def test_a_list_that_can_be_misread_is_refused(lay, text, message):
    with pytest.raises(InputError, match=message):
        _find(lay("Celeb-real/id0_0000.mp4", texts={LIST: text}))


def test_without_the_list_and_with_missing_or_strange_clips(lay):
    root = lay("Celeb-real/id0_0000.mp4", "Celeb-real/id0.mp4")

    listing = _find(root)

    assert _splits(listing) == {"id0_0000": None}
    assert listing.notes == [f"no {LIST}: a hash of the people gives the test split, like the others"]
    assert [(row.path, row.reason) for row in listing.ledger] == [("Celeb-real/id0.mp4", "unlisted")]
    lay(texts={LIST: "1 Celeb-real/id7_0000.mp4\n"})
    assert [(row.path, row.reason) for row in _find(root).ledger][1:] == [
        ("Celeb-real/id7_0000.mp4", "missing")
    ]


@pytest.mark.parametrize("lines", [0, 517, 518])
def test_a_list_that_is_missing_or_short_is_not_as_published(lay, lines):
    text = "".join(f"1 YouTube-real/{number:05d}.mp4\n" for number in range(lines))
    root = lay("YouTube-real/00000.mp4", texts={LIST: text} if lines else {})

    parts = {part.name: part for part in compare(_find(root)).parts}

    assert (parts[LIST].published, parts[LIST].found) == (518, lines)
    assert parts[LIST].differs == (lines < 518)
    assert LIST not in {part.name for part in compare(_find(root, protocol="identity")).parts}


def test_the_version_names_source_and_counts(lay):
    root = lay("Celeb-real/id0_0000.mp4")

    assert {item.source for item in _find(root).items} == {"celebdf-v2"}
    first = _find(root, version="v1")
    assert {item.source for item in first.items} == {"celebdf-v1"}
    assert sum(first.published.values()) == 158 + 250 + 795 + 100
    with pytest.raises(InputError, match="--version: unknown version 'v3'"):
        _find(root, version="v3")
    with pytest.raises(InputError, match="--protocol: unknown protocol"):
        _find(root, protocol="hash")


def test_clips_may_lie_in_a_folder_videos(lay):
    root = lay(
        "Celeb-real/videos/id0_0000.mp4",
        "Celeb-synthesis/videos/id0_id1_0000.mp4",
        "Youtube-real/videos/00170.mp4",
        texts={LIST: "1 YouTube-real/00170.mp4\n"},
    )

    listing = _find(root)

    assert len(listing.items) == 3
    assert all("/videos/" in item.path for item in listing.items)
    assert _splits(listing)["00170"] == "test"
    assert listing.ledger == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (LIST, "1\tYouTube-real/00001.mp4\r\n0\tCeleb-synthesis/id0_id1_0000.mp4\r\n"),
        (LIST, "1 YouTube-real\\00001.mp4\n0 Celeb-synthesis\\id0_id1_0000.MP4\n"),
        (LIST.lower(), "\ufeff1 youtube-real/00001.mp4\n0  Celeb-Synthesis/id0_id1_0000.mp4"),
        (f"{LIST}.txt", "1 YouTube-real/00001.mp4\n\n0 Celeb-synthesis/id0_id1_0000.mp4\n"),
    ],
)
def test_the_list_as_windows_may_leave_it(lay, name, text):
    names = ("YouTube-real/00001.mp4", "Celeb-synthesis/id0_id1_0000.mp4", "Celeb-real/id2_0000.mp4")
    root = lay(*names, texts={name: text})

    assert {item.path: item.split for item in _find(root).items} == {
        names[0]: "test",
        names[1]: "test",
        names[2]: NOT_TEST,
    }
