"""`python -m dfdetect.fakes`: make fakes of real faces, look at them, and measure how fast they are made."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfdetect.cli import fill_mode, load_keras
from dfdetect.fakes.gan.command import add_gan
from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError, check_range
from face_extraction.manifest import SPLITS, manifest_in
from face_extraction.settings import MOST_WORKERS

if TYPE_CHECKING:
    from dfdetect.fakes.making import MadeSet

PROG = "python -m dfdetect.fakes"
VIDEO = {"frames": 48, "crf": 23}
"""What --videos takes if no flag says otherwise."""


def main(argv: Sequence[str] | None = None) -> int:
    """Do one task, and return the exit status."""
    parser = Parser(
        PROG,
        "Make fakes of real faces: to train on, to test with, and to look at.",
        "exit status: 0 done, 1 some real faces gave no fake, 2 wrong use, 130 interrupted",
    )
    tasks = parser.add_subparsers(title="tasks", metavar="TASK", required=True, prog=PROG)
    for add in (_add_kinds, _add_make, _add_autoencoder, _add_sheet, _add_rate):
        add(tasks)
    add_gan(tasks, PROG)
    return run(parser, lambda args: args.do(args), argv)


def _add_task(tasks: Any, name: str, help: str, description: str, example: str) -> Any:
    """Add a task that takes a manifest of real faces."""
    parser = tasks.add_parser(
        name, help=help, description=description, epilog=f"example:\n  {PROG} {name} {example}"
    )
    parser.add_argument(
        "--manifest",
        type=manifest_in,
        required=True,
        metavar="FILE",
        help="manifest of real faces, whose landmarks python -m face_extraction landmarks found",
    )
    return parser


def _add_kinds(tasks: Any) -> None:
    parser = tasks.add_parser("kinds", help="list the kinds of fake", description="List the kinds of fake.")
    parser.set_defaults(do=_list_kinds)


def _list_kinds(args: argparse.Namespace) -> int:
    from dfdetect.fakes.registry import list_kinds

    for kind in list_kinds():
        print(f"{kind.name}{' (needs a donor)' if kind.needs_donor else ''}: {kind.summary}\n  {kind.source}")
    return DONE


def _add_set(parser: Any) -> None:
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="SET", help="the folder to write into")
    add(
        "--split",
        default="all",
        choices=("all", *SPLITS),
        help="rows of one split only (default: %(default)s)",
    )
    add("--seed", type=int, default=0, metavar="N", help="another seed, other fakes (default: %(default)s)")


def _add_make(tasks: Any) -> None:
    parser = _add_task(
        tasks,
        "make",
        "fakes as files: crops with masks, or videos",
        "Make fakes of a manifest's real faces as files: crops with masks and a manifest, or videos.\n"
        "The same command, given again, goes on where it stopped.",
        "--kind self_blend,swap --manifest data/mine/manifest.csv --out data/fakes",
    )
    _add_set(parser)
    add = parser.add_argument
    add("--kind", default="self_blend,swap", metavar="KIND,...", help="kinds of fake (default: %(default)s)")
    add("--videos", action="store_true", help="make H.264 videos of moving faces instead of crops")
    add("--frames", type=int, metavar="N", help=f"of a video, 24 a second (default: {VIDEO['frames']})")
    add("--crf", type=int, help=f"of the videos, 0 to 51, less is better (default: {VIDEO['crf']})")
    add("--workers", type=int, metavar="N", help="processes (default: one for each core)")
    parser.set_defaults(do=_make)


def _make(args: argparse.Namespace) -> int:
    from dfdetect.fakes.making import Order, make_set
    from face_extraction.machine import available_cores

    fill_mode(args, "videos", VIDEO)
    check_range("--frames", args.frames, 2, 10_000)
    check_range("--crf", args.crf, 0, 51)
    check_range("--seed", args.seed, 0, 2**32 - 1)
    if args.workers is not None:
        check_range("--workers", args.workers, 1, MOST_WORKERS)
    frames = args.frames if args.videos else 0
    order = Order(args.manifest, _kinds(args.kind), args.split, args.seed, frames, args.crf)
    made = make_set(order, args.out, workers=args.workers or available_cores())
    return _tell(made, args.out, "videos" if frames else "faces")


def _tell(made: "MadeSet", out: Path, what: str) -> int:
    from dfdetect.fakes.making import LEDGER_FILE

    print(f"{made.files:,} {what}: {out}")
    if made.ledger:
        print(f"{len(made.ledger):,} real faces gave none: see {out / LEDGER_FILE}")
    return FINDING if made.ledger else DONE


def _add_autoencoder(tasks: Any) -> None:
    parser = _add_task(
        tasks,
        "autoencoder",
        "train an autoencoder with two decoders, and make a set of fakes with it",
        "Train a small autoencoder, one encoder and a decoder for each half of the people, and make a set\n"
        "in which each face is rebuilt by the decoder that has never seen it.",
        "--manifest data/mine/manifest.csv --out data/decoded",
    )
    _add_set(parser)
    add = parser.add_argument
    add("--steps", type=int, default=3000, metavar="N", help="of training (default: %(default)s)")
    parser.set_defaults(do=_autoencoder)


def _autoencoder(args: argparse.Namespace) -> int:
    check_range("--steps", args.steps, 1, 1_000_000)
    check_range("--seed", args.seed, 0, 2**32 - 1)
    load_keras()
    from dfdetect.fakes.autoencoder import Training, make_decoded_set

    training = Training(steps=args.steps, seed=args.seed)
    return _tell(make_decoded_set(args.manifest, args.split, training, args.out), args.out, "faces")


def _add_sheet(tasks: Any) -> None:
    parser = _add_task(
        tasks,
        "sheet",
        "a contact sheet of real faces and their fakes",
        "Draw a contact sheet: for each kind of fake a column of real face, fake, mask and difference, the\n"
        "last times 4.",
        "--manifest data/mine/manifest.csv --kind region --out region.png",
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="FILE.png", help="the picture to write")
    add("--kind", default="self_blend", metavar="KIND,...", help="kinds of fake (default: %(default)s)")
    add("--count", type=int, default=8, metavar="N", help="faces (default: %(default)s)")
    add("--size", type=int, default=160, metavar="PIXELS", help="side of a picture (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="N", help="chooses faces and fakes (default: %(default)s)")
    add("--disturbed", action="store_true", help="as training sees them: cut, disturbed and compressed")
    parser.set_defaults(do=_sheet)


def _sheet(args: argparse.Namespace) -> int:
    from dfdetect.fakes.pairs import check_shares
    from dfdetect.fakes.reals import find_reals
    from dfdetect.fakes.sheet import ContactSheet
    from face_extraction.images import write_image
    from face_extraction.manifest import read_manifest

    check_range("--count", args.count, 1, 100)
    check_range("--size", args.size, 16, 1024)
    check_range("--seed", args.seed, 0, 2**32 - 1)
    if args.out.suffix.lower() != ".png":
        raise InputError(f"--out {args.out}; accepted: a file that ends in .png")
    kinds = _kinds(args.kind)
    check_shares(dict.fromkeys(kinds, 1.0))
    reals, _ = find_reals(args.manifest, read_manifest(args.manifest))
    sheet = ContactSheet(reals, args.count, args.size, args.disturbed, args.seed)
    write_image(args.out, sheet.draw(kinds))
    print(f"look at {args.out}")
    return DONE


def _add_rate(tasks: Any) -> None:
    parser = _add_task(
        tasks,
        "rate",
        "how many pairs a second can be made",
        "Measure how many pairs a second can be made: of each kind alone, of the default shares, and with\n"
        "no fake made at all.",
        "--manifest data/mine/manifest.csv --processes 2",
    )
    add = parser.add_argument
    add("--size", type=int, default=160, metavar="PIXELS", help="side of a picture (default: %(default)s)")
    add("--processes", type=int, default=1, metavar="N", help="processes (default: %(default)s)")
    add("--seconds", type=float, default=3.0, metavar="S", help="for each line (default: %(default)s)")
    parser.set_defaults(do=_rate)


def _rate(args: argparse.Namespace) -> int:
    from dfdetect.fakes.pairs import DEFAULT_SHARES
    from dfdetect.fakes.rate import pairs_a_second
    from dfdetect.fakes.registry import list_kinds

    check_range("--size", args.size, 16, 1024)
    check_range("--processes", args.processes, 1, 1024)
    check_range("--seconds", args.seconds, 0.1, 3600)
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


if __name__ == "__main__":
    sys.exit(main())
