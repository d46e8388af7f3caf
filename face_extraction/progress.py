"""Show the progress of long work: a bar with rate and estimate on a terminal, plain lines in a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_SECONDS = 10.0


class Advance(Protocol):
    """Reports finished work to the display."""

    def __call__(self, done: int = 1, note: str = "") -> None:
        """Count `done` more units; `note` is a short text shown beside the bar."""


@contextmanager
def progress(title: str, total: int, *, unit: str = "items", done: int = 0) -> Iterator[Advance]:
    """Show the progress of `total` units on standard error.

    Args:
        title: what is being done.
        total: the number of units.
        unit: their name, in the plural.
        done: how many were finished before this call, if the work continues.
    """
    show = _bar if sys.stderr.isatty() else _lines
    with show(title, total, unit, done) as advance:
        yield advance


@contextmanager
def _bar(title: str, total: int, unit: str, done: int) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        # The note may be a file name, whose brackets are not markup.
        TextColumn("{task.fields[note]}", markup=False),
    )
    start = time.monotonic()
    # A bar catches printed text and prints it above itself, on its own stream. That is right on a screen, but
    # text for a file or a pipe must get there.
    on_screen = sys.stdout.isatty()
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=on_screen) as bar:
        task = bar.add_task(title, total=total, completed=done, rate="", note="")
        count = 0

        def advance(done: int = 1, note: str = "") -> None:
            nonlocal count
            count += done
            rate = f"{count / max(time.monotonic() - start, 1e-9):.1f} {unit}/s"
            bar.update(task, advance=done, rate=rate, note=note)

        yield advance


@contextmanager
def _lines(title: str, total: int, unit: str, done: int) -> Iterator[Advance]:
    start = last = time.monotonic()
    fresh = 0

    def say(now: float, note: str) -> None:
        rate = fresh / max(now - start, 1e-9)
        left = f", {(total - done - fresh) / rate:.0f} s left" if rate and done + fresh < total else ""
        extra = f" {note}" if note else ""
        print(
            f"{title}: {done + fresh}/{total} {unit}, {rate:.1f}/s{left}{extra}", file=sys.stderr, flush=True
        )

    def advance(done: int = 1, note: str = "") -> None:
        nonlocal fresh, last
        fresh += done
        now = time.monotonic()
        if now - last >= LINE_SECONDS:
            last = now
            say(now, note)

    yield advance
    say(time.monotonic(), "")
