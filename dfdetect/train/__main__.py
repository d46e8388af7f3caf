"""`python -m dfdetect.train`: train a detector."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dfdetect import cli
from dfdetect.cli import load_keras
from face_extraction.command import DONE, FINDING, Parser, run


def main(argv: Sequence[str] | None = None) -> int:
    """Train, and return the exit status."""
    return run(_parser(), _train, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m dfdetect.train",
        "Train a detector on a manifest of face crops, and write a run folder.\n\n"
        "Without --manifest it trains a small model from random weights, with settings of its own, on the\n"
        "embedded sample set of drawn people: that shows that the pipeline works and says nothing about\n"
        "real faces.\n"
        "The same command, given again, resumes a training that was interrupted.",
        "example:\n  python -m dfdetect.train --model xception --manifest data/celebdf/manifest.csv "
        "--weights imagenet --trainable head\n\n"
        "exit status: 0 trained (now or earlier), 1 trained without crops that could not be read (see\n"
        "unscored.csv), 2 wrong use, 130 interrupted: the same command resumes",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="the run folder (default: runs/MODEL-HASH)")
    parser.add_argument("--overwrite", action="store_true", help="delete the run in --out, and train again")
    cli.add_flags(parser)
    return parser


def _train(args: argparse.Namespace) -> int:
    recipe = cli.recipe_of(args)
    # Keras takes seconds to import, so errors in the command line come first.
    load_keras()
    from dfdetect.data.opening import open_training_data
    from dfdetect.render.table import text
    from dfdetect.runs.folder import Run
    from dfdetect.runs.results import metrics_table
    from dfdetect.train.training import check_start, default_folder, resolve, train, unread

    recipe = resolve(recipe)
    check_start(recipe, args.out)
    data = open_training_data(recipe)
    run = Run(args.out or default_folder(recipe, data))
    print("\n".join((*data.notices, "", data.table(), "")), flush=True)
    if run.finished and not args.overwrite:
        run.begin(recipe, data.digest)  # refuses another recipe's folder
        print(f"{run.folder}: this training is already finished; --overwrite trains again")
    else:
        train(recipe, data, run, cli.conditions_of(args), overwrite=args.overwrite)
    print(f"\n{text(metrics_table(run.metrics()))}\n\nlook at {run.page}")
    if lost := unread(run):
        print(lost)
    return FINDING if lost else DONE


if __name__ == "__main__":
    sys.exit(main())
