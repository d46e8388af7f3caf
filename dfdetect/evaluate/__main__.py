"""`python -m dfdetect.evaluate`: measure a run, on its own data or on others."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dfdetect.cli import load_keras
from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError
from face_extraction.manifest import SPLITS


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate, and return the exit status."""
    return run(_parser(), _evaluate, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m dfdetect.evaluate",
        "Score a manifest with a finished run, and write predictions, metrics, figures and a page\n"
        "into RUN/evaluations/NAME. The threshold stays the one chosen on the run's validation split.",
        "example:\n  python -m dfdetect.evaluate runs/NAME --manifest data/celebdf/manifest.csv\n"
        "\n"
        "exit status: 0 everything was scored, 1 something was not (see unscored.csv), 2 wrong use,\n"
        "130 interrupted",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the run's folder")
    parser.add_argument("--manifest", type=Path, metavar="FILE", help="default: the run's own")
    parser.add_argument(
        "--split", choices=(*SPLITS, "all"), default="test", help="which rows to score (default: test)"
    )
    parser.add_argument("--name", help="its name (default: the manifest's folder, hash and split)")
    parser.add_argument("--batch-size", type=int, metavar="N", help="batch size (default: the run's)")
    return parser


def _evaluate(args: argparse.Namespace) -> int:
    if args.batch_size is not None and args.batch_size < 1:
        raise InputError(f"--batch-size {args.batch_size}; accepted: 1 or more")
    load_keras()
    from dfdetect.render.table import text
    from dfdetect.runs.folder import Run
    from dfdetect.runs.results import evaluate, metrics_table

    source = Run(args.run)
    results, unscored = evaluate(source, args.manifest, args.split, args.name, args.batch_size)
    table = metrics_table(results.metrics())
    print(f"\n{text(table)}\n" if table.rows else "")
    print(f"look at {results.page}")
    if unscored:
        print(f"{unscored} {source.recipe().unit}s were not scored: {results.unscored}")
    return FINDING if unscored else DONE


if __name__ == "__main__":
    sys.exit(main())
