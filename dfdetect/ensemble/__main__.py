"""`python -m dfdetect.ensemble`: combine finished runs into one."""

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
        "Combine finished runs of the same data into a run of its own, for evaluate and predict.\n\n"
        "mean: the mean of the members' p_fake; weighted: by how far each one's validation AUC lies\n"
        "above .5; stacked: a logistic regression on their logits, fitted on validation faces alone.",
        "example:\n  python -m dfdetect.ensemble runs/a runs/b runs/c --combine stacked --out runs/abc\n\n"
        "exit status: 0 combined, 2 wrong use, or runs that do not go together",
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="two runs or more")
    parser.add_argument("--combine", choices=COMBINES, default="mean", help="how (default: mean)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new run's folder")
    return parser


def _ensemble(args: argparse.Namespace) -> int:
    if len(args.runs) < 2:
        raise InputError(f"{args.runs[0]}: one run; accepted: two or more")
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
