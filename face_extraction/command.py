"""What all command lines share: exit statuses, one-line errors, Ctrl-C, `--debug`."""

import argparse
import difflib
import errno
import os
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NoReturn, TextIO, cast

from face_extraction.errors import InputError, harmless
from face_extraction.missing import missing_package

DONE, FINDING, USAGE, INTERRUPTED = 0, 1, 2, 130


class _LastingOutput:
    """Standard output that survives its reader (`| head`): the work goes on to its own exit status.

    Letters that the stream cannot write, such as in a file name that is not text, become escapes; so do
    those that steer a terminal, because texts come from strangers' files.

    Attributes:
        lost: whether the reader is gone.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        text = harmless(text)
        if getattr(self._stream, "errors", None) == "strict":
            text = text.encode(self._stream.encoding, "backslashreplace").decode(self._stream.encoding)
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._forget()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._forget()

    def _forget(self) -> None:
        self.lost = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` with `--debug`, without abbreviations, whose errors are one line.

    Attributes:
        has_tasks: `add_subparsers` was called; argparse then allows no options between positional arguments.
    """

    has_tasks = False

    def __init__(self, prog: str, description: str, epilog: str = "") -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        # No default, so that a task's parser keeps a --debug given before the task.
        self.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help="show the traceback of an error",
        )

    def add_subparsers(self, **options: Any) -> Any:
        """Like argparse's; the tasks' parsers are `Parser`s too."""
        self.has_tasks = True
        return super().add_subparsers(**options)

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        """Refuse an empty path, such as an unset variable of the shell: it would mean the working folder."""
        if action.type is Path and not arg_string:
            raise argparse.ArgumentError(action, "an empty path; accepted: a file or folder")
        return super()._get_value(action, arg_string)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Name the nearest choice, as argparse itself does from Python 3.14 on."""
        if action.choices is not None and value not in action.choices:
            names = [str(choice) for choice in action.choices]
            near = difflib.get_close_matches(str(value), names, n=1)
            hint = f" (nearest: {near[0]})" if near else ""
            raise argparse.ArgumentError(
                action, f"invalid choice: {value!r}{hint}; accepted: {', '.join(names)}"
            )

    def error(self, message: str) -> NoReturn:
        """Print one line, with the flag nearest to an unknown one, and leave with status 2."""
        unknown = re.match(r"unrecognized arguments: (--[\w-]+)", message)
        near = _nearest_flag(unknown[1], self._actions) if unknown else ""
        hint = f" (nearest: {near})" if near else ""
        self.exit(USAGE, f"{self.prog}: {message}{hint} (--help lists the options)\n")


def _nearest_flag(given: str, actions: Sequence[argparse.Action]) -> str:
    """The flag that is spelled alike, has these initials (--lr), or mentions the word in its help (--gpu)."""
    flags = {flag: action for action in actions for flag in action.option_strings if flag.startswith("--")}
    word = given.lstrip("-").lower()
    initials = [flag for flag in flags if "".join(part[0] for part in flag[2:].split("-")) == word]
    told = [
        flag
        for flag, action in flags.items()
        if re.search(rf"\b{re.escape(word)}s?\b", (action.help or "").lower())
    ]
    # Initials first: "--lr" is also spelled nearly like "--l2".
    return next(iter([*initials, *difflib.get_close_matches(given, flags, n=1, cutoff=0.75), *told]), "")


def run(parser: Parser, main: Callable[[argparse.Namespace], int], argv: Sequence[str] | None = None) -> int:
    """Parse `argv`, call `main`, and turn wrong input and Ctrl-C into one line and an exit status.

    Worker processes that broke down end in one line, too.

    Returns:
        0 done, 1 a finding or a failed item, 2 wrong use, 130 interrupted.
    """
    debug = "--debug" in (sys.argv[1:] if argv is None else argv)
    try:
        # Here, because a path among the arguments may be one that this user cannot read.
        args = parser.parse_args(argv) if parser.has_tasks else parser.parse_intermixed_args(argv)
        with redirect_stdout(cast(TextIO, _LastingOutput(sys.stdout))) as output:
            status = main(args)
            output.flush()
        return status
    except ModuleNotFoundError as error:
        if debug:
            raise
        return missing_package(error)
    except (InputError, KeyboardInterrupt, OSError, RuntimeError) as error:
        if debug or not _is_foreseen(error):
            raise
        line, status = str(error), USAGE
        if isinstance(error, KeyboardInterrupt):
            line, status = "interrupted; finished work is kept", INTERRUPTED
        elif isinstance(error, BrokenExecutor):
            line = "the worker processes broke down (out of memory?); finished work is kept: start again"
            status = FINDING
        elif isinstance(error, OSError):
            # A copy that fails names both files; it is the second one whose disk is full.
            is_full = error.errno == errno.ENOSPC and error.filename2
            file = error.filename2 if is_full else error.filename
            line = f"{file}: {error.strerror}" if file else error.strerror or str(error)
        print(f"{parser.prog}: {harmless(line)}", file=sys.stderr)
        return status


def _is_foreseen(error: BaseException) -> bool:
    """Whether one line says all of an error; of RuntimeErrors, only of broken workers and circular links.

    `Path.resolve` raises a RuntimeError for a link that leads to itself, before Python 3.13.
    """
    if not isinstance(error, RuntimeError) or isinstance(error, BrokenExecutor):
        return True
    return str(error).startswith("Symlink loop")


def aligned(rows: Sequence[Sequence[str]], sides: str) -> str:
    """Rows of cells as lines of text, columns two spaces apart.

    Args:
        rows: one string for each column; titles first, if there are any.
        sides: "<" for each column aligned left, ">" for each aligned right.
    """
    columns = zip(sides, zip(*rows, strict=True), strict=True)
    formats = [f"{side}{max(map(len, cells))}" for side, cells in columns]
    return "\n".join("  ".join(map(format, row, formats)).rstrip() for row in rows)
