"""Manifests joined and filtered."""

import filecmp
import os
from dataclasses import replace

import pytest

from face_extraction.__main__ import main
from face_extraction.combine import combine
from face_extraction.errors import InputError
from face_extraction.manifest import Box, FaceSample, read_manifest, write_manifest
from face_extraction.settings import CropSpec, ExtractionSettings, read_settings, write_settings

CLIP = {"video": "c", "box": Box(1, 9, 9, 1)}


@pytest.fixture
def make(tmp_path):
    """make("name", sample, ...) -> the folder of a manifest whose crops hold their folder's name."""

    def build(name, *samples):
        folder = tmp_path / name
        for sample in samples:
            (folder / sample.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / sample.path).write_text(name)
        write_manifest(folder / "manifest.csv", samples)
        return folder

    return build


def _sample(path, label=0, split="train", group="g", **more):
    return FaceSample(f"faces/{path}", label, split, group, **more)


@pytest.fixture
def two(make):
    one = make("one", _sample("a.png", source="x"), _sample("b.png", 1, "val", "h", source="x", method="m"))
    other = make("other", _sample("a.png", 1, "test", "g", source="y", method="n"))
    return one, other


def test_paths_stay_valid_and_one_name_is_two_crops(two, tmp_path):
    out = tmp_path / "out"

    samples, doubled = combine(two, out)

    assert read_manifest(out / "manifest.csv") == samples
    assert [(sample.path, (out / sample.path).read_text()) for sample in samples] == [
        ("one/faces/a.png", "one"),
        ("one/faces/b.png", "one"),
        ("other/faces/a.png", "other"),
    ]
    assert [(sample.label, sample.split, sample.method) for sample in samples] == [
        (0, "train", ""),
        (1, "val", "m"),
        (1, "test", "n"),
    ]
    assert doubled == 0


def test_folders_of_one_name_are_told_apart(make, tmp_path):
    one = make("p/set", _sample("a.png", source="x"))
    other = make("q/set", _sample("a.png", source="y"))

    samples, _ = combine([one, other], tmp_path / "out")

    assert [(tmp_path / "out" / sample.path).read_text() for sample in samples] == ["p/set", "q/set"]


def test_crops_take_no_second_place_on_the_disk(two, tmp_path):
    combine(two[:1], tmp_path / "out")

    assert os.path.samefile(tmp_path / "out/faces/a.png", two[0] / "faces/a.png")


def test_without_hard_links_crops_are_copied(two, tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError("no links")

    monkeypatch.setattr(os, "link", refuse)

    combine(two[:1], tmp_path / "out")

    assert (tmp_path / "out/faces/a.png").read_text() == "one"


@pytest.mark.parametrize(
    ("where", "paths"),
    [
        (["method=m"], ["one/faces/b.png"]),
        (["method=,n"], ["one/faces/a.png", "other/faces/a.png"]),
        (["method!=m"], ["one/faces/a.png", "other/faces/a.png"]),
        (["label=fake", "split!=test"], ["one/faces/b.png"]),
        (["label!=unknown", "split=train,val"], ["one/faces/a.png", "one/faces/b.png"]),
        (["label=1", "source=y"], ["other/faces/a.png"]),
    ],
)
def test_rows_are_chosen(two, tmp_path, where, paths):
    samples, _ = combine(two, tmp_path / "out", where)

    assert [sample.path for sample in samples] == paths


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("methd=m", r"--where: unknown column 'methd' \(nearest: method\)"),
        ("method=mm", r"--where: unknown method 'mm' \(nearest: m\)"),
        ("method", "--where 'method': accepted: COLUMN=VALUE,VALUE"),
        ("box=1", "unknown column 'box'"),
        ("label=2", "unknown label '2'"),
    ],
)
def test_a_condition_that_means_nothing_is_refused(two, tmp_path, where, message):
    with pytest.raises(InputError, match=message):
        combine(two, tmp_path / "out", [where])
    assert not (tmp_path / "out").exists()


def test_no_row_left_is_refused(two, tmp_path):
    with pytest.raises(InputError, match=r"no row is left of .* with --where label=real --where method=m"):
        combine(two, tmp_path / "out", ["label=real", "method=m"])


def test_a_face_in_two_manifests_is_taken_once_and_counted(make, tmp_path):
    first = _sample("a.png", source="x", **CLIP)
    one = make("one", first, _sample("b.png", source="x", **(CLIP | {"box": Box(1, 99, 99, 1)})))
    other = make(
        "other", replace(first, path="faces/named otherwise.png"), replace(first, path="faces/c.png", frame=5)
    )

    samples, doubled = combine([one, other], tmp_path / "out")

    assert [sample.path for sample in samples] == ["one/faces/a.png", "one/faces/b.png", "other/faces/c.png"]
    assert doubled == 1


def test_a_copy_of_a_ready_made_crop_is_the_same_face(make, tmp_path, capsys):
    """Such crops have no place in their video, and a copy has another name and other bytes."""
    crop = _sample("a.jpg", source="x", video="c", digest="1234567890abcdef")
    other = replace(crop, path="faces/b.jpg", digest="fedcba0987654321")
    copy = replace(crop, path="faces/real/a-77.png")
    fake = replace(copy, path="faces/fake/swap/a-77.png", label=1, method="swap", digest="aaaaaaaaaaaaaaaa")
    folders = [make("crops", crop, other), make("fakes", copy, fake)]

    assert main(["manifest", *map(str, folders), "--out", str(tmp_path / "out")]) == 0

    paths = [sample.path for sample in read_manifest(tmp_path / "out" / "manifest.csv")]
    assert paths == ["crops/faces/a.jpg", "crops/faces/b.jpg", "fakes/faces/fake/swap/a-77.png"]
    assert "each taken once, from the first that has it: 1\n" in capsys.readouterr().out


def test_a_crop_of_another_digest_is_another_face(make, tmp_path):
    """Even under one name and with one size: the digests were recorded, so no file is read."""
    crop = _sample("a.jpg", source="x", digest="1234567890abcdef")
    folders = [make("one", crop), make("two", replace(crop, digest="fedcba0987654321"))]

    samples, doubled = combine(folders, tmp_path / "out")

    assert (len(samples), doubled) == (2, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": 1}, "has label 1, but 0 in .*; a face may have one"),
        ({"split": "test"}, "has split test, but train in"),
        ({"group": "h"}, "has group h, but g in"),
    ],
)
def test_a_face_with_two_truths_is_refused(make, tmp_path, change, message):
    first = _sample("a.png", source="x", **CLIP)
    folders = [make("one", first), make("other", replace(first, **change))]

    with pytest.raises(InputError, match=message):
        combine(folders, tmp_path / "out")


def test_a_group_in_two_splits_is_refused(make, tmp_path):
    folders = [
        make("one", _sample("a.png", source="x")),
        make("two", _sample("b.png", 0, "test", source="x")),
    ]

    with pytest.raises(InputError, match="group 'g' stands in the splits test and train"):
        combine(folders, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_wrong_inputs_are_refused(two, tmp_path):
    with pytest.raises(InputError, match="given twice"):
        combine([two[0], two[0] / "manifest.csv"], tmp_path / "out")
    with pytest.raises(InputError, match="exists; choose another --out"):
        combine(two, two[0])
    (two[1] / "faces/a.png").unlink()
    with pytest.raises(InputError, match="no such crop, though its manifest names it"):
        combine(two, tmp_path / "out")
    assert not (tmp_path / "out/manifest.csv").exists()


def test_settings_are_kept_where_they_agree(two, tmp_path):
    settings = ExtractionSettings(crop=CropSpec(size=96))
    for folder in two:
        write_settings(folder, settings)

    combine(two, tmp_path / "alike")
    write_settings(two[1], ExtractionSettings())
    combine(two, tmp_path / "unlike")

    assert read_settings(tmp_path / "alike") == settings
    assert read_settings(tmp_path / "unlike") is None


def test_the_command(two, tmp_path, capsys):
    out = tmp_path / "out"

    status = main(["manifest", *map(str, two), "--out", str(out), "--where", "split=train,test"])

    assert status == 0
    printed = capsys.readouterr().out
    assert "2 faces from 2 manifests" in printed
    assert f"written: {out / 'manifest.csv'}" in printed
    assert len(read_manifest(out / "manifest.csv")) == 2


def test_crops_that_lie_in_the_new_folder_already_stay(make, tmp_path):
    one, two = make("one", _sample("a.png", source="x")), make("two", _sample("b.png", 1, source="y"))

    samples, _ = combine([one, two], tmp_path)

    assert [sample.path for sample in samples] == ["one/faces/a.png", "two/faces/b.png"]
    assert [(tmp_path / sample.path).read_text() for sample in samples] == ["one", "two"]


def test_one_name_in_two_folders_of_a_manifest_is_two_faces(make, tmp_path):
    one = make("one", _sample("clip1/0001.png"), _sample("clip2/0001.png"))
    other = make("other", _sample("clip3/0001.png"))  # another picture of the same name

    samples, doubled = combine([one, other], tmp_path / "out")

    assert (len(samples), doubled) == (3, 0)


def test_stills_of_one_name_are_compared_only_where_their_sizes_agree(make, tmp_path, monkeypatch):
    """Else thousands of 0001.png in each of two manifests would be compared in millions of pairs."""
    compared, compare = [], filecmp.cmp
    monkeypatch.setattr(
        filecmp, "cmp", lambda *files, **how: compared.append(files) or compare(*files, **how)
    )
    folders = [make(name, *(_sample(f"{n}/0001.png") for n in range(5))) for name in ("one", "other")]
    (folders[1] / "faces/3/0001.png").write_text("one")

    samples, doubled = combine(folders, tmp_path / "out")

    assert (len(samples), doubled) == (9, 1)
    assert compared == [(folders[1] / "faces/3/0001.png", folders[0] / "faces/0/0001.png")]


def test_a_crop_that_a_stopped_run_left_is_taken_anew(two, tmp_path):
    (tmp_path / "out/faces").mkdir(parents=True)
    (tmp_path / "out/faces/a.png").write_text("stale")

    combine(two[:1], tmp_path / "out")

    assert (tmp_path / "out/faces/a.png").read_text() == "one"


def test_crops_of_another_manifest_in_the_new_folder_are_not_replaced(make, tmp_path):
    mine = make("data/celeb", _sample("a.png"))
    folders = [make("backup/celeb", _sample("a.png")), make("dfdc", _sample("b.png", 1, group="h"))]

    with pytest.raises(InputError, match=r"celeb/manifest\.csv: the crops of .*backup/celeb would"):
        combine(folders, tmp_path / "data")

    assert (mine / "faces/a.png").read_text() == "data/celeb"


def test_two_videos_of_one_name_are_refused_and_parts_of_one_are_not(make, tmp_path):
    first = _sample("a.png", source="RAW", **CLIP)
    one = make("one", first)
    other = make("other", _sample("b.png", source="RAW", **(CLIP | {"box": Box(5, 7, 7, 5)})))

    with pytest.raises(InputError, match=r"video 'c' of 'RAW' stands in .*csv too, with no face in"):
        combine([one, other], tmp_path / "out")
    assert not (tmp_path / "out").exists()

    longer = make("longer", first, _sample("b.png", source="RAW", **(CLIP | {"frame": 5})))
    assert len(combine([one, longer], tmp_path / "out")[0]) == 2


@pytest.mark.parametrize(
    ("names", "splits", "told"),
    [
        (("deepfake-faces", "dfdc"), ("train", "test"), True),
        (("faceforensics", "deeperforensics"), ("test", "val"), True),
        (("deepfake-faces", "dfdc"), ("train", "train"), False),
        (("deepfake-faces", "faceforensics"), ("train", "test"), False),
    ],
)
def test_data_sets_of_the_same_recordings_in_two_splits_are_named(
    make, tmp_path, capsys, names, splits, told
):
    rows = [_sample("a.png", 0, split, source=name) for name, split in zip(names, splits, strict=True)]
    folders = [make(row.source, row) for row in rows]

    assert main(["manifest", *map(str, folders), "--out", str(tmp_path / "out")]) == 0

    printed = capsys.readouterr().out
    assert ("is made from the recordings of" in printed) == told
    assert all(name in printed for name in names) or not told
