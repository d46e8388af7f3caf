"""The command-line flags that training and cross-validation share."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dfdetect import recipe as recipes
from dfdetect.recipe import Recipe

# Small, because it must end in minutes on two cores. With Keras' own momentum of .99 the running
# statistics of batch normalisation would not have left their start by the end (see build_model).
SAMPLE = Recipe(weights="none", image_size=96, epochs=4, batch_size=16, learning_rate=1e-3, bn_momentum=0.9)


@dataclass(frozen=True)
class Conditions:
    """How a training goes about it; none of it is in the recipe.

    Attributes:
        cached: keep decoded faces in memory.
        skip_unreadable: leave crops out that cannot be decoded, and list them; else they are fatal.
        devices: accelerators to train on; 0 = all. With several, results are nearly those of one: sums have
            another order, and on TensorFlow batch normalisation takes the mean of each device's share.
        tensorboard: write event files into the run.
    """

    cached: bool = False
    skip_unreadable: bool = False
    devices: int = 1
    tensorboard: bool = False


def add_flags(parser: argparse.ArgumentParser, helps: Mapping[str, str] | None = None) -> None:
    """Give `parser` the flags of `Conditions` and those of the recipe.

    Args:
        parser: a command's.
        helps: help of those that mean something else than in a single training, by their names in `args`;
            `argparse.SUPPRESS` for those that mean nothing.
    """
    add_conditions(parser)
    recipes.add_flags(parser)
    for action in parser._actions:
        action.help = (helps or {}).get(action.dest, action.help)


def add_conditions(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the flags of `Conditions`."""
    parser.add_argument("--cache", action="store_true", help="keep decoded faces in memory")
    parser.add_argument(
        "--unreadable",
        choices=("fail", "skip"),
        default="fail",
        help="what to do about crops that cannot be decoded: stop before training, or list them and go on "
        "(default: fail)",
    )
    parser.add_argument(
        "--devices", type=int, default=1, metavar="N", help="GPUs to use at once; 0 = all (default: 1)"
    )
    parser.add_argument("--tensorboard", action="store_true", help="write event files for TensorBoard")


def conditions(args: argparse.Namespace) -> Conditions:
    """The conditions that parsed flags name."""
    return Conditions(
        cached=args.cache,
        skip_unreadable=args.unreadable == "skip",
        devices=args.devices,
        tensorboard=args.tensorboard,
    )


def recipe(args: argparse.Namespace, over: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe that parsed flags name; without a manifest, that of the sample set.

    Args:
        args: the parsed flags.
        over: values that go over those of the recipe's file.

    Raises:
        InputError: the recipe's file or a value is not accepted.
    """
    named = recipes.from_flags(args, Recipe(), over)
    return named if named.manifest else recipes.from_flags(args, SAMPLE, over)
