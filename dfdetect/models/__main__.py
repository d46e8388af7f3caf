"""`python -m dfdetect.models`: list the models, or the blocks of one model."""

import argparse
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dfdetect.cli import load_keras
from dfdetect.models.build import build_model
from dfdetect.models.names import PUBLISHED
from dfdetect.models.registry import Family, family, list_models
from dfdetect.models.shipped import list_pretrained, pretrained_folder
from dfdetect.recipe import read_recipe
from face_extraction.command import DONE, Parser, aligned, run
from face_extraction.progress import progress

if TYPE_CHECKING:
    import keras

LISTED = ("model", "input", "parameters", "head", "blocks", "Report B", "trained", "pretrained", "reference")
SHIPPED = ("pretrained", "model", "input", "MB")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table, and return the exit status."""
    return run(_parser(), _show, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m dfdetect.models",
        "List the models, or the blocks of one model.\n\n"
        "`--trainable last:N` of training counts blocks from the output back; --blocks shows what each N\n"
        "trains. The list shows what --trainable head trains, and what Report B fine-tuned.",
        "example:\n  python -m dfdetect.models --blocks xception\n\nexit status: 0 listed, 2 wrong use",
    )
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--list", action="store_true", help="list all models (default; builds each of them)")
    asked.add_argument(
        "--pretrained", action="store_true", help="list the detectors that ship with the package"
    )
    asked.add_argument("--blocks", metavar="NAME", help="list the blocks of this model, input first")
    return parser


def _show(args: argparse.Namespace) -> int:
    if args.pretrained:
        print(aligned([SHIPPED, *map(_shipped, list_pretrained())], "<<>>"))
        return DONE
    # Refuse an unknown name before Keras loads, which takes seconds.
    asked = [family(name) for name in ([args.blocks] if args.blocks else list_models())]
    load_keras()
    if args.blocks:
        print(_blocks(asked[0]))
    else:
        with progress("build", len(asked), unit="models") as advance:
            rows = []
            for kind in asked:
                rows.append(_facts(kind))
                advance(note=kind.name)
        print(aligned([LISTED, *rows], "<>>>>>><<"))
    return DONE


def _shipped(name: str) -> tuple[str, ...]:
    """The row of a shipped detector: its name, model, side of the input, and size of its files."""
    folder = pretrained_folder(name)
    recipe = read_recipe(folder / "recipe.toml")
    bytes_ = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return name, recipe.model, str(recipe.image_size), f"{bytes_ / 1e6:.1f}"


def _facts(kind: Family) -> tuple[str, ...]:
    """A model's row: its parameters with the head, at its own input size, and how many are trained."""
    from dfdetect.models.blocks import blocks

    model = build_model(kind.name)
    return (
        kind.name,
        str(kind.image_size),
        f"{model.count_params():,}",
        f"{_trained(model, kind, 'head'):,}",
        str(len(blocks(model, kind))),
        kind.report_b or "-",
        f"{_trained(model, kind, kind.report_b):,}" if kind.report_b else "-",
        PUBLISHED.get(kind.pretrained, "-"),
        kind.reference.removeprefix("https://"),
    )


def _blocks(kind: Family) -> str:
    """Every block and the head: its parameters, and the `--trainable` that trains it and all that follows."""
    from dfdetect.models.blocks import blocks

    model = build_model(kind.name)
    counts = {
        name: sum(layer.count_params() for layer in layers) for name, layers in blocks(model, kind).items()
    }
    counts["(head)"] = model.count_params() - sum(counts.values())
    rows = []
    for index, (name, count) in enumerate(counts.items(), start=1):
        trainable = "head" if index == len(counts) else f"last:{len(counts) - index}"
        rows.append((name, f"{count:,}", trainable, f"{_trained(model, kind, trainable):,}"))
    titles = ("block", "parameters", "trained from here on by", "parameters trained")
    return aligned([titles, *rows], "<><>")


def _trained(model: "keras.Model", kind: Family, trainable: str) -> int:
    """The number of trained parameters; the running means of batch normalisation are not trained."""
    from dfdetect.models.blocks import set_trainable

    set_trainable(model, kind, trainable)
    return sum(math.prod(variable.shape) for variable in model.trainable_variables)


if __name__ == "__main__":
    raise SystemExit(main())
