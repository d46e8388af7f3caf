"""Bars on a terminal, lines in a log."""

import io
import itertools
import sys

import pytest

from face_extraction import progress as module
from face_extraction.progress import progress


@pytest.fixture
def clock(monkeypatch):
    """Each look at the clock is 4 seconds after the one before."""
    ticks = itertools.count(0, 4)
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(ticks)))


def test_a_log_gets_a_line_now_and_then_and_one_at_the_end(clock, capsys):
    with progress("faces", 10, unit="clips", done=4) as advance:
        for index in range(6):
            advance(note=f"{index}.mp4")

    assert capsys.readouterr().err.splitlines() == [
        # Started at 0; looks at 4, 8 and 12 s: 3 of 6 clips in 12 s, so 3 more take 12 s.
        "faces: 7/10 clips, 0.2/s, 12 s left 2.mp4",
        "faces: 10/10 clips, 0.2/s 5.mp4",
        "faces: 10/10 clips, 0.2/s",
    ]


def test_no_work_is_no_error(capsys):
    with progress("faces", 0):
        pass

    assert capsys.readouterr().err == "faces: 0/0 items, 0.0/s\n"


def test_several_units_can_be_counted_at_once(capsys):
    with progress("bytes", 100) as advance:
        advance(60)
        advance(40)

    assert "bytes: 100/100 items" in capsys.readouterr().err


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_a_bar(monkeypatch):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")

    with progress("faces", 4, done=1) as advance:
        advance(3, note="a [b] [red].mp4")

    shown = terminal.getvalue()
    assert "4/4" in shown
    assert "a [b] [red].mp4" in shown
    assert "items/s" in shown


def test_a_bar_shows_names_with_brackets_as_they_are(monkeypatch):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")

    with progress("faces", 1) as advance:
        advance(note="x[/y] [bold].jpg")

    assert "x[/y] [bold].jpg" in terminal.getvalue()


@pytest.mark.parametrize(("kind", "where"), [(io.StringIO, "out"), (_Terminal, "err")])
def test_what_is_printed_beside_a_bar_gets_to_its_file_and_stands_above_the_bar_on_a_screen(
    monkeypatch, kind, where
):
    streams = {"out": kind(), "err": _Terminal()}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, f"std{name}", stream)

    with progress("faces", 1) as advance:
        print("a row")
        advance()

    assert [name for name, stream in streams.items() if "a row" in stream.getvalue()] == [where]
