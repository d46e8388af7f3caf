"""`python -m dfdetect.report`: run declared experiments, render their tables, recheck published numbers."""

import argparse
import math
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dfdetect import cli
from dfdetect.cli import load_keras
from dfdetect.report.declared import FULL, Cell, Experiment
from dfdetect.report.reading import find_experiments, read_experiment
from dfdetect.report.recheck import recheck
from dfdetect.runs.folder import RUNS
from face_extraction.atomic import write_text
from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError, check_name
from face_extraction.shards import Shard

PROG = "python -m dfdetect.report"
ROOT = Path("reports")
README = Path("README.md")
FORMATS = ("text", "markdown", "latex", "csv", "html")
UNITS = {"s": 1, "m": 60, "h": 3600}


def main(argv: Sequence[str] | None = None) -> int:
    """Do one task, and return the exit status."""
    parser = Parser(PROG, "Run the experiments that reports declare as grids of recipes; render tables.")
    tasks = parser.add_subparsers(title="tasks", metavar="TASK", required=True, prog=PROG)
    for add in (_add_run, _add_add, _add_tables, _add_from_runs, _add_recheck):
        add(tasks)
    return run(parser, lambda args: args.do(args), argv)


def _experiments(folders: Sequence[Path]) -> list[Experiment]:
    return [read_experiment(folder) for folder in folders] if folders else find_experiments(ROOT)


def _add_run(tasks: Any) -> None:
    parser = tasks.add_parser(
        "run",
        help="run the missing cells of a report's grid",
        description="Run the cells of a report that lack a result, and compare the cells of each table and\n"
        "finding.\n\n"
        "Each training is an ordinary run folder; a line of results.jsonl keeps what tables need. A killed\n"
        "run continues when started again, and several processes may share one grid. Without --manifest the\n"
        "embedded sample set is used, which says nothing about real faces.",
        epilog=f"example:\n  {PROG} run reports/report_b --manifest data/manifest.csv --only model=vgg16\n\n"
        "exit status: 0 every chosen cell has its result, 1 some failed or have not run yet, 2 wrong use",
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="REPORT", help="the report's folder")
    add(
        "--profile",
        default=FULL,
        metavar="NAME",
        help="the size, as declared in experiment.toml (default: %(default)s)",
    )
    add("--manifest", default="", metavar="FILE", help="what to train on (default: the embedded sample set)")
    add("--only", action="append", default=[], metavar="AXIS=NAME", help="run only this part; repeatable")
    add(
        "--budget",
        type=_duration,
        default=0.0,
        metavar="2h",
        help="start no training after this time, and no cell that would end after it: 90s, 30m, 2h",
    )
    add("--shard", default="1/1", metavar="I/N", help="only every N-th cell, from the I-th")
    add("--runs", type=Path, default=RUNS, metavar="DIR", help="where runs go (default: %(default)s)")
    add(
        "--weights", action="append", default=[], metavar="MODEL=FILE",
        help='a local weights file for a model whose recipe says "imagenet"; repeatable',
    )  # fmt: skip
    add("--partial-weights", action="store_true", help="accept files that cover only a part of their model")
    add("--repeat", action="store_true", help="at the end, also train the further seeds of the size")
    add("--again", action="store_true", help="repeat finished cells whose run folders are gone")
    add("--list", action="store_true", help="list the cells with their state, and run nothing")
    cli.add_conditions(parser)
    parser.set_defaults(do=_run)


def _run(args: argparse.Namespace) -> int:
    experiment = read_experiment(args.folder)
    shard = Shard.parse(args.shard)
    cells = _chosen(experiment, args)[shard.index - 1 :: shard.count]
    weights = dict(cli.pair("--weights", text) for text in args.weights)
    load_keras()
    from dfdetect.report.comparing import compare_tables
    from dfdetect.report.judging import judge_findings
    from dfdetect.report.running import Setup, faces_figure, listed, run_grid, status

    _check_weights(weights, cells)
    setup = Setup(
        profile=args.profile,
        manifest=args.manifest,
        runs=args.runs,
        weights=weights,
        partial_weights=args.partial_weights,
        conditions=cli.conditions_of(args),
        budget=args.budget,
        again=args.again,
    )
    if args.list:
        print(listed(experiment, cells, setup))
        return DONE
    print(status(experiment, cells, setup), flush=True)
    missing = run_grid(experiment, cells, setup)
    print("", flush=True)
    for compare in (compare_tables, judge_findings):
        for line in compare(experiment, args.profile, setup.digest(), args.runs):
            print(line)
    faces_figure(experiment, setup)
    part = f" of shard {shard}" if shard.count > 1 else ""
    root = experiment.folder.parent
    where = "" if root.resolve() == ROOT.resolve() else f" --root {shlex.quote(str(root))}"
    print(f"{len(cells) - missing} of {len(cells)} cells{part} have their result; next: {PROG} tables{where}")
    return FINDING if missing else DONE


def _check_weights(weights: Mapping[str, str], cells: Sequence[Cell]) -> None:
    """Refuse a file that no cell would start from, or that does not exist."""
    from dfdetect.report.running import takes_weights

    trained = [each.recipe for cell in cells for each in cell.members or (cell,)]
    models = sorted({recipe.model for recipe in trained})
    for model, file in weights.items():
        check_name("model of these cells", model, models, f"--weights {model}={file}")
        if not any(takes_weights(recipe) for recipe in trained if recipe.model == model):
            raise InputError(f"--weights {model}={file}: {model} starts at random in these cells")
        if not Path(file).exists():
            raise InputError(f"--weights {model}={file}: no such file")


def _add_add(tasks: Any) -> None:
    parser = tasks.add_parser(
        "add",
        help="record a finished run as the result of the cell that declares it",
        description="Record a finished run as the result of the cell that declares its recipe, at any size.",
        epilog=f"example:\n  {PROG} add reports/report_c runs/custom_cnn-1a2b3c4d",
    )
    parser.add_argument("folder", type=Path, metavar="REPORT", help="the report's folder")
    parser.add_argument("run", type=Path, metavar="RUN", help="the run's folder")
    parser.set_defaults(do=_add)


def _add(args: argparse.Namespace) -> int:
    experiment = read_experiment(args.folder)
    load_keras()
    from dfdetect.report.published import name_of
    from dfdetect.report.recording import adopt
    from dfdetect.runs.folder import Run

    result = adopt(experiment, Run(args.run))
    print(f"{experiment.name}: {name_of(result.at)} ({result.profile}) has its result")
    return DONE


def _add_tables(tasks: Any) -> None:
    parser = tasks.add_parser(
        "tables",
        help="render the tables, the page over all reports and the README's summary",
        description="Render every report's tables (Markdown, CSV, LaTeX, HTML), its figures, the page over\n"
        "all reports and, for reports/ itself, the summary in README.md. Reads only experiment.toml,\n"
        "results.jsonl, comparisons.json and findings.json.",
        epilog=f"example:\n  {PROG} tables --check\n\n"
        "exit status: 0 written, or nothing to write; 1 with --check: a file differs; 2 wrong use",
    )
    parser.add_argument(
        "--root", type=Path, default=ROOT, metavar="DIR", help="the folder of reports (default: %(default)s)"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; name the files that differ")
    parser.set_defaults(do=_tables)


def _tables(args: argparse.Namespace) -> int:
    from dfdetect.report.files import files
    from dfdetect.report.overview import overview, with_summary
    from dfdetect.report.pictures import draw_figures, figure_files

    experiments = find_experiments(args.root)
    wanted = {path: text for experiment in experiments for path, text in files(experiment).items()}
    wanted[args.root / "README.md"] = overview(experiments)
    if args.root == ROOT and README.is_file():  # Reports elsewhere do not belong in this project's summary.
        wanted[README] = with_summary(README, experiments)
    figures = [path for experiment in experiments for path in figure_files(experiment)]
    differ = [
        path
        for path, text in wanted.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    if args.check:
        root = "" if args.root == ROOT else f" --root {args.root}"
        differ += [path for path in figures if not path.is_file()]
        for path in differ:
            print(f"{path}: differs from the results; {PROG} tables{root} renders it")
        return FINDING if differ else DONE
    for path in differ:
        write_text(path, wanted[path])
    for experiment in experiments:
        draw_figures(experiment)
    print(f"{len(wanted)} files, {len(differ)} of them new or changed; {len(figures)} figures")
    return DONE


def _add_from_runs(tasks: Any) -> None:
    parser = tasks.add_parser(
        "from-runs",
        help="tabulate your own runs and cross-validations",
        description="One row for each run: metrics of its test faces, intervals, n and size. A folder of\n"
        "dfdetect.crossval gives the mean of its folds. Notes tell of random starts, of splits that leak\n"
        "and of trainings that collapsed.",
        epilog=f"example:\n  {PROG} from-runs runs/* --columns accuracy,auc --format latex --out runs.tex\n\n"
        "exit status: 0 every folder has its row, 1 some are left out, each with its reason, 2 wrong use",
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run's folder")
    parser.add_argument(
        "--columns",
        type=lambda text: text.split(","),
        default=["accuracy", "auc"],
        metavar="NAME,...",
        help="metrics, by their names in metrics.json (default: accuracy,auc)",
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="the form (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write into this file (default: print)")
    parser.set_defaults(do=_from_runs)


def _from_runs(args: argparse.Namespace) -> int:
    from dfdetect.report import from_runs

    table, refused = from_runs.table_of(args.runs, args.columns)
    made = getattr(from_runs, f"as_{args.format}")(table)
    if args.out:
        write_text(args.out, made)
        print(f"written: {args.out}")
    else:
        print(made, end="", flush=True)
    # Not into the table, which may go on into a file.
    print("".join(f"left out: {line}\n" for line in refused), end="", file=sys.stderr)
    return FINDING if refused else DONE


def _chosen(experiment: Experiment, args: argparse.Namespace) -> list[Cell]:
    """The cells that `--only` names: choices of one axis add up, several axes narrow down."""
    only, repeats = args.only, experiment.repeats(args.profile) if args.repeat else []
    wanted: dict[str, set[str]] = {}
    for text in only:
        axis, name = cli.pair("--only", text)
        check_name("axis", axis, experiment.axes)
        check_name(f"choice of {axis}", name, experiment.axes[axis])
        wanted.setdefault(axis, set()).add(name)
    cells = [
        cell
        for cell in (*experiment.cells(args.profile), *repeats)
        if all(cell.at[axis] in names for axis, names in wanted.items())
    ]
    if not cells:
        raise InputError(f"--only {' '.join(only)}: {experiment.folder} has no such cell")
    return cells


def _duration(text: str) -> float:
    """Seconds. None at all is refused: without a limit there is no --budget."""
    try:
        seconds = float(text[:-1]) * UNITS[text[-1:]]
    except (ValueError, KeyError):
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r}; accepted: more than 0, such as 90s, 30m or 2h")
    return seconds


def _add_recheck(tasks: Any) -> None:
    parser = tasks.add_parser(
        "recheck",
        help="recompute published numbers from the reports' own numbers, and list contradictions",
        description="Recompute every published figure that follows from other figures of its report:\n"
        "metrics from confusion matrices, averages from folds, set sizes from matrix sums, and claims in\n"
        "the text. A contradiction is a difference that no rounding of any number explains.",
        epilog=f"example:\n  {PROG} recheck reports/report_b\n\n"
        "exit status: 0 no contradiction, 1 some, 2 wrong use",
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="REPORT", help="default: all in reports/")
    parser.add_argument("--all", action="store_true", help="also list the figures that agree")
    parser.set_defaults(do=_recheck)


def _recheck(args: argparse.Namespace) -> int:
    from face_extraction.wording import plural

    found = 0
    for experiment in _experiments(args.folders):
        checks = recheck(experiment.published, str(experiment.folder))
        wrong = [check for check in checks if not check.holds]
        found += len(wrong)
        counts = plural(len(checks), "figure"), plural(len(wrong), "contradiction")
        print(f"{experiment.name}: {counts[0]} recomputed, {counts[1]}")
        for check in checks if args.all else wrong:
            mark = "" if not args.all else "  agrees" if check.holds else "  CONTRADICTION"
            print(f"  {check.where}{mark}\n    {check.what}: {check.stated}")
            print(f"    {check.rule}: {check.found}")
    return FINDING if found else DONE


if __name__ == "__main__":
    sys.exit(main())
