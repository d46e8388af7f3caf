"""`python -m dfdetect.compare`: is one run better than another on the same faces?"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from face_extraction.command import DONE, Parser, run
from face_extraction.manifest import SPLITS

METRICS = ("auc", "accuracy", "balanced_accuracy", "eer", "log_loss", "brier")


def main(argv: Sequence[str] | None = None) -> int:
    """Compare, and return the exit status."""
    return run(_parser(), _compare, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m dfdetect.compare",
        "Compare two runs, or evaluations, that scored the same faces. Each difference is the first run\n"
        "less the second, with a 95 % interval and a p-value that respect groups, and Holm's adjustment\n"
        "over the table. Those for independent faces stand beside: with large groups they find too much.",
        "example:\n  python -m dfdetect.compare runs/A runs/B",
    )
    for name in ("first", "second"):
        parser.add_argument(name, type=Path, metavar="RUN", help="a run's folder, or an evaluation's in one")
    parser.add_argument("--split", choices=SPLITS, default="test", help="which faces (default: test)")
    return parser


def _compare(args: argparse.Namespace) -> int:
    from dfdetect.metrics.comparison import Scored, comparison_table
    from dfdetect.runs import Run

    runs = [Run(args.first), Run(args.second)]
    unit = "face" if "face" in runs[0].metrics()[args.split] else "clip"
    first, second = (Scored(each.predictions(args.split), each.threshold()) for each in runs)
    print(comparison_table(first, second, METRICS, unit))
    return DONE


if __name__ == "__main__":
    sys.exit(main())
