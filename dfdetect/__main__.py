"""`python -m dfdetect`: which commands there are."""

import argparse
import ast
import pkgutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import dfdetect
from face_extraction.command import DONE, Parser, aligned, run
from face_extraction.errors import InputError, unknown_name

PROG = "python -m dfdetect"
BESIDE = "beside them: python -m face_extraction (the faces of a data set), python -m tuning (searches)"


def main(argv: Sequence[str] | None = None) -> int:
    """List the commands, and return the exit status."""
    parser = _parser()

    def show(args: argparse.Namespace) -> int:
        if args.command:
            raise _refusal(args.command)
        parser.print_help()
        return DONE

    return run(parser, show, argv)


def _parser() -> Parser:
    rows = [(f"{PROG}.{name}", about) for name, about in commands()]
    parser = Parser(
        PROG,
        dfdetect.__doc__.partition("\n")[0],
        f"commands, each with --help:\n{aligned(rows, '<<')}\n{BESIDE}",
    )
    parser.add_argument("command", nargs="?", metavar="COMMAND", help=f"its help: {PROG}.COMMAND --help")
    return parser


def commands() -> Iterator[tuple[str, str]]:
    """Each command's name and what it does, which is the first line of its file; none of them is imported."""
    for folder in map(Path, dfdetect.__path__):
        for module in pkgutil.iter_modules([str(folder)]):
            file = folder / module.name / "__main__.py" if module.ispkg else folder / f"{module.name}.py"
            text = file.read_text(encoding="utf-8") if file.is_file() else ""
            title, _, about = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0].partition(": ")
            if title == f"`{PROG}.{module.name}`":
                yield module.name, about


def _refusal(name: str) -> InputError:
    names = [command for command, _ in commands()]
    if name in names:
        return InputError(f"{name}: a command is a module; accepted: {PROG}.{name}")
    return unknown_name("command", name, names)


if __name__ == "__main__":
    raise SystemExit(main())
