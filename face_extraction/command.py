"""What every command line does the same way: exit statuses, one-line errors, Ctrl-C, `--debug`."""

import argparse
import difflib
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from typing import Any, NoReturn, TextIO, cast

from face_extraction.errors import InputError

DONE, FINDING, USAGE, INTERRUPTED = 0, 1, 2, 130


class _LastingOutput:
    """Standard output that outlives its reader (`| head`): the work goes on to its own exit status.

    A name that it has no letters for, such as a file name that is no text, is written with escapes.

    Attributes:
        lost: whether the reader has gone.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
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
    """An `ArgumentParser` with `--debug`, without abbreviations, whose errors are one line."""

    def __init__(self, prog: str, description: str, epilog: str = "") -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.add_argument("--debug", action="store_true", help="show the traceback of an error")

    def error(self, message: str) -> NoReturn:
        """Print one line, which names the nearest flag or value, and leave with status 2."""
        hint = self._nearest(message)
        self.exit(USAGE, f"{self.prog}: {message}{hint} (--help lists the options)\n")

    def _nearest(self, message: str) -> str:
        """The flag or value that an unknown one may stand for, in words; "" where nothing is near."""
        if unknown := re.match(r"unrecognized arguments: (--[\w-]+)", message):
            near = _nearest_flag(unknown[1], self._actions)
        elif choice := re.match(r"argument .*: invalid choice: '(.*)' \(choose from (.*)\)", message):
            near = _first(difflib.get_close_matches(choice[1], re.findall(r"[^\s,']+", choice[2]), n=1))
        else:
            near = ""
        return f"; nearest: {near}" if near else ""


def _nearest_flag(given: str, actions: Sequence[argparse.Action]) -> str:
    """The flag that is spelled alike, has these initials (--lr), or has the word in its help (--gpu)."""
    flags = {flag: action for action in actions for flag in action.option_strings if flag.startswith("--")}
    word = given.lstrip("-").lower()
    initials = [flag for flag in flags if "".join(part[0] for part in flag[2:].split("-")) == word]
    told = [
        flag
        for flag, action in flags.items()
        if re.search(rf"\b{re.escape(word)}s?\b", (action.help or "").lower())
    ]
    return _first([*difflib.get_close_matches(given, flags, n=1, cutoff=0.75), *initials, *told])


def _first(names: Sequence[str]) -> str:
    return names[0] if names else ""


def run(parser: Parser, main: Callable[[argparse.Namespace], int], argv: Sequence[str] | None = None) -> int:
    """Parse `argv`, call `main`, and turn wrong input and Ctrl-C into a line and an exit status.

    Returns:
        0 done, 1 a finding or a failed item, 2 wrong use, 130 interrupted.
    """
    args = parser.parse_intermixed_args(argv)
    try:
        with redirect_stdout(cast(TextIO, _LastingOutput(sys.stdout))) as output:
            status = main(args)
            output.flush()
        return status
    except InputError as error:
        if args.debug:
            raise
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        if args.debug:
            raise
        print(f"{parser.prog}: interrupted; what was finished is kept", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        if args.debug:
            raise
        print(f"{parser.prog}: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        return USAGE


def aligned(rows: Sequence[Sequence[str]], sides: str) -> str:
    """Rows of cells as lines of text, columns two spaces apart.

    Args:
        rows: cells, a string for each column; titles first, where there are some.
        sides: for each column "<" where its cells begin at one place, ">" where they end there.
    """
    columns = zip(sides, zip(*rows, strict=True), strict=True)
    formats = [f"{side}{max(map(len, cells))}" for side, cells in columns]
    return "\n".join("  ".join(map(format, row, formats)).rstrip() for row in rows)
