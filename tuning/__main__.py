"""`python -m tuning`: search hyper-parameters."""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dfdetect import cli
from dfdetect.cli import load_keras
from dfdetect.recipe import Recipe, from_mapping
from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError
from tuning.job import DEFAULT, OBJECTIVES, STRATEGIES, Job, list_jobs, parse_job, read_job
from tuning.space import OPTION

FOLDS = (
    "parts of the faces outside the test split that validate in turn; the score is their mean "
    "(default: the job's)"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Search, and return the exit status."""
    return run(_parser(), _tune, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m tuning",
        "Search the recipe with the best validation score. Test faces are not opened.\n\n"
        "What varies, and over what, is a job: a TOML file, or one that comes with the package. Flags of\n"
        "the recipe go over what a job says does not vary. The same command, given again, goes on with a\n"
        "search that was cut; given in a second terminal meanwhile, it is a second worker.",
        f"jobs: {', '.join(list_jobs())}\n\nexample:\n"
        "  python -m tuning --model xception --manifest M --strategy bayesian --trials 40 --out best.toml\n"
        "  python -m dfdetect.train --recipe best.toml\n\n"
        "exit status: 0 every trial is done or pruned, 1 some failed, 2 wrong use, 130 interrupted: given "
        "again,\nit goes on",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the best recipe, *.toml")
    parser.add_argument(
        "--job", default=DEFAULT, metavar="NAME", help="a job's name or file (default: default)"
    )
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="trials and page (default: --out less .toml)"
    )
    parser.add_argument("--strategy", choices=STRATEGIES, help="how trials are proposed (default: the job's)")
    parser.add_argument(
        "--trials", type=int, metavar="N", help="trials of each case, at most (default: the job's)"
    )
    parser.add_argument(
        "--objective", choices=OBJECTIVES, help="what is made as high as possible (default: the job's)"
    )
    parser.add_argument(
        "--case", action="append", default=[], metavar="NAME", help="only this case of the job (default: all)"
    )
    parser.add_argument(
        "--storage",
        default="",
        metavar="URL",
        help="a database for workers on several machines, such as postgresql+psycopg://user@host/name; "
        "they share --folder too (default: SQLite in --folder)",
    )
    parser.add_argument("--no-features", action="store_true", help="do not keep features of frozen backbones")
    parser.add_argument("--overwrite", action="store_true", help="delete the search that --folder holds")
    parser.add_argument("--retry-failed", action="store_true", help="try the trials that failed again")
    cli.add_flags(parser, {"monitor": argparse.SUPPRESS, "tensorboard": argparse.SUPPRESS, "folds": FOLDS})
    return parser


def _tune(args: argparse.Namespace) -> int:
    if args.out.suffix != ".toml":
        raise InputError(f"--out {args.out}; accepted: a file named *.toml")
    if args.monitor:
        raise InputError("--monitor: --objective decides what makes an epoch the best")
    if args.tensorboard:
        raise InputError("--tensorboard writes into one run; accepted here: none")
    job = _job(args)
    load_keras()
    from tuning.opening import delete_search, open_search
    from tuning.rows import FAILED, best_of
    from tuning.search import run_search

    folder = args.folder or args.out.with_suffix("")
    conditions = cli.conditions_of(args)
    search = open_search(job, args.case, folder, args.out, args.storage, conditions, overwrite=args.overwrite)
    if args.overwrite:
        delete_search(search)
    print("\n".join((*search.notices, "")), flush=True)
    rows = run_search(search, features=not args.no_features, retry_failed=args.retry_failed)
    best = best_of(rows)
    failed = sum(row.state == FAILED for row in rows)
    if failed:
        print(
            f"{failed} of {len(rows)} trials failed; {folder / 'trials.csv'} has the reasons, and "
            "--retry-failed tries them again"
        )
    if best is None:
        print("no trial was done: there is no best recipe")
    else:
        print(f"best: {job.objective} {best.score:.4f}, {best.label}")
        print(f"train it: python -m dfdetect.train --recipe {args.out}")
    print(f"look at {folder / 'index.html'}")
    return FINDING if failed else DONE


def _job(args: argparse.Namespace) -> Job:
    """The job that parsed flags name: a job, and flags over it."""
    job = read_job(args.job)
    changes: dict[str, Any] = {
        name: getattr(args, name)
        for name in ("strategy", "trials", "objective")
        if getattr(args, name) is not None
    }
    # The parts of a search's mean; a recipe's own folds are a job's business.
    if args.folds is not None:
        changes["folds"], args.folds = args.folds, None
    fields = [item.name for item in dataclasses.fields(Recipe) if getattr(args, item.name) is not None]
    _refuse_double(job, fields, args.options or [])
    recipe = cli.recipe_from_flags(args, from_mapping({**vars(Recipe()), **job.recipe}))
    if not recipe.manifest:
        recipe = cli.recipe_from_flags(args, from_mapping({**vars(cli.SAMPLE), **job.recipe}))
    content = {**dataclasses.asdict(recipe), "monitor": changes.get("objective", job.objective)}
    if not recipe.folds:
        del content["folds"], content["fold"]
    job = dataclasses.replace(job, **changes, recipe=content)
    return parse_job({**job.content()}, args.job)


def _refuse_double(job: Job, fields: Sequence[str], options: Sequence[str]) -> None:
    """Refuse a flag that the space or a case would overrule."""
    names = [*fields, *(OPTION + text.partition("=")[0] for text in options)]
    for name in names:
        if name in [axis.name for axis in job.space]:
            raise InputError(f"--{name.replace('_', '-')}: the job's space varies it; take it out of the job")
        cases = [case for case, changes in job.cases.items() if name in changes]
        if cases:
            raise InputError(
                f"--{name.replace('_', '-')}: the job's case {cases[0]} sets it; take it out of the job"
            )


if __name__ == "__main__":
    sys.exit(main())
