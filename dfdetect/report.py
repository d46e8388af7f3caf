"""`python -m dfdetect.report`: run declared experiments, render their tables, audit what was published."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dfdetect.experiments.audit import audit
from dfdetect.experiments.declared import Experiment, find_experiments, read_experiment
from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import unknown_name

PROG = "python -m dfdetect.report"
ROOT = Path("reports")
TASKS = {
    "audit": "recompute what the reports published from their own numbers, and list contradictions",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Do one task, and return the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    parsers = {"audit": (_audit_parser, _audit)}
    if argv and argv[0] in parsers:
        make, task = parsers[argv[0]]
        return run(make(), task, argv[1:])
    lines = "\n".join(f"  {name:<8}{about}" for name, about in TASKS.items())
    parser = Parser(PROG, "Declared experiments: grids of recipes, and their tables.", f"tasks:\n{lines}")
    parser.add_argument("task", metavar="TASK", help="one of those below; TASK --help says more")
    return run(parser, _refuse, argv[:1])


def _refuse(args: argparse.Namespace) -> int:
    raise unknown_name("task", args.task, TASKS)


def _experiments(folders: Sequence[Path]) -> list[Experiment]:
    return [read_experiment(folder) for folder in folders] if folders else find_experiments(ROOT)


def _audit_parser() -> Parser:
    parser = Parser(
        f"{PROG} audit",
        "Recompute every published figure that follows from other published figures of its report:\n"
        "metrics from confusion matrices, averages from folds, set sizes from matrix sums, and what the\n"
        "text claims. A contradiction is what no rounding of any number explains.",
        f"example:\n  {PROG} audit reports/report_b\n\nexit status: 0 no contradiction, 1 some, 2 wrong use",
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="REPORT", help="default: all in reports/")
    parser.add_argument("--all", action="store_true", help="list what agrees, too")
    return parser


def _audit(args: argparse.Namespace) -> int:
    found = 0
    for experiment in _experiments(args.folders):
        checks = audit(experiment.published, str(experiment.folder))
        wrong = [check for check in checks if not check.holds]
        found += len(wrong)
        print(f"{experiment.name}: {len(checks)} figures recomputed, {len(wrong)} contradictions")
        for check in checks if args.all else wrong:
            mark = "" if not args.all else "  agrees" if check.holds else "  CONTRADICTION"
            print(f"  {check.where}{mark}\n    {check.what}: {check.stated}")
            print(f"    {check.rule}: {check.found}")
    return FINDING if found else DONE


if __name__ == "__main__":
    sys.exit(main())
