"""What the user sees of a search: a live table on a terminal, lines in a log."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from dfdetect.render.text import short
from tuning.rows import RUNNING, WAITING, Row, best_of, varied

SHOWN = 12
STYLES = {"failed": "red", "pruned": "dim", "running": "yellow"}


class Display:
    """Shows the trials of all workers while the block runs.

    Args:
        objective: the score's name.
        total: the largest number of trials.
        rows: returns all trials.
    """

    def __init__(self, objective: str, total: int, rows: Callable[[], Sequence[Row]]) -> None:
        self._objective, self._read = objective, rows
        self._rows = list(rows())
        self._said = {row.label for row in self._rows if _ended(row)}
        self._status = ""
        # Its own stream, because a trial's output is kept apart by redirecting standard error.
        self._stream = os.fdopen(os.dup(sys.__stderr__.fileno() if sys.__stderr__ else 2), "w")
        self._console = Console(file=self._stream)
        self._live: Live | None = None
        columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), "trials", TimeRemainingColumn())
        self._bar = Progress(
            *(TextColumn(column) if isinstance(column, str) else column for column in columns),
            console=self._console,
        )
        self._task = self._bar.add_task("search", total=total, completed=len(self._said))
        self._total = total

    def __enter__(self) -> "Display":
        if self._console.is_terminal:
            self._live = Live(console=self._console, get_renderable=self._render, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.status("")
        self.refresh()
        if self._live:
            self._live.stop()
        self._stream.close()

    def status(self, text: str) -> None:
        """Show what the search is doing."""
        self._status = text.strip()[:160] or self._status

    def refresh(self) -> None:
        """Read the trials again, and print those that have ended."""
        self._rows = list(self._read())
        ended = [row for row in self._rows if _ended(row)]
        self._bar.update(self._task, completed=len(ended))
        for row in ended:
            if row.label not in self._said:
                self._said.add(row.label)
                if self._live is None:
                    self._say(row)

    def _say(self, row: Row) -> None:
        best = best_of(self._rows)
        left = self._bar.tasks[0].time_remaining
        print(
            f"trial {len(self._said)}/{self._total}  {row.label}  {_score(row, self._objective)}"
            + (f"  best {best.score:.4f} ({best.label})" if best else "")
            + f"  {describe(row)}"
            + (f"  {row.facts['seconds']:.1f} s" if "seconds" in row.facts else "")
            + (f", {left:.0f} s left" if left else ""),
            file=self._stream,
            flush=True,
        )

    def _render(self) -> RenderableType:
        names = varied(self._rows)
        table = Table(box=None, header_style="bold", pad_edge=False)
        for name in ("trial", "state", *names, "loss", "accuracy", "AUC", "time"):
            table.add_column(
                name.removeprefix("options."), justify="left" if name in ("trial", "state") else "right"
            )
        best = best_of(self._rows)
        recent = [row for row in self._rows if row.state != WAITING][-SHOWN:]
        for row in recent:
            table.add_row(*_cells(row, names), style="green" if row is best else STYLES.get(row.state, ""))
        if best and best not in recent:
            table.add_row(*_cells(best, names), style="green")
        line = f"best {self._objective} {best.score:.4f}, {best.label}" if best else "no trial is done yet"
        return Group(
            table, Text(line, style="green" if best else "dim"), self._bar, Text(self._status, style="dim")
        )


@contextlib.contextmanager
def set_apart(log: Path, display: Display) -> Iterator[None]:
    """Write what the block prints to the file `log`; show its last line as the display's status.

    This covers lines from C++ code too, which does not use `sys.stderr`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8", buffering=1) as file:
        saved = os.dup(2)
        os.dup2(file.fileno(), 2)
        stream: Any = _Tee(file, display)
        try:
            with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
                yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


class _Tee:
    """A text stream that writes to a file and shows its last line on the display."""

    def __init__(self, file: IO[str], display: Display) -> None:
        self._file, self._display = file, display

    def write(self, text: str) -> int:
        """Write the text, and show its last line."""
        if text.strip():
            self._display.status(text.strip().splitlines()[-1])
        return self._file.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def describe(row: Row) -> str:
    """A trial's values in a few words, and the reason if it failed or was cut short."""
    text = ", ".join(f"{name.removeprefix('options.')} {short(value)}" for name, value in row.values.items())
    return f"{text}  {row.state}: {row.reason}" if row.reason else text


def _cells(row: Row, names: Sequence[str]) -> list[str]:
    values = [short(row.values[name]) if name in row.values else "" for name in names]
    measured = [
        f"{row.facts[name]:.4f}" if name in row.facts else ""
        for name in ("val_loss", "val_accuracy", "val_auc")
    ]
    seconds = f"{row.facts['seconds']:.0f} s" if "seconds" in row.facts else ""
    return [row.label, row.state, *values, *measured, seconds]


def _score(row: Row, objective: str) -> str:
    return row.state if row.score is None else f"{objective} {row.score:.4f}"


def _ended(row: Row) -> bool:
    return row.state not in (RUNNING, WAITING)
