"""`python -m dfdetect.fakes`: make fakes of real faces, look at them, and measure how fast they are made."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError, unknown_name

PROG = "python -m dfdetect.fakes"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in COMMANDS:
        _, parser_of, command = COMMANDS[argv[0]]
        return run(parser_of(), command, argv[1:])
    rows = "\n".join(f"  {name:<8}{about}" for name, (about, _, _) in COMMANDS.items())
    parser = Parser(
        PROG,
        "Make fakes of real faces: to train on, to test with, and to look at.",
        f"commands (COMMAND --help says more):\n{rows}",
    )
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="one of those below")
    return run(parser, lambda args: _show(parser, args), argv[:1])


def _show(parser: Parser, args: argparse.Namespace) -> int:
    if args.command:
        raise unknown_name("command", args.command, COMMANDS)
    parser.print_help()
    return DONE


def _with_manifest(name: str, description: str, epilog: str) -> Parser:
    parser = Parser(f"{PROG} {name}", description, epilog)
    parser.add_argument(
        "--manifest",
        type=Path,
        required=True,
        metavar="FILE",
        help="manifest.csv of real faces, whose landmarks python -m face_extraction landmarks found",
    )
    return parser


def _make_parser() -> Parser:
    parser = _with_manifest(
        "make",
        "Make fakes of a manifest's real faces as files: crops with masks and a manifest, or videos.\n"
        "The same command, given again, goes on where it was cut.",
        f"example:\n  {PROG} make --kind self_blend,swap --manifest data/mine/manifest.csv "
        "--out data/fakes\n\n"
        "exit status:\n  0  every real face gave its fakes\n  1  ledger.csv names faces that gave none\n"
        "  2  wrong use",
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="SET", help="the folder to write into")
    add("--kind", default="self_blend,swap", metavar="KIND,...", help="kinds of fake (default: %(default)s)")
    add("--split", default="all", help="rows of one split only: train, val or test (default: %(default)s)")
    add(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="another seed gives other fakes (default: %(default)s)",
    )
    add("--videos", action="store_true", help="make H.264 videos of moving faces instead of crops")
    add(
        "--frames",
        type=int,
        default=48,
        metavar="N",
        help="frames of a video, 24 a second (default: %(default)s)",
    )
    add(
        "--crf",
        type=int,
        default=23,
        help="quality of the videos, 0 to 51, less is better (default: %(default)s)",
    )
    add("--workers", type=int, metavar="N", help="processes (default: one for each core)")
    return parser


def _make(args: argparse.Namespace) -> int:
    from dfdetect.fakes.making import LEDGER_FILE, Order, make_set
    from face_extraction.machine import available_cores

    _check_range("--frames", args.frames, 2, 10_000)
    _check_range("--crf", args.crf, 0, 51)
    _check_range("--seed", args.seed, 0, 2**32 - 1)
    if args.workers is not None:
        _check_range("--workers", args.workers, 1, 1024)
    if args.split not in ("all", "train", "val", "test"):
        raise unknown_name("split", args.split, ("all", "train", "val", "test"))
    frames = args.frames if args.videos else 0
    order = Order(args.manifest, _kinds(args.kind), args.split, args.seed, frames, args.crf)
    made = make_set(order, args.out, workers=args.workers or available_cores())
    print(f"{made.files:,} {'videos' if frames else 'faces'}: {args.out}")
    if made.ledger:
        print(f"{len(made.ledger):,} real faces gave none: see {args.out / LEDGER_FILE}")
    return FINDING if made.ledger else DONE


def _sheet_parser() -> Parser:
    parser = _with_manifest(
        "sheet",
        "Draw a contact sheet: for each kind of fake a column of real face, fake, mask and difference, "
        "the last times 4.",
        f"example:\n  {PROG} sheet --manifest data/mine/manifest.csv --kind region --out region.png",
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="FILE.png", help="the picture to write")
    add("--kind", default="self_blend", metavar="KIND,...", help="kinds of fake (default: %(default)s)")
    add("--count", type=int, default=8, metavar="N", help="faces (default: %(default)s)")
    add("--size", type=int, default=160, metavar="PIXELS", help="side of a picture (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="N", help="chooses faces and fakes (default: %(default)s)")
    add(
        "--disturbed", action="store_true", help="as a training step sees them: cut, disturbed and compressed"
    )
    return parser


def _sheet(args: argparse.Namespace) -> int:
    from dfdetect.fakes.pairs import check_shares
    from dfdetect.fakes.reals import find_reals
    from dfdetect.fakes.sheet import contact_sheet
    from face_extraction.images import write_image
    from face_extraction.manifest import read_manifest

    _check_range("--count", args.count, 1, 100)
    _check_range("--size", args.size, 16, 1024)
    _check_range("--seed", args.seed, 0, 2**32 - 1)
    kinds = _kinds(args.kind)
    check_shares(dict.fromkeys(kinds, 1.0))
    reals, _ = find_reals(args.manifest, read_manifest(args.manifest))
    sheet = contact_sheet(
        reals, kinds, count=args.count, side=args.size, disturbed=args.disturbed, seed=args.seed
    )
    write_image(args.out, sheet)
    print(f"look at {args.out}")
    return DONE


def _rate_parser() -> Parser:
    parser = _with_manifest(
        "rate",
        "Measure how many pairs a second can be made: of each kind alone, of the default shares, and with no "
        "fake made at all.",
        f"example:\n  {PROG} rate --manifest data/mine/manifest.csv --processes 2",
    )
    add = parser.add_argument
    add("--size", type=int, default=160, metavar="PIXELS", help="side of a picture (default: %(default)s)")
    add("--processes", type=int, default=1, metavar="N", help="processes (default: %(default)s)")
    add("--seconds", type=float, default=3.0, metavar="S", help="for each line (default: %(default)s)")
    return parser


def _rate(args: argparse.Namespace) -> int:
    from dfdetect.fakes.pairs import DEFAULT_SHARES
    from dfdetect.fakes.rate import pairs_a_second
    from dfdetect.fakes.registry import list_kinds

    _check_range("--size", args.size, 16, 1024)
    _check_range("--processes", args.processes, 1, 1024)
    _check_range("--seconds", args.seconds, 0.1, 3600)
    rows = {kind.name: {kind.name: 1.0} for kind in list_kinds()} | {"default": DEFAULT_SHARES, "none": {}}
    print(
        f"pairs of {args.size} pixels a second, {args.processes} processes: by the clock; of processors' time"
    )
    for name, shares in rows.items():
        rate = pairs_a_second(
            args.manifest, args.size, shares, processes=args.processes, seconds=args.seconds
        )
        print(f"  {name:<12}{rate.clock:8.1f}{rate.processor:8.1f}", flush=True)
    return DONE


def _kinds(text: str) -> tuple[str, ...]:
    """The kinds in "self_blend,swap".

    Raises:
        InputError: there is none, or one stands twice.
    """
    kinds = tuple(filter(None, (name.strip() for name in text.split(","))))
    if not kinds or len(set(kinds)) < len(kinds):
        raise InputError(f"--kind {text!r}; accepted: names of kinds with commas between, each once")
    return kinds


def _check_range(flag: str, given: float, low: float, high: float) -> None:
    if not low <= given <= high:
        raise InputError(f"{flag} {given}; accepted: {low} to {high}")


COMMANDS: dict[str, tuple[str, Callable[[], Parser], Callable[[argparse.Namespace], int]]] = {
    "make": ("fakes as files: crops with masks, or videos", _make_parser, _make),
    "sheet": ("a contact sheet of real faces and their fakes", _sheet_parser, _sheet),
    "rate": ("how many pairs a second can be made", _rate_parser, _rate),
}


if __name__ == "__main__":
    sys.exit(main())
