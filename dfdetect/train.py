"""`python -m dfdetect.train`: train a detector."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dfdetect.recipe import Recipe, add_flags, from_flags
from dfdetect.startup import load_keras
from face_extraction.command import DONE, Parser, run

# Small, because it must end in minutes on two cores. With Keras' own momentum of .99 the running
# statistics of batch normalisation would not have left their start by the end (see build_model).
SAMPLE = Recipe(weights="none", image_size=96, epochs=4, batch_size=16, learning_rate=1e-3, bn_momentum=0.9)


def main(argv: Sequence[str] | None = None) -> int:
    """Train, and return the exit status."""
    return run(_parser(), _train, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m dfdetect.train",
        "Train a detector on a manifest of face crops, and write a run folder.\n\n"
        "Without --manifest it trains on the embedded sample set of drawn people, small and from\n"
        "random weights: that shows the pipeline working and says nothing about real faces.\n"
        "The same command, given again, goes on with a training that was cut.",
        "example:\n  python -m dfdetect.train --model xception --manifest data/celebdf/manifest.csv "
        "--weights imagenet --trainable head",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="the run's folder (default: runs/MODEL-HASH)")
    parser.add_argument("--overwrite", action="store_true", help="delete what --out holds, and train anew")
    parser.add_argument("--cache", action="store_true", help="keep decoded faces in memory")
    parser.add_argument(
        "--unreadable",
        choices=("fail", "skip"),
        default="fail",
        help="what to do about crops that cannot be decoded: stop before training, or list them and go on",
    )
    parser.add_argument("--devices", type=int, default=1, metavar="N", help="GPUs to use at once; 0 = all")
    parser.add_argument("--tensorboard", action="store_true", help="write event files for TensorBoard")
    add_flags(parser)
    return parser


def _train(args: argparse.Namespace) -> int:
    recipe = _recipe(args)
    # Keras takes seconds to import: only after the command line was understood.
    load_keras()
    from dfdetect.data.opening import open_training_data
    from dfdetect.evaluation import text_table
    from dfdetect.runs import Run
    from dfdetect.training import Conditions, default_run, resolve, train

    recipe = resolve(recipe)
    data = open_training_data(recipe.manifest)
    run = Run(args.out) if args.out else default_run(recipe, data)
    if args.overwrite:
        run.delete()
    print("\n".join((*data.notices, "", data.table(), "")), flush=True)
    if run.finished:
        run.begin(recipe, data.digest)  # refuses another recipe's folder
        print(f"{run.folder}: this training is finished already; --overwrite trains anew")
    else:
        conditions = Conditions(
            cached=args.cache,
            skip_unreadable=args.unreadable == "skip",
            devices=args.devices,
            tensorboard=args.tensorboard,
        )
        train(recipe, data, run, conditions)
    print(f"\n{text_table(run.metrics())}\n\nlook at {run.page}")
    return DONE


def _recipe(args: argparse.Namespace) -> Recipe:
    """The recipe that the command line names; without a manifest, that of the sample set."""
    recipe = from_flags(args, Recipe())
    return recipe if recipe.manifest else from_flags(args, SAMPLE)


if __name__ == "__main__":
    sys.exit(main())
