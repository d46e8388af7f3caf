"""`python -m dfdetect.models`: the models there are, and the blocks of one."""

import argparse
from collections.abc import Iterable, Sequence

from dfdetect.models.registry import Family, build_model, family, list_models
from dfdetect.startup import load_keras
from face_extraction.command import DONE, Parser, run
from face_extraction.progress import progress

LAST = 5
LEFT, RIGHT = "<", ">"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table asked for, and return the exit status."""
    return run(_parser(), _show, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m dfdetect.models",
        "List the models, or the blocks of one.\n\n"
        "Blocks are what `--trainable last:N` of training counts, from the output back.",
        "example:\n  python -m dfdetect.models --blocks xception",
    )
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--list", action="store_true", help="list all models (default; builds each of them)")
    asked.add_argument("--blocks", metavar="NAME", help="list the blocks of this model, input first")
    return parser


def _show(args: argparse.Namespace) -> int:
    # An unknown name is refused before the seconds that Keras takes to load.
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
        titles = ("model", "input", "parameters", "blocks", f"last {LAST}", "pretrained", "reference")
        print(_table([titles, *rows], (LEFT, RIGHT, RIGHT, RIGHT, LEFT, LEFT, LEFT)))
    return DONE


def _facts(kind: Family) -> tuple[str, ...]:
    """A model's row: its parameters with the head, at its own input size."""
    from dfdetect.models.blocks import blocks

    model = build_model(kind.name)
    names = list(blocks(model, kind))
    return (
        kind.name,
        str(kind.image_size),
        f"{model.count_params():,}",
        str(len(names)),
        " ".join(names[-LAST:]),
        "ImageNet" if kind.imagenet else "-",
        kind.reference,
    )


def _blocks(kind: Family) -> str:
    """Every block with its parameters, what is trained from it on, and the head."""
    from dfdetect.models.blocks import blocks

    model = build_model(kind.name)
    counts = {
        name: sum(layer.count_params() for layer in layers) for name, layers in blocks(model, kind).items()
    }
    rows = [
        (name, f"{count:,}", f"last:{len(counts) - index}")
        for index, (name, count) in enumerate(counts.items())
    ]
    head = ("(head)", f"{model.count_params() - sum(counts.values()):,}", "head")
    titles = ("block", "parameters", "trained from here on by")
    return _table([titles, *rows, head], (LEFT, RIGHT, LEFT))


def _table(rows: Sequence[Sequence[str]], sides: Iterable[str]) -> str:
    """Columns of equal width, two spaces apart."""
    columns = zip(sides, zip(*rows, strict=True), strict=True)
    formats = [f"{side}{max(map(len, cells))}" for side, cells in columns]
    lines = ("  ".join(map(format, row, formats)).rstrip() for row in rows)
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
