"""`python -m dfdetect.ensemble`: combine finished runs into a new one."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dfdetect.cli import load_keras
from dfdetect.recipe import COMBINES
from face_extraction.command import DONE, Parser, run
from face_extraction.errors import InputError


def main(argv: Sequence[str] | None = None) -> int:
    """Combine, and return the exit status."""
    return run(_parser(), _ensemble, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m dfdetect.ensemble",
        "Combine finished runs on the same data into a new run, for evaluate and predict.\n\n"
        "mean: the mean of the members' p_fake; weighted: weights by how far each member's val AUC is\n"
        "above .5; stacked: a logistic regression on their logits, fitted only on val faces.",
        "example:\n  python -m dfdetect.ensemble runs/a runs/b runs/c --combine stacked --out runs/abc\n\n"
        "exit status: 0 combined, 2 wrong use, or the runs do not fit together",
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="two or more run folders")
    parser.add_argument("--combine", choices=COMBINES, default="mean", help="how to combine (default: mean)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new run's folder")
    return parser


def _ensemble(args: argparse.Namespace) -> int:
    if len(args.runs) < 2:
        raise InputError(f"{args.runs[0]}: only one run; accepted: two or more")
    load_keras()
    from dfdetect.ensemble.ensembling import build_ensemble
    from dfdetect.render.table import text
    from dfdetect.runs.folder import Run
    from dfdetect.runs.results import metrics_table

    out = Run(args.out)
    build_ensemble([Run(folder) for folder in args.runs], args.combine, out)
    print(f"\n{text(metrics_table(out.metrics()))}\n\nlook at {out.page}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
