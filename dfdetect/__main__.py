"""`dfdetect COMMAND`, the same as `python -m dfdetect COMMAND` and `python -m dfdetect.COMMAND`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

import dfdetect
from face_extraction.command import DONE, Parser, aligned, run
from face_extraction.errors import unknown_name
from face_extraction.missing import missing_package

COMMANDS = {
    "predict": ("dfdetect.predict", "judge photos, videos and folders"),
    "serve": (
        "dfdetect.serve",
        "serve a page that judges photos, videos and the webcam, and the same for programs",
    ),
    "extract": ("face_extraction", "cut the faces of a data set out, and list them in a manifest"),
    "audit": ("dfdetect.audit", "find what rows of different splits have in common"),
    "train": ("dfdetect.train", "train a detector"),
    "tune": ("tuning", "search hyper-parameters"),
    "crossval": ("dfdetect.crossval", "cross-validate a recipe"),
    "ensemble": ("dfdetect.ensemble", "combine finished runs into one"),
    "evaluate": ("dfdetect.evaluate", "measure a run, on its own data or on others"),
    "explain": (
        "dfdetect.explain",
        "show where a score comes from, and how far such heat maps can be trusted",
    ),
    "stress": ("dfdetect.stress", "show what disturbed and forged faces do to a run's scores"),
    "compare": ("dfdetect.compare", "tell whether one run is better than another on the same faces"),
    "export": ("dfdetect.export", "write a run's model for other programs"),
    "models": ("dfdetect.models", "list the models, and the blocks of one"),
    "fakes": ("dfdetect.fakes", "make fakes of real faces, to train on and to test with"),
    "pretrained": ("dfdetect.pretrained", "make the folder of a detector that ships, from a run"),
    "report": ("dfdetect.report", "run declared grids of recipes, and render their tables"),
}
"""Each command's module, which `python -m` runs too, and what it does."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names, and return its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in COMMANDS:
        return _command(argv[0])(argv[1:])
    parser = _parser()

    def show(args: argparse.Namespace) -> int:
        if args.command:
            raise unknown_name("command", args.command, COMMANDS)
        parser.print_help()
        return DONE

    return run(parser, show, argv[:1])


def _command(name: str) -> Callable[[Sequence[str]], int]:
    """The `main` of a command's module.

    Raises:
        SystemExit: one of the packages that dfdetect needs is not installed.
    """
    try:
        command: Callable[[Sequence[str]], int] = import_module(f"{COMMANDS[name][0]}.__main__").main
    except ModuleNotFoundError as error:
        raise SystemExit(missing_package(error)) from None
    return command


def _parser() -> Parser:
    rows = [(f"  {name}", about) for name, (_, about) in COMMANDS.items()]
    parser = Parser(
        "dfdetect",
        dfdetect.__doc__.partition("\n")[0],
        f"commands (dfdetect COMMAND --help says more):\n{aligned(rows, '<<')}\n\n"
        "Each is a module too: python -m dfdetect.COMMAND; extract is python -m face_extraction, "
        "tune is python -m tuning.",
    )
    parser.add_argument("--version", action="version", version=f"dfdetect {dfdetect.__version__}")
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="one of those below")
    return parser


if __name__ == "__main__":
    sys.exit(main())
