"""`python -m dfdetect.evaluate`: measure a run, on its own data or on others."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dfdetect.cli import load_keras
from dfdetect.models.shipped import run_folder
from dfdetect.recipe import MOST_BATCH
from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError, check_range
from face_extraction.manifest import SPLITS

PROG = "python -m dfdetect.evaluate"


def main(argv: Sequence[str] | None = None) -> int:
    """Evaluate, and return the exit status."""
    return run(_parser(), _evaluate, argv)


def _parser() -> Parser:
    parser = Parser(
        PROG,
        "Score a manifest with a finished run, and write predictions, metrics, figures and a page\n"
        "into RUN/evaluations/NAME (of a detector that ships: runs/RUN/evaluations/NAME). The threshold\n"
        "stays the one chosen on the run's validation split.",
        f"examples:\n  {PROG} runs/NAME --manifest data/celebdf/manifest.csv --slices --errors\n"
        f"  {PROG} --matrix runs/A runs/B --manifest data/dfdc --manifest data/celebdf\n"
        "\n"
        "exit status: 0 every face was scored, 1 some were not (see unscored.csv, or the matrix's notes),\n"
        "2 wrong use, 130 interrupted",
    )
    parser.add_argument(
        "runs",
        type=Path,
        nargs="+",
        metavar="RUN",
        help="the run's folder, or a detector that ships; with --matrix one or more",
    )
    parser.add_argument(
        "--manifest",
        type=Path,
        action="append",
        metavar="FILE",
        help="the faces to score (default: the run's own); with --matrix give it once or more",
    )
    parser.add_argument(
        "--split", choices=(*SPLITS, "all"), default="test", help="which rows to score (default: test)"
    )
    parser.add_argument(
        "--name",
        action="append",
        help="the evaluation's name (default: the manifest's folder, hash and split); with --matrix one for "
        "each manifest",
    )
    parser.add_argument("--batch-size", type=int, metavar="N", help="batch size (default: the run's)")
    more = parser.add_argument_group("more about one run")
    more.add_argument(
        "--slices",
        action="store_true",
        help="add to the page how often the run errs on faces of each size, sharpness, turn of the head, "
        "skin tone and more",
    )
    more.add_argument(
        "--errors",
        action="store_true",
        help="write errors.html: the surest mistakes, at most one per group, with heat maps",
    )
    many = parser.add_argument_group("several runs and manifests")
    many.add_argument(
        "--matrix",
        action="store_true",
        help="score every manifest with every run, and write tables; the same call goes on if it was stopped",
    )
    many.add_argument(
        "--out", type=Path, metavar="DIR", help="the folder of the matrix's tables (default: matrix)"
    )
    return parser


def _evaluate(args: argparse.Namespace) -> int:
    if args.batch_size is not None:
        check_range("--batch-size", args.batch_size, 1, MOST_BATCH)
    args.runs = [run_folder(path) for path in args.runs]
    if args.matrix:
        return _matrix(args)
    for flag, given in (("RUN", args.runs), ("--manifest", args.manifest), ("--name", args.name)):
        if given and len(given) > 1:
            raise InputError(f"{flag} {' '.join(map(str, given))}; accepted: one, or several with --matrix")
    if args.out:
        raise InputError("--out; accepted with --matrix only: an evaluation lies in its run's folder")
    load_keras()
    return _one(args)


def _one(args: argparse.Namespace) -> int:
    from functools import cache

    from dfdetect.evaluate.evaluating import Wanted, evaluate, prepare
    from dfdetect.render.table import text
    from dfdetect.runs.build import load_model
    from dfdetect.runs.folder import Run
    from dfdetect.runs.results import metrics_table

    (manifest,), (name,) = args.manifest or [None], args.name or [None]
    wanted = Wanted(manifest=manifest, split=args.split, name=name, batch_size=args.batch_size)
    job, load = prepare(Run(args.runs[0]), wanted), cache(load_model)
    if (args.slices or args.errors) and job.is_done():
        print("\n".join([f"scored already: {job.results.folder}", *job.notices, *job.seen.told]))
    else:
        evaluate(job, load)
    table = metrics_table(job.results.metrics())
    print(f"\n{text(table)}\n" if table.rows else "")
    if args.slices:
        from dfdetect.evaluate.showing import write_slices

        print("\n".join(write_slices(job)) + "\n")
    print(f"look at {job.results.page}")
    if args.errors:
        from dfdetect.evaluate.errors import write_errors

        print(f"look at {write_errors(job, load)}")
    unscored = job.unscored()
    if unscored:
        print(f"{unscored} {job.recipe.unit}s were not scored: {job.results.unscored}")
    return FINDING if unscored else DONE


def _matrix(args: argparse.Namespace) -> int:
    if args.slices or args.errors:
        raise InputError("--matrix with --slices or --errors; accepted: these for one run")
    if not args.manifest:
        raise InputError("--matrix needs --manifest FILE, once or more")
    if args.name and len(args.name) != len(args.manifest):
        raise InputError(
            f"--name was given {len(args.name)} times for {len(args.manifest)} manifests; accepted: never, "
            "or once for each, in their order"
        )
    from dfdetect.out_folder import check_out
    from dfdetect.runs.folder import Run

    out = args.out or Path("matrix")
    check_out(out)
    load_keras()
    from dfdetect.evaluate.matrix import fill, open_sets
    from dfdetect.evaluate.matrix_tables import write_matrix

    sets = open_sets(args.manifest, args.name, args.split)
    cells = fill([Run(path) for path in args.runs], sets, args.batch_size)
    page = write_matrix(cells, out)
    print(f"look at {page}")
    return DONE if all(cell.whole for cell in cells) else FINDING


if __name__ == "__main__":
    sys.exit(main())
