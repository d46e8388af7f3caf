"""Planted leaks of each kind: what is found, and what is falsely found."""

import numpy as np
import pytest

from dfdetect.audit.links import crossings, leaking
from dfdetect.audit.registry import NotLooked, get_kind, list_kinds
from dfdetect.audit.rows import Rows
from face_extraction.errors import InputError
from face_extraction.manifest import FaceSample


def found(kind, samples, folder):
    rows = Rows(folder, samples, folder / "cache.sqlite")
    return crossings(get_kind(kind).find(rows), rows.splits, rows.groups)


def clip(number, split, video, *, source="faceforensics", method="", group=None):
    return FaceSample(
        f"{number}.png", int(bool(method)), split, group or f"g{number}", video, source=source, method=method
    )


def test_a_group_is_one_within_its_data_set(tmp_path):
    samples = [
        clip(0, "train", "a", group="g"),
        clip(1, "test", "b", group="g"),
        clip(2, "test", "c", group="g", source="other"),
        clip(3, "val", "d"),
    ]
    (one,) = found("group", samples, tmp_path)
    assert (one.splits, one.pairs, one.examples) == (("train", "test"), 1, ((0, 1),))


def test_an_original_is_one_with_the_data_set_that_it_was_recorded_for(tmp_path):
    samples = [
        clip(0, "train", "a", group="a", source="deepfake-faces"),
        clip(1, "test", "b", group="a", source="dfdc"),
        clip(2, "test", "c", group="a", source="kaggle-faces"),
    ]
    (one,) = found("group", samples, tmp_path)
    assert (one.splits, one.pairs, one.examples) == (("train", "test"), 1, ((0, 1),))


def test_a_clip_is_told_by_its_method_too(tmp_path):
    samples = [
        clip(0, "train", "033_097", method="Deepfakes"),
        clip(1, "val", "033_097", method="Deepfakes"),
        clip(2, "test", "033_097", method="FaceSwap"),
    ]
    (one,) = found("video", samples, tmp_path)
    assert (one.splits, one.pairs) == (("train", "val"), 1)
    with pytest.raises(NotLooked, match="names no videos"):
        found("video", [FaceSample("a.png", 0, "train", "a"), FaceSample("b.png", 0, "test", "b")], tmp_path)


def test_a_swap_shares_its_target_and_its_source(tmp_path):
    samples = [
        clip(0, "train", "033_097", method="Deepfakes"),
        clip(1, "test", "097"),  # its source
        clip(2, "test", "097_033", method="Deepfakes"),  # the other way round: one pair, not two
        clip(3, "test", "500"),
        clip(4, "val", "501_500", method="Deepfakes"),  # the source of test row 3
        clip(5, "test", "097", source="folders"),  # nobody knows what this name says
    ]
    pairs = {each.splits: each.pairs for each in found("swap", samples, tmp_path)}
    assert pairs == {("train", "test"): 2, ("val", "test"): 1}
    with pytest.raises(NotLooked, match="it has no data set"):
        found("swap", samples[5:], tmp_path)


def test_people_of_celeb_df_and_actors_of_deeperforensics(tmp_path):
    samples = [
        clip(0, "train", "id0_id1_0000", source="celebdf", method="x"),
        clip(1, "test", "id1_0004", source="celebdf"),
        clip(2, "test", "id10_0004", source="celebdf"),
        clip(3, "test", "00001", source="celebdf"),
        clip(4, "train", "010_M101", source="deeperforensics", method="x"),
        clip(5, "val", "011_M101", source="deeperforensics", method="x"),
        clip(6, "test", "010"),
    ]
    pairs = {each.splits: each.examples for each in found("swap", samples, tmp_path)}
    assert pairs == {("train", "val"): ((4, 5),), ("train", "test"): ((0, 1), (4, 6))}


def test_the_official_split_of_faceforensics_shares_youtube_videos(tmp_path):
    samples = [
        clip(0, "train", "605"),
        clip(1, "test", "606_123", method="Deepfakes"),
        clip(2, "val", "607"),
        clip(3, "test", "604"),
    ]
    (one,) = found("youtube", samples, tmp_path)
    assert (one.splits, one.pairs, one.examples) == (("train", "test"), 1, ((0, 1),))
    with pytest.raises(NotLooked):
        found("youtube", [clip(0, "train", "x", source="dfdc")], tmp_path)


def test_the_source_of_a_swap_shows_a_youtube_video_too(tmp_path):
    samples = [clip(0, "train", "123_605", method="Deepfakes"), clip(1, "test", "606")]
    (one,) = found("youtube", samples, tmp_path)
    assert (one.splits, one.examples) == (("train", "test"), ((0, 1),))


def test_identical_files_are_found_and_doubles_inside_a_split_are_told(tmp_path, plant, face):
    samples = [plant(face(seed), f"a{seed}", ("train", "test")[seed % 2]) for seed in range(6)]
    samples += [plant(face(0), "again", "test"), plant(face(2), "inside", "train")]
    rows = Rows(tmp_path, samples, tmp_path / "cache.sqlite")
    links = get_kind("file").find(rows)
    (one,) = crossings(links, rows.splits, rows.groups)
    assert (one.pairs, one.examples) == (1, ((0, 6),))
    assert "2 rows repeat another row's file, 1 of them within" in links.note


def test_every_copy_of_a_file_has_its_near_duplicates(tmp_path, plant, face):
    brighter = np.clip(face(0).astype(int) + 6, 0, 255).astype(np.uint8)
    samples = [plant(face(0), "a", "train"), plant(face(1), "b", "val")]
    samples += [plant(brighter, name, "test") for name in ("c", "d")]
    rows = Rows(tmp_path, samples, tmp_path / "cache.sqlite")

    links = get_kind("near").find(rows)

    (one,) = crossings(links, rows.splits, rows.groups)
    assert (one.splits, one.pairs, one.rows) == (("train", "test"), 2, (1, 2))
    assert leaking([links], rows.splits).tolist() == [True, False, True, True]


def test_frames_of_one_clip_are_no_near_duplicates_and_those_of_two_are(tmp_path, plant, face):
    """The first clip lies in both splits; its train frame stands in the second clip too, byte by byte."""
    brighter = np.clip(face(0).astype(int) + 6, 0, 255).astype(np.uint8)
    samples = [
        plant(face(0), "a1", "train", video="a"),
        plant(face(0), "b1", "train", video="b"),
        plant(brighter, "a2", "test", video="a"),
        plant(face(1), "c1", "test", video="c"),
    ]
    rows = Rows(tmp_path, samples, tmp_path / "cache.sqlite")

    links = get_kind("near").find(rows)

    (one,) = crossings(links, rows.splits, rows.groups)
    assert (one.pairs, one.examples) == (1, ((1, 2),))


def test_without_any_crop_pictures_are_not_looked_at(tmp_path):
    with pytest.raises(NotLooked, match="no crop can be read"):
        found("near", [clip(0, "train", "a"), clip(1, "test", "b")], tmp_path)


def test_every_kind_says_what_it_is(tmp_path):
    names = [kind.name for kind in list_kinds()]
    assert names == ["group", "swap", "video", "youtube", "file", "near", "identity"]
    assert all(kind.meaning.endswith(".") and kind.title for kind in list_kinds())
    with pytest.raises(InputError, match="nearest: near"):
        get_kind("nera")
