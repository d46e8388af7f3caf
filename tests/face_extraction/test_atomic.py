"""Writes that are whole or absent."""

import csv
import errno
import os
import stat
from pathlib import Path

import pytest

from face_extraction.atomic import atomic_path, sweep, write_bytes, write_csv, write_text
from face_extraction.errors import InputError


def test_folders_are_made_and_nothing_else_is_left(tmp_path):
    write_text(tmp_path / "a/b/ü.txt", "größer\n")

    assert (tmp_path / "a/b/ü.txt").read_bytes() == "größer\n".encode()
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["ü.txt"]


def test_an_older_file_is_replaced(tmp_path):
    write_bytes(tmp_path / "a", b"old and long")
    write_bytes(tmp_path / "a", b"new")

    assert (tmp_path / "a").read_bytes() == b"new"


def test_what_is_no_file_stands_as_it_was(tmp_path):
    """A rename would put a file in the place of a device, such as /dev/full."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()

    with pytest.raises(InputError, match="pipe: a device or a pipe; accepted: the name of a file"):
        write_text(tmp_path / "pipe", "new")
    with pytest.raises(InputError, match="folder: a folder; accepted: the name of a file"):
        write_text(tmp_path / "folder", "new")

    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]


def test_after_an_error_the_older_file_stands_and_nothing_is_left(tmp_path):
    target = tmp_path / "a.png"
    target.write_bytes(b"old")

    def write_half():
        with atomic_path(target) as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()

    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_target_is_untouched_until_the_block_ends(tmp_path):
    target = tmp_path / "a.png"

    with atomic_path(target) as temporary:
        temporary.write_bytes(b"new")
        assert not target.exists()
        assert temporary.suffix == ".png"
        assert temporary.parent == target.parent

    assert target.read_bytes() == b"new"


def test_a_block_that_wrote_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a"):
        pass

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", ["a,b", 'say "a"', "two\nlines", "\r", "a\r\nb", "", "ü"])
def test_every_text_comes_back_from_csv(tmp_path, value):
    write_csv(tmp_path / "a.csv", ("x", "y"), [(value, 1), (2, value)])

    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as handle:
        assert list(csv.reader(handle, strict=True)) == [["x", "y"], [value, "1"], ["2", value]]


def test_lines_of_csv_end_in_a_line_feed(tmp_path):
    write_csv(tmp_path / "a.csv", ("x", "y"), [(0.1, "")])

    assert (tmp_path / "a.csv").read_bytes() == b"x,y\n0.1,\n"


def test_a_full_disk_names_the_file(tmp_path):
    with pytest.raises(OSError, match="No space left") as failure, atomic_path(tmp_path / "a.npz"):
        raise OSError(errno.ENOSPC, "No space left on device")

    assert failure.value.filename == str(tmp_path / "a.npz")


def test_an_error_names_the_file_and_not_its_temporary_name(tmp_path, monkeypatch):
    def refuse(path, *_):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok: refuse(path))
    with pytest.raises(OSError, match="Read-only") as caught:
        write_bytes(tmp_path / "a.txt", b"a")
    assert caught.value.filename == str(tmp_path / "a.txt")


def test_content_is_on_the_disk_before_the_name_and_the_name_before_the_return(tmp_path, monkeypatch):
    """Else a power cut leaves an empty file under the name of a good one, or the old one."""
    calls = []
    replace, fsync = Path.replace, os.fsync

    def note_replace(path, target):
        calls.append(("rename", Path(target).name))
        return replace(path, target)

    def note_fsync(handle):
        calls.append(("fsync", Path(os.readlink(f"/proc/self/fd/{handle}")).name.partition("-")[0]))
        fsync(handle)

    monkeypatch.setattr(Path, "replace", note_replace)
    monkeypatch.setattr(os, "fsync", note_fsync)

    write_bytes(tmp_path / "new" / "a", b"new")

    parent = tmp_path.name.partition("-")[0]
    assert calls == [("fsync", parent), ("fsync", ".tmp"), ("rename", "a"), ("fsync", "new")]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_folders_is_written_to(tmp_path, monkeypatch, number):
    fsync = os.fsync

    def refuse(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, "no")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", refuse)

    write_bytes(tmp_path / "a", b"new")

    assert (tmp_path / "a").read_bytes() == b"new"


def test_what_killed_writers_left_is_swept(tmp_path):
    (tmp_path / ".tmp-12-a.png").write_bytes(b"half")
    (tmp_path / "a.png").write_bytes(b"whole")

    sweep(tmp_path)
    sweep(tmp_path / "absent")

    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_an_older_file_is_not_written_into(tmp_path):
    """It may be read meanwhile, and have another name: crops are linked, not copied."""
    write_bytes(tmp_path / "a", b"old")
    os.link(tmp_path / "a", tmp_path / "linked")

    write_bytes(tmp_path / "a", b"new")

    assert (tmp_path / "linked").read_bytes() == b"old"
