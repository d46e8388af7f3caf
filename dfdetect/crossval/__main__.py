"""`python -m dfdetect.crossval`: cross-validate a recipe."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dfdetect import cli
from dfdetect.cli import load_keras
from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError
from face_extraction.toml import read_toml

FOLDS = "number of parts; each part is the test split once (default: 3)"
SPLITTINGS = ("group", "random")
UNUSED = dict.fromkeys(("fold", "test_share"), argparse.SUPPRESS)
"""Flags of a training that folds leave no choice."""
SPLIT = "make parts of whole groups, or of single faces or videos (default: group)"


def main(argv: Sequence[str] | None = None) -> int:
    """Cross-validate, and return the exit status."""
    return run(_parser(), _crossval, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m dfdetect.crossval",
        "Train and test a recipe on --folds parts of a manifest (3, as Report B), and average.\n\n"
        "The parts are made of whole groups; --split random makes them of single faces, as reports did,\n"
        "and the table says so. Each fold is its own run. The same command, given again, resumes.",
        "example:\n  python -m dfdetect.crossval --model vgg16 --manifest data/mine/manifest.csv --folds 3"
        "\n\nexit status: 0 every fold is trained, 1 some without crops that could not be read (see their\n"
        "unscored.csv), 2 wrong use, 130 interrupted: the same command resumes",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="the folder for all folds (default: runs/crossval-MODEL-HASH)"
    )
    cli.add_flags(parser, {**UNUSED, "folds": FOLDS, "split": SPLIT})
    for action in parser._actions:
        action.choices = SPLITTINGS if action.dest == "split" else action.choices
    return parser


def _crossval(args: argparse.Namespace) -> int:
    if args.fold is not None:
        raise InputError(f"--fold {args.fold}: crossval trains every fold; dfdetect.train trains one fold")
    if args.test_share is not None:
        raise InputError(f"--test-share {args.test_share}: crossval tests each fold once, so --folds decides")
    # Read these fields apart: a recipe file may have a split without folds, or folds without a fold.
    file = read_toml(args.recipe) if args.recipe else {}
    split = args.split or file.get("split", "manifest")
    folds = (file.get("folds") or 3) if args.folds is None else args.folds
    args.split = args.folds = None
    over = {"split": "group" if split == "manifest" else split, "folds": folds, "fold": 1}
    recipe = cli.recipe_of(args, over)
    load_keras()
    from dfdetect.crossval.crossvalidation import MARKDOWN, cross_validate, fold_run
    from dfdetect.data.opening import open_training_data
    from dfdetect.out_folder import check_writable
    from dfdetect.train.training import check_start, default_folder, resolve, unread

    recipe = resolve(recipe)
    check_start(recipe, None)
    if args.out:
        check_writable(args.out)
    data = open_training_data(recipe)
    fold = default_folder(recipe, data)  # where dfdetect.train would put the first fold
    folder = args.out or fold.with_name(f"crossval-{fold.name}")
    cross_validate(recipe, folder, cli.conditions_of(args))
    table = folder / MARKDOWN
    print(f"\n{table.read_text(encoding='utf-8')}\nwritten: {table}")
    lost = [line for number in range(1, recipe.folds + 1) if (line := unread(fold_run(folder, number)))]
    print("".join(f"{line}\n" for line in lost), end="")
    return FINDING if lost else DONE


if __name__ == "__main__":
    sys.exit(main())
