"""`python -m dfdetect.pretrained`: make what ships from a finished run."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dfdetect.cli import load_keras
from face_extraction.command import DONE, Parser, run


def main(argv: Sequence[str] | None = None) -> int:
    """Ship a run, and return the exit status."""
    return run(_parser(), _ship, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m dfdetect.pretrained",
        "Make the slim folder of a detector that ships from a finished run of paired training.\n\n"
        "Videos are made of the manifest's val people, real and faked, and compressed. They calibrate the\n"
        "scores and choose two cuts: at most 5 % of the real videos lie above the upper one, and at most\n"
        "10 % of the faked ones below the lower one. The test people tell what these cuts do on others.",
        "example:\n  python -m dfdetect.pretrained runs/small --manifest data/open_faces/manifest.csv "
        "--out dfdetect/pretrained/small\n\nexit status: 0 written, 2 wrong use",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the finished run's folder")
    parser.add_argument(
        "--manifest", type=Path, required=True, metavar="FILE", help="the manifest that it was trained on"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write")
    return parser


def _ship(args: argparse.Namespace) -> int:
    load_keras()
    from dfdetect.pretrained.shipping import ship
    from dfdetect.runs.folder import Run

    shipped = ship(Run(args.run), args.manifest, args.out)
    cuts = shipped.calibrations["video"]
    print(f"{cuts.method}: substantial evidence from {cuts.upper:.3f} on, little below {cuts.lower:.3f}")
    for split, shares in shipped.trial.items():
        print(
            f"{split}: {shares['videos']:,} videos of {shares['people']:,} people: AUC {shares['auc']:.3f}; "
            f"above the upper cut {shares['reals_above_upper']:.1%} of reals, "
            f"{shares['fakes_above_upper']:.1%} of fakes; below the lower {shares['reals_below_lower']:.1%} "
            f"of reals, {shares['fakes_below_lower']:.1%} of fakes"
        )
    print(f"written: {args.out}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
