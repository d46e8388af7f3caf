"""Sets of fakes as files, made by the command."""

import dataclasses
import json

import av
import numpy as np
import pytest

from dfdetect.fakes.__main__ import main
from dfdetect.fakes.motion import moving, write_video
from dfdetect.fakes.rate import pairs_a_second
from dfdetect.fakes.registry import Face
from dfdetect.fakes.sheet import HEAD
from face_extraction.combine import combine
from face_extraction.digest import file_digest
from face_extraction.images import read_rgb
from face_extraction.landmarks import LANDMARKS_FILE, Landmarks, read_landmarks, write_landmarks
from face_extraction.ledger import read_ledger
from face_extraction.manifest import FAKE, REAL, read_manifest, write_manifest


@pytest.fixture
def manifest(write_portraits, tmp_path):
    return write_portraits(tmp_path / "reals", train=4, val=4, test=4)


def make(manifest, out, *more):
    return main(["make", "--manifest", str(manifest), "--out", str(out), "--workers", "1", *more])


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.png")}


def test_a_set_has_reals_fakes_masks_labels_and_groups(manifest, tmp_path, capsys):
    out = tmp_path / "set"
    assert make(manifest, out, "--kind", "self_blend,swap") == 0
    assert "36 faces" in capsys.readouterr().out
    reals = {sample.group: sample.split for sample in read_manifest(manifest)}
    rows = read_manifest(out / "manifest.csv")
    assert [(row.label, row.method) for row in rows[:3]] == [(0, ""), (1, "self_blend"), (1, "swap")]
    assert len(rows) == 36
    assert all(reals[row.group] == row.split for row in rows)
    for real, *fakes in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        picture = read_rgb(out / real.path)
        for fake in fakes:
            changed = read_rgb(out / fake.path)
            name = fake.path.rpartition("/")[2]
            mask = read_rgb(out / "masks" / fake.method / name)[:, :, 0]
            assert (changed != picture).any()
            np.testing.assert_array_equal(changed[mask == 0], picture[mask == 0])


def test_a_set_that_was_cut_goes_on_and_is_the_same(manifest, tmp_path, capsys):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    make(manifest, whole, "--kind", "swap")
    make(manifest, cut, "--kind", "swap")
    gone = sorted(cut.rglob("*.png"))[::3]
    for path in gone:
        path.unlink()
    (cut / "manifest.csv").unlink()
    kept = {path: path.stat().st_mtime_ns for path in cut.rglob("*.png")}
    assert make(manifest, cut, "--kind", "swap") == 0
    assert contents(cut) == contents(whole)
    assert (cut / "manifest.csv").read_bytes() == (whole / "manifest.csv").read_bytes()
    reals = [path for path in kept if "real" in path.parts]
    assert all(path.stat().st_mtime_ns == kept[path] for path in reals)


def test_another_seed_makes_other_fakes_of_the_same_reals(manifest, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    make(manifest, one, "--kind", "region")
    make(manifest, other, "--kind", "region", "--seed", "1")
    first, second = contents(one), contents(other)
    assert first.keys() == second.keys()
    assert all((first[name] == second[name]) == ("faces/real" in name) for name in first)


def test_fakes_have_their_own_digest_and_real_faces_that_of_the_crop_they_copy(manifest, tmp_path):
    reals = [
        dataclasses.replace(row, video=row.group, digest=file_digest(manifest.parent / row.path)[:16])
        for row in read_manifest(manifest)
    ]
    write_manifest(manifest, reals)
    sets = [tmp_path / "one", tmp_path / "other"]
    for seed, out in enumerate(sets):
        make(manifest, out, "--kind", "region", "--seed", str(seed))
    one, other = ({row.path: row for row in read_manifest(out / "manifest.csv")} for out in sets)
    fakes = [path for path, row in one.items() if row.label == FAKE]
    assert len(fakes) == len(reals)
    for path in fakes:
        assert file_digest(sets[0] / path).startswith(one[path].digest)
        assert one[path].digest != other[path].digest
    copied = {row.group: row.digest for row in one.values() if row.label == REAL}
    assert copied == {row.group: row.digest for row in reals}
    # Each fake set can stand beside the crops it was made from: their reals are the same faces.
    joined, doubled = combine([manifest, sets[0]], tmp_path / "joined")
    assert doubled == len(reals)
    assert len(joined) == 2 * len(reals)


def test_another_set_in_the_same_folder_is_refused(manifest, tmp_path, capsys):
    make(manifest, tmp_path / "set", "--kind", "region")
    assert make(manifest, tmp_path / "set", "--kind", "region", "--seed", "1") == 2
    assert "it holds a set with seed 0, not 1" in capsys.readouterr().err
    assert make(manifest, tmp_path / "reals", "--kind", "region") == 2
    assert "exists, and was not made here" in capsys.readouterr().err


def test_a_face_that_cannot_be_read_or_has_no_landmarks_costs_itself_alone(manifest, tmp_path, capsys):
    rows = read_manifest(manifest)
    known = read_landmarks(manifest.parent)
    points = {path: each for path, each in known.points.items() if path != rows[1].path}
    write_landmarks(manifest.parent, Landmarks(points, known.shapes, known.sizes))
    (manifest.parent / rows[2].path).write_bytes(b"no picture")
    assert make(manifest, tmp_path / "set", "--kind", "self_blend") == 1
    ledger = read_ledger(tmp_path / "set" / "ledger.csv")
    assert [(row.path, row.reason) for row in ledger] == [
        (rows[1].path, "no_face"),
        (rows[2].path, "unreadable"),
    ]
    assert len(read_manifest(tmp_path / "set" / "manifest.csv")) == 20
    assert "2 real faces gave none" in capsys.readouterr().out


def test_donors_are_of_the_same_split(manifest, tmp_path, capsys):
    """With one group in a split there is nobody to swap with."""
    rows = [dataclasses.replace(row, group=row.split) for row in read_manifest(manifest)]
    write_manifest(manifest, rows)
    assert make(manifest, tmp_path / "set", "--kind", "swap") == 2
    assert "'swap' needs two groups or more in each split; 'train' has one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--kind", "swop"], "unknown kind of fake 'swop' (nearest: swap)"),
        (["--kind", "swap,swap"], "--kind 'swap,swap'; accepted"),
        (["--kind", ","], "--kind ','; accepted"),
        (["--frames", "1", "--videos"], "--frames 1; accepted: 2 to 10,000"),
        (["--crf", "52", "--videos"], "--crf 52; accepted: 0 to 51"),
        (["--frames", "9"], "--frames without --videos; accepted: both"),
        (["--crf", "20"], "--crf without --videos; accepted: both"),
        (["--workers", "0"], "--workers 0; accepted: 1 to 1,024"),
    ],
)
def test_wrong_use_is_one_line(manifest, tmp_path, capsys, flags, line):
    assert make(manifest, tmp_path / "set", *flags) == 2
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1


def test_without_landmarks_the_line_names_the_command(manifest, tmp_path, capsys):
    (manifest.parent / LANDMARKS_FILE).unlink()
    assert make(manifest, tmp_path / "set") == 2
    assert f"python -m face_extraction landmarks {manifest}" in capsys.readouterr().err


def test_a_manifest_of_fakes_alone_is_refused(manifest, tmp_path, capsys):
    write_manifest(manifest, [dataclasses.replace(row, label=1) for row in read_manifest(manifest)])
    assert make(manifest, tmp_path / "set") == 2
    assert "no real faces to make fakes from" in capsys.readouterr().err


def test_videos_lie_as_the_source_folders_wants_them(manifest, tmp_path):
    out = tmp_path / "videos"
    flags = ["--kind", "swap", "--split", "val", "--videos", "--frames", "4"]
    assert make(manifest, out, *flags) == 0
    videos = sorted(out.rglob("*.mp4"))
    assert [path.relative_to(out).parts[:2] for path in videos] == [
        (label, group) for label in ("fake", "real") for group in ("val-0", "val-0", "val-1", "val-1")
    ]
    with av.open(str(videos[0])) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert len(list(container.decode(video=0))) == 4
    before = {path: path.stat().st_mtime_ns for path in videos}
    assert make(manifest, out, *flags) == 0
    assert {path: path.stat().st_mtime_ns for path in videos} == before
    assert json.loads((out / "fakes.json").read_text())["frames"] == 4


def test_landmarks_move_with_the_face(portrait, tmp_path):
    face = Face(*portrait(1, 96))
    frames = list(moving(face, np.random.default_rng(0), 24))
    assert len(frames) == 24
    drift = [np.abs(frame.points - face.points).max() for frame in frames]
    assert max(drift) > 1
    # What lies at a landmark (here, the corners of the eyes and the mouth) is what lay there before.
    for frame in frames[::6]:
        for number in (36, 45, 48, 54):
            before = patch(face.picture, face.points[number])
            after = patch(frame.picture, frame.points[number])
            assert np.abs(before - after).mean() < 25
    write_video(tmp_path / "a.mp4", [frame.picture for frame in frames])
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert len(list(container.decode(video=0))) == 24


def patch(picture, point):
    x, y = np.rint(point).astype(int)
    return picture[y - 2 : y + 3, x - 2 : x + 3].astype(float).mean(axis=(0, 1))


@pytest.mark.parametrize("more", [[], ["--disturbed"]])
def test_a_sheet_is_a_picture_of_four_columns_a_kind(manifest, tmp_path, more):
    sheet = tmp_path / "sheet.png"
    flags = ["--kind", "self_blend,swap", "--count", "3", "--size", "32", *more]
    assert main(["sheet", "--manifest", str(manifest), "--out", str(sheet), *flags]) == 0
    shown = read_rgb(sheet)
    assert shown.shape == (HEAD + 96, 256, 3)
    head = shown[:HEAD]
    assert head.max() == 255
    for column in range(8):  # each has its title
        assert head[HEAD // 2 :, column * 32 : (column + 1) * 32].min() < 100


def test_a_sheet_of_another_format_is_refused(manifest, tmp_path, capsys):
    command = ["sheet", "--manifest", str(manifest), "--kind", "region", "--out", str(tmp_path / "x.txt")]
    assert main(command) == 2
    assert "x.txt; accepted: a file that ends in .png" in capsys.readouterr().err


def test_the_rate_is_printed_for_each_kind(manifest, capsys):
    assert main(["rate", "--manifest", str(manifest), "--size", "32", "--seconds", "0.1"]) == 0
    printed = capsys.readouterr().out
    for name in ("self_blend", "swap", "default", "none"):
        line = next(line for line in printed.splitlines() if line.split()[0] == name)
        assert float(line.split()[1]) > 0


def test_two_processes_measure_together(manifest):
    assert min(pairs_a_second(manifest, 32, {}, processes=2, seconds=0.1)) > 0


def test_a_rate_of_processes_that_cannot_be_started_is_one_line(manifest, tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["rate", "--manifest", str(manifest), "--size", "32", "--processes", "2"]) == 2
    assert "the working folder: No such file or directory; worker processes" in capsys.readouterr().err


def test_the_kinds_are_listed_with_whom_they_follow(capsys):
    assert main(["kinds"]) == 0
    printed = capsys.readouterr().out
    assert "swap (needs a donor): Another person's face" in printed
    assert "arXiv 2204.08376" in printed
