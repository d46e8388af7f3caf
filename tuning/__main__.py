"""`python -m tuning`: search hyper-parameters."""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dfdetect import cli
from dfdetect.cli import load_keras
from dfdetect.out_folder import check_file
from dfdetect.recipe import Recipe, from_mapping
from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError
from face_extraction.wording import plural
from tuning.job import DEFAULT, OBJECTIVES, STRATEGIES, Job, list_jobs, parse_job, read_job
from tuning.space import OPTION

FOLDS = (
    "parts of the faces outside the test split, which validate in turn; the score is their mean "
    "(default: the job's)"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Search, and return the exit status."""
    return run(_parser(), _tune, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m tuning",
        "Search for the recipe with the best validation score. Test faces are not opened.\n\n"
        "A job says what varies, and over which values: a TOML file, or one that comes with the package.\n"
        "Flags of the recipe override what the job keeps fixed. The same command, given again, resumes a\n"
        "search that was interrupted; given in a second terminal at the same time, it is a second worker.",
        f"jobs: {', '.join(list_jobs())}\n\nexample:\n"
        "  python -m tuning --model xception --manifest M --strategy bayesian --trials 40 --out best.toml\n"
        "  python -m dfdetect.train --recipe best.toml\n\n"
        "exit status: 0 every trial is done or pruned, 1 some failed, or crops were not read (see\n"
        "unscored.csv), 2 wrong use, 130 interrupted: the same command resumes",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the best recipe, *.toml")
    parser.add_argument(
        "--job", default=DEFAULT, metavar="NAME", help="a job's name or file (default: default)"
    )
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="trials and page (default: --out without .toml)"
    )
    parser.add_argument("--strategy", choices=STRATEGIES, help="how trials are proposed (default: the job's)")
    parser.add_argument(
        "--trials", type=int, metavar="N", help="most trials of each case (default: the job's)"
    )
    parser.add_argument("--objective", choices=OBJECTIVES, help="the number to maximise (default: the job's)")
    parser.add_argument(
        "--case", action="append", default=[], metavar="NAME", help="only this case of the job (default: all)"
    )
    parser.add_argument(
        "--storage",
        default="",
        metavar="URL",
        help="a database for workers on several machines, such as postgresql+psycopg://user@host/name; "
        "they must share --folder too (default: SQLite in --folder)",
    )
    parser.add_argument("--no-features", action="store_true", help="do not cache backbone features")
    parser.add_argument("--overwrite", action="store_true", help="delete the search in --folder first")
    parser.add_argument("--retry-failed", action="store_true", help="try failed trials again")
    cli.add_flags(parser, {"monitor": argparse.SUPPRESS, "tensorboard": argparse.SUPPRESS, "folds": FOLDS})
    return parser


def _tune(args: argparse.Namespace) -> int:
    if args.out.suffix != ".toml":
        raise InputError(f"--out {args.out}; accepted: a file named *.toml")
    check_file(args.out)
    if args.monitor:
        raise InputError("--monitor: --objective decides which epoch is the best")
    if args.tensorboard:
        raise InputError("--tensorboard is not accepted here: it writes into one run")
    job = _job(args)
    load_keras()
    from dfdetect.runs.folder import Run
    from dfdetect.train.training import unread
    from tuning.opening import Place, delete_search, open_search
    from tuning.rows import FAILED, best_of
    from tuning.search import run_search

    folder = args.folder or args.out.with_suffix("")
    conditions = cli.conditions_of(args)
    place = Place(folder, args.out, args.storage)
    search = open_search(job, args.case, place, conditions, overwrite=args.overwrite)
    if args.overwrite:
        delete_search(search)
    print("\n".join((*search.notices, "")), flush=True)
    rows = run_search(search, features=not args.no_features, retry_failed=args.retry_failed)
    best = best_of(rows)
    failed = sum(row.state == FAILED for row in rows)
    if failed:
        print(
            f"{failed} of {len(rows)} trials failed; {folder / 'trials.csv'} has the reasons; "
            "--retry-failed tries them again"
        )
    searched = [case.name for case in search.searched]
    left = job.trials * len(searched) - sum(row.case in searched for row in rows)
    if left > 0:
        print(f"{plural(left, 'trial')} of the budget not run: no values are left that were not tried")
    if best is None:
        print("no trial finished, so there is no best recipe")
    else:
        print(f"best: {job.objective} {best.score:.4f}, {best.label}")
        print(f"train it: python -m dfdetect.train --recipe {args.out}")
    print(f"look at {folder / 'index.html'}")
    return FINDING if failed or unread(Run(folder)) else DONE


def _job(args: argparse.Namespace) -> Job:
    """The job that --job names, with the other flags applied to it."""
    job = read_job(args.job)
    changes: dict[str, Any] = {
        name: getattr(args, name)
        for name in ("strategy", "trials", "objective")
        if getattr(args, name) is not None
    }
    # --folds counts the parts that a search averages over; only a job sets folds in its recipe.
    if args.folds is not None:
        changes["folds"], args.folds = args.folds, None
    fields = [item.name for item in dataclasses.fields(Recipe) if getattr(args, item.name) is not None]
    _refuse_double(job, fields, args.options or [])
    recipe = cli.recipe_from_flags(args, from_mapping({**vars(Recipe()), **job.recipe}, args.job))
    if not recipe.manifest:
        recipe = cli.recipe_from_flags(args, from_mapping({**vars(cli.SAMPLE), **job.recipe}, args.job))
    content = {**dataclasses.asdict(recipe), "monitor": changes.get("objective", job.objective)}
    if not recipe.folds:
        del content["folds"], content["fold"]
    job = dataclasses.replace(job, **changes, recipe=content)
    return parse_job({**job.content()}, args.job)


def _refuse_double(job: Job, fields: Sequence[str], options: Sequence[str]) -> None:
    """Refuse a flag that the job's space or a case would override."""
    names = [*fields, *(OPTION + text.partition("=")[0] for text in options)]
    for name in names:
        if name in [axis.name for axis in job.space]:
            raise InputError(f"--{name.replace('_', '-')}: the job's space varies it; remove it from the job")
        cases = [case for case, changes in job.cases.items() if name in changes]
        if cases:
            raise InputError(
                f"--{name.replace('_', '-')}: the job's case {cases[0]} sets it; remove it from the job"
            )


if __name__ == "__main__":
    sys.exit(main())
