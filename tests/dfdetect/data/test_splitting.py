"""New splits: whole groups where that was asked for, shares and folds as counted by hand."""

from collections import Counter

import pytest

from dfdetect.data.opening import open_data
from dfdetect.data.splitting import choose, parted_swaps, parts_swaps
from dfdetect.recipe import Recipe
from face_extraction.errors import InputError
from face_extraction.manifest import FaceSample, write_manifest


@pytest.fixture
def samples():
    """300 groups of one real and two fake faces, all in train; one face of unknown label."""
    rows = [
        FaceSample(f"{group}-{number}.png", int(number > 0), "train", str(group), source="s")
        for group in range(300)
        for number in range(3)
    ]
    return [*rows, FaceSample("unknown.png", -1, "test", "x", source="s")]


def splits(rows):
    return Counter(row.split for row in rows)


def torn(rows):
    homes = {}
    for row in rows:
        homes.setdefault(row.group, set()).add(row.split)
    return sum(len(home) > 1 for home in homes.values())


def test_the_manifests_own_split_is_left_alone(samples):
    assert choose(samples, Recipe()) == samples


def test_a_group_split_tears_no_group_and_keeps_the_shares(samples):
    rows = choose(samples, Recipe(split="group", val_share=0.2, test_share=0.3))
    assert torn(rows) == 0
    assert len(rows) == 900
    assert splits(rows)["test"] / 900 == pytest.approx(0.3, abs=0.08)
    assert splits(rows)["val"] / 900 == pytest.approx(0.2, abs=0.07)


def test_a_random_split_tears_groups_and_keeps_shares_and_classes_exactly(samples):
    rows = choose(samples, Recipe(split="random", val_share=0.1, test_share=0.1))
    assert splits(rows) == {"train": 720, "val": 90, "test": 90}
    assert sum(row.label for row in rows if row.split == "test") == 60
    assert torn(rows) > 100


@pytest.mark.parametrize("split", ["group", "random"])
def test_each_face_is_tested_in_exactly_one_fold(samples, split):
    tested = Counter()
    for fold in (1, 2, 3):
        rows = choose(samples, Recipe(split=split, folds=3, fold=fold))
        part = [row for row in rows if row.split == "test"]
        assert len(part) == pytest.approx(300, abs=3)
        assert sum(row.label for row in part) == pytest.approx(200, abs=3)
        assert splits(rows)["val"] == pytest.approx(60, abs=25)
        assert (torn(rows) == 0) == (split == "group")
        tested.update(row.path for row in part)
    assert len(tested) == 900
    assert set(tested.values()) == {1}


def test_per_class_draws_that_many_and_the_same_again(samples):
    first, again = (choose(samples, Recipe(per_class=100)) for _ in range(2))
    assert first == again
    assert Counter(row.label for row in first) == {0: 100, 1: 100}
    assert first != choose(samples, Recipe(per_class=100, seed=1))
    assert [samples.index(row) for row in first] == sorted(samples.index(row) for row in first)


@pytest.mark.parametrize(
    ("fields", "drawn"),
    [
        ({"per_class": 100}, ["train"]),
        ({"split": "group"}, ["val", "test"]),
        ({"split": "random"}, ["val", "test"]),
        ({"split": "group", "folds": 3, "fold": 2}, ["val", "test"]),
        ({"split": "random", "folds": 3, "fold": 2}, ["val", "test"]),
    ],
)
def test_seeds_can_share_one_split(samples, fields, drawn):
    first, again, other = (
        choose(samples, Recipe(seed=seed, split_seed=split_seed, **fields))
        for seed, split_seed in ((5, -1), (6, 5), (5, 6))
    )
    assert first == again
    for split in drawn:
        ours, others = ({row.path for row in rows if row.split == split} for rows in (first, other))
        assert ours != others


@pytest.mark.parametrize("split", ["group", "random"])
def test_there_can_be_as_many_folds_as_groups_or_faces_of_a_class(split):
    samples = [FaceSample(f"{row}.png", row % 2, "train", str(row // 2)) for row in range(6)]
    recipes = [Recipe(split=split, folds=3, fold=fold, val_share=0.5) for fold in (1, 2, 3)]
    homes = [choose(samples, recipe) for recipe in recipes]
    assert [sorted(row.label for row in rows if row.split == "test") for rows in homes] == [[0, 1]] * 3


def test_too_few_faces_are_counted(samples):
    with pytest.raises(InputError, match="per_class 301; there are 300 real faces; accepted: up to that"):
        choose(samples, Recipe(per_class=301))
    with pytest.raises(InputError, match="folds 400; there are 300 real faces"):
        choose(samples, Recipe(split="random", folds=400, fold=1))
    with pytest.raises(InputError, match="folds 301; there are 300 real groups"):
        choose(samples, Recipe(split="group", folds=301, fold=1))


@pytest.mark.parametrize(("reals", "fakes"), [(4, 4), (40, 1), (1, 0)])
def test_too_few_rows_for_a_random_split_are_counted(reals, fakes):
    rows = [FaceSample(f"{row}.png", int(row >= reals), "train", str(row)) for row in range(reals + fakes)]
    words = f"split random: {reals} real and {fakes} fake .* val_share 0.1 and test_share 0.1; accepted: more"
    with pytest.raises(InputError, match=words):
        choose(rows, Recipe(split="random"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"folds": 3}, "folds 3, fold 0"),
        ({"folds": 3, "fold": 4}, "folds 3, fold 4"),
        ({"folds": 3, "fold": 1}, "folds need split group or random"),
        ({"val_share": 0.5, "test_share": 0.5}, "together below 1"),
        ({"val_share": 0.0}, "val_share above 0"),
    ],
)
def test_shares_and_folds_that_make_no_split_are_refused(values, words):
    with pytest.raises(InputError, match=words):
        Recipe(**values)


@pytest.fixture
def clips():
    """120 groups of a real and a fake clip of four faces, all in train, rows in turn."""
    return [
        FaceSample(f"{group}-{label}-{frame}.png", label, "train", str(group), f"{group}-{label}", frame)
        for frame in range(4)
        for group in range(120)
        for label in (0, 1)
    ]


@pytest.mark.parametrize("split", ["group", "random"])
def test_with_frames_clips_are_split_as_a_whole(clips, split):
    rows = choose(clips, Recipe(frames=4, split=split, val_share=0.2, test_share=0.3))
    assert [row.path for row in rows] == [row.path for row in clips]
    homes = {}
    for row in rows:
        homes.setdefault(row.video, set()).add(row.split)
    assert all(len(home) == 1 for home in homes.values())
    assert Counter(home for (home,) in homes.values())["test"] == pytest.approx(72, abs=16)
    assert (torn(rows) == 0) == (split == "group")


def test_with_frames_clips_are_drawn_and_counted(clips):
    rows = choose(clips, Recipe(frames=4, per_class=7))
    videos = Counter((row.label, row.video) for row in rows)
    assert Counter(label for label, _ in videos) == {0: 7, 1: 7}
    assert set(videos.values()) == {4}
    with pytest.raises(InputError, match="there are 120 real videos"):
        choose(clips, Recipe(frames=4, per_class=121))


def short(clips, group):
    """Without a clip's faces but for the first one, in one group of four."""
    return [row for row in clips if row.frame == 0 or int(row.group) % 4 != group]


def test_clips_too_short_for_the_model_are_not_drawn(clips):
    rows = choose(short(clips, 0), Recipe(frames=4, per_class=90))
    assert Counter(row.label for row in rows) == {0: 360, 1: 360}
    with pytest.raises(InputError, match="there are 90 real videos"):
        choose(short(clips, 0), Recipe(frames=4, per_class=91))


@pytest.mark.parametrize("split", ["group", "random"])
def test_clips_too_short_for_the_model_are_listed_and_no_part_of_the_shares(clips, split):
    rows = choose(short(clips, 0), Recipe(frames=4, split=split, val_share=0.2, test_share=0.3))
    assert [row.path for row in rows] == [row.path for row in short(clips, 0)]
    whole = {row.video: row.split for row in rows if row.frame == 3}
    assert Counter(whole.values())["test"] == pytest.approx(0.3 * 180, abs=1)
    assert (torn(rows) == 0) == (split == "group")


def test_without_a_clip_that_is_long_enough_all_are_listed(clips):
    rows = choose([row for row in clips if row.frame == 0], Recipe(frames=4, split="group"))
    assert {row.split for row in rows} == {"train"}


def test_with_frames_each_clip_is_tested_in_one_fold(clips):
    tested = []
    for fold in (1, 2, 3):
        rows = choose(clips, Recipe(frames=4, split="group", folds=3, fold=fold))
        tested += [row.path for row in rows if row.split == "test"]
    assert sorted(tested) == sorted(row.path for row in clips)


@pytest.mark.parametrize(("source", "told"), [("celebdf", True), ("mine", False)])
def test_a_new_split_that_parts_the_people_of_swaps_says_so(tmp_path, source, told):
    """A fake of Celeb-DF is in the group of its target; the extraction leaves out what ties two splits."""
    rows = []
    for target in range(20):
        clips = [f"id{target}_0000", *(f"id{target}_id{(target + step) % 20}_0000" for step in (1, 2))]
        rows += [
            FaceSample(f"{clip}.png", int(clip.count("id") > 1), "train", f"id{target}", clip, source=source)
            for clip in clips
        ]
    write_manifest(tmp_path / "manifest.csv", rows)
    for split, said in (("group", told), ("manifest", False)):
        data = open_data(Recipe(manifest=str(tmp_path / "manifest.csv"), split=split))
        assert (parted_swaps() in data.notices) is said


def test_pairs_that_are_one_group_are_not_parted():
    """As those of FaceForensics++ are."""
    rows = [
        FaceSample(f"{n}-{clip}.png", label, "train", str(n), clip, source="faceforensics")
        for n in range(10)
        for clip, label in ((f"{n:03d}", 0), (f"{n + 10:03d}", 0), (f"{n:03d}_{n + 10:03d}", 1))
    ]
    assert not parts_swaps(choose(rows, Recipe(split="group")))


@pytest.mark.parametrize(("drawn", "seed"), [(-1, 5), (0, 0), (3, 3)])
def test_zero_is_a_split_seed_like_any_other(drawn, seed):
    assert Recipe(seed=5, split_seed=drawn).drawing_seed == seed


@pytest.mark.parametrize(
    ("splits", "parted"), [("train test", True), ("val test", False), ("train val", False)]
)
def test_people_are_parted_between_training_and_test_alone(splits, parted):
    rows = [
        FaceSample(f"{split}.png", 0, split, split, "id0_0000", source="celebdf") for split in splits.split()
    ]
    assert parts_swaps(rows) is parted
