"""Prints of crops are read anew where a crop has changed, and only there."""

import os

import pytest

from dfdetect.audit import prints as module
from dfdetect.audit.prints import read_prints


@pytest.mark.parametrize("changed", ["size", "time", "nothing"])
def test_a_crop_is_read_anew_where_its_size_or_time_has_changed(tmp_path, plant, face, monkeypatch, changed):
    path, cache = plant(face(1), "a", "train").path, tmp_path / "cache.sqlite"
    before = read_prints(tmp_path, [path], cache)
    old = (tmp_path / path).stat()
    if changed == "size":
        plant(face(2, 48), "a", "train")
        assert (tmp_path / path).stat().st_size != old.st_size
    later = old.st_mtime_ns + (10**9 if changed == "time" else 0)
    os.utime(tmp_path / path, ns=(later, later))
    reads, read = [], module._read
    monkeypatch.setattr(module, "_read", lambda *given: reads.append(given) or read(*given))

    after = read_prints(tmp_path, [path], cache)

    assert len(reads) == (changed != "nothing")
    assert (after.digests == before.digests) == (changed != "size")


def test_what_the_system_cannot_read_has_failed_and_what_is_no_picture_is_unreadable(tmp_path, plant, face):
    read = plant(face(1), "a", "train").path
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "torn.png").write_bytes(b"no picture")

    prints = read_prints(tmp_path, [read, "folder.png", "torn.png"], tmp_path / "cache.sqlite")

    assert prints.read.tolist() == [True, False, False]
    assert [(row.path, row.reason) for row in prints.ledger] == [
        ("folder.png", "failed"),
        ("torn.png", "unreadable"),
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")

    (row,) = read_prints(tmp_path, ["a.png"], tmp_path / "cache.sqlite").ledger

    assert row.detail == "not a file (a pipe, a socket or a device)"
