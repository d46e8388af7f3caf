from pathlib import Path

import numpy as np
import pytest

import face_extraction
from dfdetect.sample import films
from dfdetect.sample import sample_set as sample
from dfdetect.sample.films import read_video, write_video
from dfdetect.sample.sample_set import NOTICE, PAIRS, draw_sample, pair_name, sample_manifest
from face_extraction.errors import InputError
from face_extraction.manifest import FAKE, REAL, read_manifest
from face_extraction.sources import get_source
from face_extraction.splits import SplitRule

FRAMES = 6
SECONDS = FRAMES / 24


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "drawn"
    draw_sample(folder, pairs=2, seconds=SECONDS)
    return folder


def test_the_tree_is_one_that_the_folders_source_reads(tree):
    listing = get_source("folders").find(tree)
    assert sorted((item.path, item.label, item.group) for item in listing.items) == [
        ("fake/01_02/01_from_02.mp4", FAKE, "01_02"),
        ("fake/01_02/02_from_01.mp4", FAKE, "01_02"),
        ("fake/03_04/03_from_04.mp4", FAKE, "03_04"),
        ("fake/03_04/04_from_03.mp4", FAKE, "03_04"),
        ("real/01_02/01.mp4", REAL, "01_02"),
        ("real/01_02/02.mp4", REAL, "01_02"),
        ("real/03_04/03.mp4", REAL, "03_04"),
        ("real/03_04/04.mp4", REAL, "03_04"),
    ]
    assert listing.ledger == []


def test_every_clip_opens_and_has_its_frames(tree):
    videos = sorted(tree.rglob("*.mp4"))
    assert len(videos) == 8
    for path in videos:
        frames = read_video(path)
        assert len(frames) == FRAMES
        assert frames[0].shape == (320, 320, 3)


def test_it_says_that_these_are_drawings(tree):
    assert NOTICE in (tree / "README.txt").read_text(encoding="utf-8")


def test_the_default_pairs_give_every_split_some_and_most_to_training():
    splits = [SplitRule().split_of(pair_name(number)) for number in range(PAIRS)]
    assert {split: splits.count(split) for split in set(splits)} == {"train": 18, "val": 6, "test": 6}


def test_equal_seeds_give_equal_frames_and_others_do_not(tree, tmp_path):
    draw_sample(tmp_path / "again", pairs=2, seconds=SECONDS)
    for path in sorted(tree.rglob("*.mp4")):
        other = tmp_path / "again" / path.relative_to(tree)
        np.testing.assert_array_equal(read_video(path), read_video(other))
    draw_sample(tmp_path / "other", pairs=1, seconds=SECONDS, seed=1)
    ours, theirs = (read_video(root / "real/01_02/01.mp4")[0] for root in (tree, tmp_path / "other"))
    assert np.abs(ours.astype(int) - theirs).mean() > 10


def test_fakes_differ_in_the_face_and_outside_by_no_more_than_compression(tree, tmp_path):
    for pair, target, donor in (("01_02", "01", "02"), ("01_02", "02", "01"), ("03_04", "03", "04")):
        real = read_video(tree / f"real/{pair}/{target}.mp4")
        fake = read_video(tree / f"fake/{pair}/{target}_from_{donor}.mp4")
        again = write_video(tmp_path / f"{target}.mp4", real)
        swapped, compressed = (
            np.abs(np.array(each).astype(int) - real).mean(axis=(0, 3)) for each in (fake, again)
        )
        face, corner = (slice(130, 210), slice(120, 200)), (slice(0, 60), slice(0, 60))
        assert swapped[face].mean() > 2 * compressed[face].mean()
        assert swapped[corner].mean() < 1.3 * compressed[corner].mean() + 0.2


def test_a_folder_in_use_is_refused_and_an_empty_one_taken(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="mine: already exists; accepted: a new or empty folder"):
        draw_sample(tmp_path / "mine", pairs=1, seconds=SECONDS)
    (tmp_path / "empty").mkdir()
    draw_sample(tmp_path / "empty", pairs=1, seconds=0.1)
    assert (tmp_path / "empty" / "real").is_dir()


@pytest.mark.parametrize("wrong", [{"pairs": 0}, {"seconds": 0.0}, {"seconds": 1e6}])
def test_numbers_out_of_range_are_refused(tmp_path, wrong):
    with pytest.raises(InputError, match="accepted: 1 to 999 pairs"):
        draw_sample(tmp_path / "new", **wrong)
    assert list(tmp_path.iterdir()) == []


def test_after_a_failure_nothing_is_left(tmp_path, monkeypatch):
    def fails(path, frames):
        raise InputError("disk full")

    monkeypatch.setattr(sample, "write_video", fails)
    with pytest.raises(InputError, match="disk full"):
        draw_sample(tmp_path / "new", pairs=1, seconds=SECONDS)
    assert list(tmp_path.iterdir()) == []


def test_a_video_that_lost_frames_is_refused(tmp_path, monkeypatch):
    frames = [np.zeros((64, 64, 3), np.uint8)] * 5
    monkeypatch.setattr(films, "read_video", lambda path: frames[:3])
    with pytest.raises(InputError, match=r"a\.mp4: 3 of 5 frames were written"):
        write_video(tmp_path / "a.mp4", frames)
    assert list(tmp_path.iterdir()) == []


def test_a_clip_keeps_its_colours(tmp_path):
    frame = np.zeros((64, 64, 3), np.uint8)
    frame[:, :32], frame[:, 32:] = (200, 60, 40), (40, 60, 200)
    seen = write_video(tmp_path / "a.mp4", [frame] * 3)[2]
    np.testing.assert_allclose(seen[32, 10], (200, 60, 40), atol=12)
    np.testing.assert_allclose(seen[32, 54], (40, 60, 200), atol=12)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A cache of its own, and a sample set of one short pair; counts how often it is drawn."""
    drawn = []

    def draw(folder: Path) -> None:
        drawn.append(folder)
        draw_sample(folder, pairs=1, seconds=SECONDS)

    monkeypatch.setenv("DFDETECT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sample, "draw_sample", draw)
    return drawn


def test_the_manifest_is_made_once(small, tmp_path):
    path = sample_manifest()
    samples = read_manifest(path)
    assert path.is_relative_to(tmp_path / "cache")
    assert {one.label for one in samples} == {REAL, FAKE}
    assert {(one.source, one.group) for one in samples} == {("drawn-people", "01_02")}
    assert len(samples) >= 4 * FRAMES - 1
    assert all((path.parent / one.path).is_file() for one in samples)
    assert sample_manifest() == path
    assert len(small) == 1


def test_a_stopped_drawing_leaves_no_half_sample(small, tmp_path, monkeypatch):
    def stop(folder):
        (folder / "half").mkdir(parents=True)
        raise KeyboardInterrupt

    monkeypatch.setattr(sample, "draw_sample", stop)
    with pytest.raises(KeyboardInterrupt):
        sample_manifest()
    assert list((tmp_path / "cache").iterdir()) == []


def test_other_settings_or_another_drawing_have_another_name():
    names = {sample._fingerprint(1), sample._fingerprint(2), sample._fingerprint(1, 2)}
    assert len(names) == 3


def test_another_way_to_list_or_extract_it_has_another_name(tmp_path, monkeypatch):
    monkeypatch.setattr(face_extraction, "__path__", [str(tmp_path)])
    (tmp_path / "sources").mkdir()
    names = []
    for file, code in (("crop.py", "a"), ("crop.py", "b"), ("sources/folders.py", "c")):
        (tmp_path / file).write_text(code)
        names.append(sample._fingerprint())
    assert len(set(names)) == 3


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DFDETECT_CACHE", str(tmp_path / "file" / "cache"))
    told = r"cannot be written \(Not a directory\); DFDETECT_CACHE names another folder$"
    with pytest.raises(InputError, match=told):
        sample_manifest()


def test_the_cache_lies_in_the_home_folder_unless_named(monkeypatch):
    monkeypatch.delenv("DFDETECT_CACHE", raising=False)
    assert sample.cache_folder() == Path.home() / ".cache" / "dfdetect"


def test_the_cache_follows_the_code_that_draws(monkeypatch):
    read, original = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path.name) or original(path))
    sample._fingerprint()
    assert {"sample_set.py", "head.py", "swaps.py", "crop.py"} <= set(read)
