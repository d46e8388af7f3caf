"""`python -m dfdetect.compare`: is one run better than another on the same faces?"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dfdetect.metrics.estimates import UNITS
from face_extraction.command import DONE, Parser, run
from face_extraction.errors import InputError
from face_extraction.manifest import SPLITS

if TYPE_CHECKING:
    from dfdetect.metrics.comparison import Scored
    from dfdetect.runs.evaluation import Evaluation

METRICS = ("auc", "accuracy", "balanced_accuracy", "eer", "log_loss", "brier")


def main(argv: Sequence[str] | None = None) -> int:
    """Compare, and return the exit status."""
    return run(_parser(), _compare, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m dfdetect.compare",
        "Compare two runs, or two evaluations, that scored the same faces. Each difference is first minus\n"
        "second, with a 95 % interval and a p-value that respect groups; Holm's method adjusts the p-values\n"
        "of the table. P-values for independent faces are shown too: with large groups they find too much.",
        "example:\n  python -m dfdetect.compare runs/A runs/B\n\n"
        "exit status: 0 compared, whatever the result, 2 wrong use",
    )
    for name in ("first", "second"):
        parser.add_argument(name, type=Path, metavar="RUN", help="the folder of a run or of an evaluation")
    parser.add_argument(
        "--split", choices=(*SPLITS, "all"), default="test", help="the faces to compare (default: test)"
    )
    parser.add_argument(
        "--level", choices=UNITS, help="video: one score a video (default: face; video if models take clips)"
    )
    return parser


def _compare(args: argparse.Namespace) -> int:
    from dfdetect.metrics.comparison import comparison_table
    from dfdetect.runs.folder import check_once, evaluation_in

    check_once([args.first, args.second])
    runs = [evaluation_in(args.first), evaluation_in(args.second)]
    level = args.level or _levels(runs[0], args.split)[0]
    first, second = (_scored(each, args.split, level) for each in runs)
    for each in runs:
        print("".join(f"{each.folder}: {line}\n" for line in each.cautions()), end="")
    print(comparison_table(first, second, METRICS, UNITS[level]))
    return DONE


def _levels(run: "Evaluation", split: str) -> list[str]:
    """The levels at which a split was measured; the level that the model scores comes first.

    Raises:
        InputError: it is not finished, or the split has no metrics.
    """
    run.require_finished()
    measured = run.metrics()
    if split not in measured:
        raise InputError(f"{run.folder}: no metrics of split {split!r}; it has: {', '.join(measured)}")
    return list(measured[split])


def _scored(run: "Evaluation", split: str, level: str) -> "Scored":
    """The scores of a split's faces or videos.

    Raises:
        InputError: as `_levels`, or the level is missing.
    """
    from dfdetect.metrics.comparison import Scored

    levels = _levels(run, split)
    if level not in levels:
        raise InputError(f"{run.folder}: no metrics of level {level!r}; it has: {', '.join(levels)}")
    return Scored(run.predictions(split).at_level(level), run.threshold())


if __name__ == "__main__":
    sys.exit(main())
