"""Clips from manifest rows: which faces, in which order, and the same batches from every loader."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dfdetect.data.clips import ClipStore, InputSize, check_videos, fewest, make_clips, open_store, spread
from dfdetect.data.faces import FaceStore, Pass
from dfdetect.data.pipeline import NumpyBatches, make_dataset
from face_extraction.errors import InputError
from face_extraction.images import read_rgb
from face_extraction.manifest import Box, FaceSample, read_manifest


def face(video, frame, label=1, **more):
    path = f"{more.get('method', '')}{video}-{frame}-{label}-{more.get('box', ('',))[0]}.png"
    return FaceSample(path, label, "train", "g", video, frame, frame / 25, **more)


@pytest.mark.parametrize(
    ("count", "frames", "expected"),
    [
        (4, 4, [0, 1, 2, 3]),
        (10, 4, [1, 3, 6, 8]),
        (300, 3, [50, 150, 250]),  # over the whole clip, not the first three
        (3, 4, [0, 1, 1, 2]),
        (2, 4, [0, 0, 1, 1]),
        (5, 8, [0, 0, 1, 2, 2, 3, 4, 4]),
    ],
)
def test_faces_are_the_middles_of_equal_parts(count, frames, expected):
    assert spread(count, frames) == expected


@given(st.integers(2, 40), st.integers(0, 200))
def test_no_face_stands_more_than_twice_nor_twice_without_need(frames, more):
    count = fewest(frames) + more
    chosen = spread(count, frames)
    assert len(chosen) == frames
    assert chosen == sorted(chosen)
    assert max(Counter(chosen).values()) <= (1 if count >= frames else 2)
    assert len(set(chosen)) == min(count, frames)


def test_fewest_is_half_and_never_one():
    assert [fewest(frames) for frames in (2, 3, 4, 5, 8)] == [2, 2, 2, 3, 4]


def test_rows_in_any_order_become_clips_in_order_of_time():
    rows = [face("a", frame) for frame in (0, 3, 10, 20, 100)]
    random.Random(1).shuffle(rows)
    (clip,), ledger = make_clips(rows, 5)
    assert [sample.frame for sample in clip.faces] == [0, 3, 10, 20, 100]
    assert clip.sample.frame == 0
    assert not clip.repeats
    assert ledger == []


def test_one_name_under_two_methods_or_labels_is_two_clips():
    rows = [face("a", f, method=m) for f in (0, 1) for m in ("swap", "talk")]
    rows += [face("a", f, label=0) for f in (0, 1)]
    clips, _ = make_clips(rows, 2)
    assert [(clip.sample.method, clip.sample.label) for clip in clips] == [("swap", 1), ("talk", 1), ("", 0)]
    assert all(len({(s.method, s.label) for s in clip.faces}) == 1 for clip in clips)


def test_of_several_faces_in_a_frame_the_largest_is_taken():
    small, large = Box(0, 10, 10, 0), Box(1, 31, 31, 1)
    rows = [face("a", f, box=box) for f in (0, 5) for box in ((small, large) if f else (large, small))]
    (clip,), _ = make_clips(rows, 2)
    assert [sample.box for sample in clip.faces] == [large, large]


def test_each_person_of_a_clip_is_a_sample_and_none_is_mixed():
    rows = [face("a", f, person=1 + f % 2) for f in range(8)] + [face("a", 9, person=3)]
    clips, ledger = make_clips(rows, 4)
    assert [{sample.person for sample in clip.faces} for clip in clips] == [{1}, {2}]
    assert [[sample.frame for sample in clip.faces] for clip in clips] == [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert ledger == []  # the third person is seen once, but the clip has samples
    _, ledger = make_clips([face("b", f, person=1 + f) for f in range(4)], 4)
    assert [row.detail for row in ledger] == [
        "video 'b': faces of a person: 1; needed: 2 for a model that takes 4"
    ]


def test_too_few_faces_and_stills_are_listed():
    rows = [face("long", f) for f in range(3)] + [face("short", f) for f in range(2)]
    rows.append(FaceSample("still.png", 0, "train", "g"))
    clips, ledger = make_clips(rows, 6)
    assert [clip.sample.video for clip in clips] == ["long"]
    assert clips[0].repeats
    assert [(row.path, row.reason) for row in ledger] == [
        ("short-0-1-.png", "too_few_faces"),
        ("still.png", "too_few_faces"),
    ]
    assert ledger[0].detail == "video 'short': faces of a person: 2; needed: 3 for a model that takes 6"
    assert ledger[1].detail.startswith("a photo: faces of a person: 1")


def test_a_manifest_of_stills_is_refused(tmp_path):
    stills = [FaceSample("a.png", 0, "train", "g")]
    with pytest.raises(InputError, match=r"m\.csv: its rows are photos; frames 4 needs videos"):
        check_videos(stills, 4, tmp_path / "m.csv")
    check_videos([*stills, face("a", 0)], 4, tmp_path / "m.csv")


@pytest.fixture
def opened(write_clips, tmp_path):
    """A store of clips of four frames, and the manifest's folder."""
    path = write_clips(tmp_path, train=6, val=0, test=0)
    store, ledger = open_store(tmp_path, read_manifest(path), InputSize(16, 4), title="open", cached=True)
    assert ledger == []
    return store


def test_a_clip_is_its_faces_stacked(opened, tmp_path):
    faces = FaceStore(tmp_path, read_manifest(tmp_path / "manifest.csv"), 16)
    rows = {sample.path: row for row, sample in enumerate(faces.samples)}
    for index, sample in enumerate(opened.samples):
        stem = sample.path.rpartition("-")[0]
        wanted = [faces.load(rows[f"{stem}-{frame}.png"]) for frame in (0, 1, 3, 4)]
        np.testing.assert_array_equal(opened.load(index), np.stack(wanted))
        brightness = opened.load(index).mean(axis=(1, 2, 3))
        assert (np.diff(brightness) < 0).all() == bool(opened.labels[index])


@pytest.mark.parametrize("policy", ["none", "strong"])
def test_both_loaders_give_the_same_batches(opened, policy):
    clips = Pass(opened, np.array([5, 0, 3, 2, 4]), 2, policy, (0, 2), weights=(2.0, 1.0))
    tensors = [[np.asarray(part) for part in batch] for batch in make_dataset(clips)]
    batches = NumpyBatches(clips)
    arrays = [[np.asarray(part) for part in batches[step]] for step in range(len(batches))]
    assert [batch[0].shape for batch in tensors] == [(n, 4, 16, 16, 3) for n in (2, 2, 1)]
    for tensor, array in zip(tensors, arrays, strict=True):
        for left, right in zip(tensor, array, strict=True):
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)


def test_all_frames_of_a_clip_are_augmented_alike(write_clips, tmp_path):
    path = write_clips(tmp_path, train=2, val=0, test=0)
    still = read_rgb(tmp_path / read_manifest(path)[0].path)
    still[4:9, 3:8] = (200, 40, 90)

    class Still(ClipStore):
        def load(self, index):
            return np.stack([still] * 4)

    store = Still(FaceStore(tmp_path, [], 24), [], 4)
    varied = set()
    for position in range(8):
        clip = Pass(store, np.zeros(8, dtype=np.int64), 2, "strong", (0, 0)).item(position)
        assert all((frame == clip[0]).all() for frame in clip)
        varied.add(clip.tobytes())
    assert len(varied) == 8


def test_a_clip_with_a_face_that_cannot_be_read_is_one_ledger_row(write_clips, tmp_path):
    path = write_clips(tmp_path, train=6, val=0, test=0)
    for frame in (1, 3):
        (tmp_path / f"faces/train-1-0-{frame}.png").write_bytes(b"")
    (tmp_path / "faces/train-0-0-2.png").unlink()  # not one of the four that are taken
    store, ledger = open_store(tmp_path, read_manifest(path), InputSize(16, 4), title="open")
    assert [(row.path, row.reason) for row in ledger] == [("faces/train-1-0-1.png", "unreadable")]
    assert len(store) == 5
    assert not any(sample.video == "train-1-0.mp4" for sample in store.samples)


def test_repeats_are_counted_by_class(write_clips, tmp_path):
    path = write_clips(tmp_path, train=6, val=0, test=0)
    rows = [row for row in read_manifest(path) if row.video != "train-0-1.mp4" or row.frame < 9]
    store, _ = open_store(tmp_path, rows, InputSize(16, 5), title="open")
    assert store.repeats() == "0 of 3 real and 1 of 3 fake"
