"""Landmarks beside a manifest: found once, kept over a kill, and found again where a crop changed."""

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
from concurrent.futures import Future
from contextlib import contextmanager
from unittest import mock

import numpy as np
import pytest
from pebble import ProcessExpired

from face_extraction import landmarks as module
from face_extraction.__main__ import main
from face_extraction.errors import InputError
from face_extraction.images import write_image
from face_extraction.landmarks import (
    LANDMARKS_FILE,
    LANDMARKS_JOURNAL,
    LANDMARKS_LEDGER,
    face_box,
    read_landmarks,
)
from face_extraction.ledger import read_ledger
from face_extraction.lock import alone
from face_extraction.manifest import Box, FaceSample, read_manifest, write_manifest
from face_extraction.settings import CropSpec, ExtractionSettings, write_settings


@pytest.fixture
def manifest(tmp_path, draw_faces):
    """Three crops of a drawn face, 96 pixels wide, cut with a margin of .3."""
    samples = []
    for number in range(3):
        path = f"faces/{number}.png"
        write_image(tmp_path / path, draw_faces((48 + number, 48, 74), width=96, height=96))
        samples.append(FaceSample(path, 0, "train", str(number)))
    write_manifest(tmp_path / "manifest.csv", samples)
    write_settings(tmp_path, ExtractionSettings(crop=CropSpec(size=96, margin=0.3)))
    return tmp_path / "manifest.csv"


@pytest.fixture
def here(monkeypatch):
    """Notes which crops are looked at, in this process."""
    seen = []
    found = module._find

    def find(path, sample, margin):
        seen.append(sample.path)
        return found(path, sample, margin)

    monkeypatch.setattr(module, "_find", find)
    return seen


def test_the_points_lie_on_the_face_in_pixels_of_the_crop(manifest, here, capsys):
    assert main(["landmarks", str(manifest), "--workers", "1"]) == 0
    assert "3 faces with landmarks" in capsys.readouterr().out
    found = read_landmarks(manifest.parent)
    assert list(found.points) == [sample.path for sample in read_manifest(manifest)]
    for path, points in found.points.items():
        assert points.shape == (68, 2)
        assert points.dtype == np.float32
        assert found.shapes[path] == (96, 96)
        eyes, mouth = points[36:48].mean(axis=0), points[48:].mean(axis=0)
        assert 25 < eyes[1] < 55 < mouth[1] < 90
        assert abs(eyes[0] - 48) < 10


def test_the_folder_of_a_manifest_stands_for_it(manifest, here):
    assert main(["landmarks", str(manifest.parent), "--workers", "1"]) == 0
    assert (manifest.parent / LANDMARKS_FILE).is_file()


def test_only_what_is_missing_or_changed_is_looked_at_again(manifest, here, draw_faces):
    main(["landmarks", str(manifest), "--workers", "1"])
    before = (manifest.parent / LANDMARKS_FILE).read_bytes()
    here.clear()
    main(["landmarks", str(manifest), "--workers", "1"])
    assert here == []
    assert (manifest.parent / LANDMARKS_FILE).read_bytes() == before
    write_image(manifest.parent / "faces/1.png", draw_faces((40, 50, 60), width=96, height=96))
    rows = read_manifest(manifest)
    write_image(manifest.parent / "faces/new.png", draw_faces((48, 48, 74), width=96, height=96))
    write_manifest(manifest, [rows[0], rows[1], FaceSample("faces/new.png", 0, "train", "new")])
    main(["landmarks", str(manifest), "--workers", "1"])
    assert here == ["faces/1.png", "faces/new.png"]
    assert list(read_landmarks(manifest.parent).points) == ["faces/0.png", "faces/1.png", "faces/new.png"]


def test_a_crop_that_cannot_be_read_is_listed_and_the_others_go_on(manifest, here, capsys):
    (manifest.parent / "faces/1.png").write_bytes(b"no picture")
    (manifest.parent / "faces/2.png").unlink()
    assert main(["landmarks", str(manifest), "--workers", "1"]) == 1
    assert [(row.path, row.reason) for row in read_ledger(manifest.parent / LANDMARKS_LEDGER)] == [
        ("faces/1.png", "unreadable"),
        ("faces/2.png", "failed"),
    ]
    assert list(read_landmarks(manifest.parent).points) == ["faces/0.png"]
    assert "2 without" in capsys.readouterr().out


def test_of_crops_that_somebody_else_cut_the_face_is_searched(manifest, here, draw_faces):
    (manifest.parent / "extraction.toml").unlink()
    write_image(manifest.parent / "faces/1.png", draw_faces(width=96, height=96))  # a wall
    assert main(["landmarks", str(manifest), "--workers", "1"]) == 1
    [row] = read_ledger(manifest.parent / LANDMARKS_LEDGER)
    assert (row.path, row.reason) == ("faces/1.png", "no_face")
    points = read_landmarks(manifest.parent).points["faces/0.png"]
    assert 25 < points[36:48, 1].mean() < 55


def test_the_box_follows_from_how_the_crop_was_cut():
    row = FaceSample("a.png", 0, "train", "a")
    assert face_box(row, 130, 0.3) == Box(15, 115, 115, 15)
    assert face_box(row, 130, None) is None
    # A row's own numbers go over the settings: a face box of 50 pixels in a square of 100.
    cut = dataclasses.replace(row, box=Box(0, 50, 50, 0), width=100, height=100)
    assert face_box(cut, 200, 0.3) == Box(50, 150, 150, 50)


def test_without_the_file_there_are_none(tmp_path):
    assert read_landmarks(tmp_path).points == {}


def test_landmarks_that_are_no_numbers_and_a_single_array_are_refused(tmp_path):
    path = tmp_path / LANDMARKS_FILE
    points = np.full((1, 68, 2), np.nan, np.float32)
    np.savez(path, paths=np.array(["a"]), points=points, shapes=np.ones((1, 2), int), sizes=[1])
    with pytest.raises(InputError, match="not a file of landmarks"):
        read_landmarks(tmp_path)
    with path.open("wb") as handle:
        np.save(handle, points)
    with pytest.raises(InputError, match="not a file of landmarks"):
        read_landmarks(tmp_path)


@pytest.mark.parametrize("content", [b"", b"text", None])
def test_a_file_that_holds_no_landmarks_is_refused(tmp_path, content):
    path = tmp_path / LANDMARKS_FILE
    if content is None:
        np.savez(path, paths=np.array(["a"]), points=np.zeros((2, 68, 2)), shapes=np.zeros((1, 2)), sizes=[1])
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match="not a file of landmarks"):
        read_landmarks(tmp_path)


def test_wrong_use(manifest, capsys):
    assert main(["landmarks", str(manifest), "--workers", "0"]) == 2
    assert "--workers 0; accepted: 1 to 1,024" in capsys.readouterr().err
    assert main(["landmarks", str(manifest.parent / "faces")]) == 2
    assert "faces: no such manifest" in capsys.readouterr().err


def test_processes_give_what_one_process_gives(manifest):
    assert main(["landmarks", str(manifest), "--workers", "2"]) == 0
    assert len(read_landmarks(manifest.parent).points) == 3


KILLED = """
import os, signal, sys, time
from pathlib import Path
from face_extraction import landmarks
from face_extraction.__main__ import main

find, looked, journal = landmarks._find, [], Path(sys.argv[1], "landmarks.jsonl")

def find_or_die(path, sample, margin):
    if len(looked) == 2:
        while journal.read_bytes().count(b"\\n") < 2:  # This face begins while the second is being noted.
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
    looked.append(path)
    return find(path, sample, margin)

landmarks._find = find_or_die
main(["landmarks", sys.argv[1], "--workers", "1"])
"""


def search_two_and_die(folder):
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder)], capture_output=True, timeout=60)
    return done.returncode


needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")


@needs_kill
def test_after_a_kill_only_the_faces_that_were_not_finished_are_looked_at(manifest, here, tmp_path_factory):
    whole = tmp_path_factory.mktemp("whole")
    shutil.copytree(manifest.parent, whole, dirs_exist_ok=True)
    assert main(["landmarks", str(whole), "--workers", "1"]) == 0
    here.clear()
    assert search_two_and_die(manifest.parent) == -signal.SIGKILL
    assert not (manifest.parent / LANDMARKS_FILE).exists()
    (manifest.parent / f".tmp-1-{LANDMARKS_FILE}").touch()  # what a kill leaves that comes at the end
    with (manifest.parent / LANDMARKS_JOURNAL).open("ab") as handle:
        handle.write(b'{"path":"faces/2.png","size":3,"sha')  # and one that comes within a line
    assert main(["landmarks", str(manifest.parent), "--workers", "1"]) == 0
    assert here == ["faces/2.png"]
    for name in (LANDMARKS_FILE, LANDMARKS_LEDGER):
        assert (manifest.parent / name).read_bytes() == (whole / name).read_bytes()
    assert sorted(path.name for path in manifest.parent.iterdir()) == sorted(
        path.name for path in whole.iterdir()
    )


@needs_kill
def test_a_crop_that_changed_after_a_kill_is_looked_at_again(manifest, here, draw_faces):
    search_two_and_die(manifest.parent)
    write_image(manifest.parent / "faces/0.png", draw_faces((40, 50, 60), width=96, height=96))
    main(["landmarks", str(manifest), "--workers", "1"])
    assert here == ["faces/0.png", "faces/2.png"]


def test_a_face_that_kills_its_process_costs_itself_alone(manifest, here, monkeypatch):
    @contextmanager
    def pool(workers):
        executor = mock.Mock()
        executor.submit = submit
        yield executor

    def submit(function, folder, sample, margin):
        future = Future()
        if sample.path == "faces/1.png":
            future.set_exception(ProcessExpired("it died", code=-9))
        else:
            future.set_result(function(folder, sample, margin))
        return future

    monkeypatch.setattr("face_extraction.pool.small_pool", pool)
    assert main(["landmarks", str(manifest), "--workers", "2"]) == 1
    assert list(read_landmarks(manifest.parent).points) == ["faces/0.png", "faces/2.png"]
    [row] = read_ledger(manifest.parent / LANDMARKS_LEDGER)
    assert (row.path, row.reason) == ("faces/1.png", "failed")
    assert row.detail.startswith("its process was ended (exit code -9")


@pytest.mark.parametrize(
    "change",
    [
        {"points": [[1.0, 2.0]]},
        {"points": [[1e39, 2.0]] * 68},
        {"shape": [1 << 40, 96]},
        {"size": "3"},
    ],
)
def test_a_damaged_line_of_a_stopped_run_is_named(manifest, capsys, change):
    line = {"path": "faces/0.png", "size": 3, "shape": [96, 96], "points": [[1.0, 2.0]] * 68}
    whole, damaged = json.dumps(line), json.dumps(line | change)
    (manifest.parent / LANDMARKS_JOURNAL).write_text(f"{whole}\n{damaged}\n")
    assert main(["landmarks", str(manifest)]) == 2
    assert "landmarks.jsonl, line 2: damaged; delete that file" in capsys.readouterr().err


def test_two_runs_do_not_search_the_same_faces_at_once(manifest, capsys):
    with alone(manifest.parent):
        assert main(["landmarks", str(manifest)]) == 2
    assert "another process writes into it" in capsys.readouterr().err
