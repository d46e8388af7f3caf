"""Where the service works: its folder and processes are there, or one line says why not."""

import os
import tempfile

import pytest

from dfdetect.serve import __main__ as command
from dfdetect.serve import workplace
from dfdetect.serve.workplace import Workplace
from face_extraction.errors import InputError

from .conftest import Threads


@pytest.fixture(autouse=True)
def threads(monkeypatch):
    monkeypatch.setattr(workplace, "LocalPool", Threads)


def test_the_folder_is_there_from_the_start_to_the_end():
    place = Workplace(2, 60)
    place.start()
    folder = place.folder
    (folder / "upload").touch()
    place.start()
    assert place.folder == folder
    place.close()
    assert not folder.exists()
    Workplace(2, 60).close()  # as after a start that failed


def test_without_a_folder_for_uploads_the_service_does_not_start(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "none")])
    assert command.main(["--port", "0"]) == 2
    line = capsys.readouterr().err
    assert "no folder for uploads (" in line
    assert "let TMPDIR name a folder that can be written" in line
    assert line.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_umask_that_forbids_all_is_told():
    before = os.umask(0o777)
    try:
        with pytest.raises(InputError, match=r"Permission denied\).*umask"):
            Workplace(1, 60).start()
    finally:
        os.umask(before)


def test_processes_that_cannot_be_started_are_told_before_the_address(monkeypatch, capsys):
    def refuse(self):
        raise InputError("worker processes cannot be started")

    monkeypatch.setattr(Threads, "start", refuse)
    assert command.main(["--port", "0"]) == 2
    out, line = capsys.readouterr()
    assert "http" not in out
    assert line.endswith("worker processes cannot be started\n")
