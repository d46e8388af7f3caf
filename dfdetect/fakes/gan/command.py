"""`python -m dfdetect.fakes gan`: train a GAN on a manifest's reals, and make a set of fakes with it."""

import argparse
from pathlib import Path
from typing import Any

from dfdetect.cli import load_keras
from dfdetect.fakes.gan.settings import (
    NATIVE,
    NO_REALS,
    RESAMPLED,
    SIDES,
    WIDTH,
    Design,
    Training,
)
from face_extraction.command import DONE, FINDING
from face_extraction.errors import check_range
from face_extraction.manifest import SPLITS, manifest_in


def add_gan(tasks: Any, prog: str) -> None:
    """Add the task `gan` with its two steps."""
    parser = tasks.add_parser(
        "gan",
        help="train a GAN on real faces, and make a set of generated faces with it",
        description="Train a generative adversarial network on real faces, and make a set of fakes with it.",
    )
    steps = parser.add_subparsers(title="steps", metavar="STEP", required=True, prog=f"{prog} gan")
    _add_train(steps, prog)
    _add_make(steps, prog)


def _add_train(steps: Any, prog: str) -> None:
    parser = steps.add_parser(
        "train",
        help="train the GAN",
        description="Train a GAN on the real faces of a manifest's train split, and measure it against\n"
        "those of its val split. A training that was stopped goes on if you give the same command again;\n"
        "more --steps train a finished GAN further.",
        epilog=f"example:\n  {prog} gan train --manifest data/mine/manifest.csv --kind dcgan --out data/gan",
    )
    add = parser.add_argument
    add("--manifest", type=manifest_in, required=True, metavar="FILE", help="manifest of real faces")
    add("--out", type=Path, required=True, metavar="DIR", help="the GAN's folder")
    add("--kind", choices=SIDES, default="dcgan", help="the networks (default: %(default)s)")
    sides = ", ".join(f"{kind} {side}" for kind, side in SIDES.items())
    add("--size", type=int, metavar="PIXELS", help=f"side of the faces, a power of 2 (default: {sides})")
    add(
        "--width",
        type=int,
        default=WIDTH,
        metavar="N",
        help="channels of a map times its side, within 8 to 256; less is faster (default: %(default)s)",
    )
    add("--steps", type=int, default=20_000, metavar="N", help="in all (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="N", help="of everything random (default: %(default)s)")
    usual = Training()
    add(
        "--batch-size",
        type=int,
        default=usual.batch_size,
        metavar="N",
        help="real faces of a step, beside as many generated ones (default: %(default)s)",
    )
    add(
        "--learning-rate",
        type=float,
        default=usual.learning_rate,
        metavar="X",
        help="of Adam, for both networks (default: %(default)s)",
    )
    add("--gamma", type=float, default=usual.gamma, metavar="X", help="weight of R1 (default: %(default)s)")
    add(
        "--every",
        type=int,
        default=500,
        metavar="N",
        help="steps to the next checkpoint, sheet and row of history.csv (default: %(default)s)",
    )
    add(
        "--weights",
        default="imagenet",
        metavar="WHAT",
        help="weights of the MobileNet whose features measure the faces: imagenet, a file of weights without "
        "the top, or none, which measures nothing (default: %(default)s)",
    )
    parser.set_defaults(do=_train)


def _train(args: argparse.Namespace) -> int:
    check_range("--width", args.width, 16, 65536)
    check_range("--steps", args.steps, 1, 10_000_000)
    check_range("--seed", args.seed, 0, 2**32 - 1)
    check_range("--batch-size", args.batch_size, 2, 1024)
    check_range("--learning-rate", args.learning_rate, 1e-7, 1)
    check_range("--gamma", args.gamma, 0, 1000)
    check_range("--every", args.every, 1, 10_000_000)
    side = SIDES[args.kind] if args.size is None else args.size
    design = Design(args.kind, side, args.width)
    training = Training(args.seed, args.batch_size, args.learning_rate, args.gamma)
    load_keras()
    from dfdetect.fakes.gan.training import Order, train_gan

    train_gan(Order(args.manifest, design, training, args.steps, args.every, args.weights), args.out)
    print(f"look at {args.out / 'sheets'} and {args.out / 'history.csv'}")
    return DONE


def _add_make(steps: Any, prog: str) -> None:
    parser = steps.add_parser(
        "make",
        help="make a set of generated faces",
        description="Make a set of generated faces, scaled up and compressed, and of real faces that were\n"
        "scaled down to the GAN's resolution and then treated alike. Faces that dlib does not find are left\n"
        "out. All faces of a GAN are one group.",
        epilog=f"example:\n  {prog} gan make --generator data/gan --n 1000 --manifest data/mine/manifest.csv "
        "--out data/generated",
    )
    add = parser.add_argument
    add("--generator", type=Path, required=True, metavar="DIR", help="the folder of a trained GAN")
    add("--manifest", type=manifest_in, required=True, metavar="FILE", help="manifest of the real faces")
    add("--n", type=int, required=True, metavar="N", help="generated faces wanted")
    add("--out", type=Path, required=True, metavar="SET", help="the folder to write into")
    add(
        "--split",
        choices=SPLITS,
        default="train",
        help="the split of the reals to take, and the only one of the set (default: %(default)s)",
    )
    add("--seed", type=int, default=0, metavar="N", help="each gives other faces (default: %(default)s)")
    add(
        "--reals",
        choices=(RESAMPLED, NATIVE, NO_REALS),
        default=RESAMPLED,
        help=f"real faces in the set: as blurred and compressed as the generated ones ({RESAMPLED}), as they "
        f"are ({NATIVE}: a detector then learns blur), or {NO_REALS} (default: %(default)s)",
    )
    parser.set_defaults(do=_make)


def _make(args: argparse.Namespace) -> int:
    check_range("--n", args.n, 1, 1_000_000)
    check_range("--seed", args.seed, 0, 2**32 - 1)
    load_keras()
    from dfdetect.fakes.gan.making import SetOrder, make_gan_set
    from dfdetect.fakes.making import LEDGER_FILE

    order = SetOrder(args.generator, args.manifest, args.n, args.split, args.seed, args.reals)
    made = make_gan_set(order, args.out)
    print(f"{made.files:,} faces: {args.out}")
    if made.ledger:
        print(f"{len(made.ledger):,} faces were refused: see {args.out / LEDGER_FILE}")
    return FINDING if made.ledger else DONE
