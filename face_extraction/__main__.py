"""Command line: `python -m face_extraction DATASET --root RAW --out OUT`, and its other commands."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from face_extraction import check, download
from face_extraction.check import add_root
from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError, check_range, unknown_name
from face_extraction.settings import FORMATS, MOST_WORKERS, POLICIES, TIME_LIMIT, CropSpec, ExtractionSettings
from face_extraction.sources import Listing, Source, list_sources
from face_extraction.sources.layout import packed
from face_extraction.splits import SplitRule, drawn_splits, settle

if TYPE_CHECKING:
    from face_extraction.extract import Summary

PROG = "python -m face_extraction"
STATUS = """\
exit status:
  0    done: every item gave a face
  1    done, but ledger.csv names items that gave none or could not be read completely
  2    wrong use, or OUT cannot be written: what was finished before is kept
  130  interrupted: the same command continues from there"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    argv = sys.argv[1:] if argv is None else argv
    sources = {source.name: source for source in list_sources()}
    if argv and argv[0] in sources:
        source = sources[argv[0]]
        return run(_source_parser(source), partial(_extract, source), argv[1:])
    if argv and argv[0] == "merge":
        return run(_merge_parser(), _merge, argv[1:])
    if argv and argv[0] == "manifest":
        from face_extraction import combine

        return run(combine.parser(PROG), combine.run_combine, argv[1:])
    if argv and argv[0] == "landmarks":
        from face_extraction import landmarks

        return run(landmarks.parser(PROG), landmarks.run_landmarks, argv[1:])
    if argv and argv[0] in OF_A_SOURCE:
        if len(argv) > 1 and argv[1] in sources:
            return OF_A_SOURCE[argv[0]](sources[argv[1]], argv[2:])
        offered = [source for source in sources.values() if argv[0] != "download" or source.kaggle]
        parser = Parser(f"{PROG} {argv[0]}", COMMANDS[argv[0]], f"data sets:\n{_summaries(offered)}")
        parser.add_argument("dataset", metavar="DATASET", help="one of those below; see DATASET --help")
        return run(parser, partial(_refuse, "data set", list(sources)), argv[1:2])
    parser = Parser(
        PROG,
        "Find the faces in photos and videos and cut them out.",
        f"data sets:\n{_summaries(sources.values())}\n\nother commands:\n{_list(COMMANDS.items())}\n\n"
        f"example:\n  {PROG} folders --root photos/ --out data/mine\n\n{STATUS}",
    )
    parser.add_argument("dataset", metavar="DATASET", help="one of those below; see DATASET --help")
    return run(parser, partial(_refuse, "data set or command", [*sources, *COMMANDS]), argv[:1])


def _summaries(sources: Iterable[Source]) -> str:
    return _list((source.name, source.summary) for source in sources)


def _list(rows: Iterable[tuple[str, str]]) -> str:
    rows = list(rows)
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in rows)


def _refuse(what: str, accepted: Sequence[str], args: argparse.Namespace) -> int:
    raise unknown_name(what, args.dataset, accepted)


def _check(source: Source, argv: Sequence[str]) -> int:
    parser = check.parser(PROG, source)
    _add_options(parser, source)
    return run(parser, lambda args: check.run_check(_find(source, args), args), argv)


def _download(source: Source, argv: Sequence[str]) -> int:
    return run(download.parser(PROG, source), partial(download.run_download, PROG, source), argv)


COMMANDS = {
    "check": "Compare a data set's folder with what was published, before you spend hours on it.",
    "download": "Download a data set that needs no signed form.",
    "landmarks": "Find 68 landmarks on each crop of a manifest.",
    "manifest": "Join manifests, or keep some of their rows.",
    "merge": "Join the parts that were made with --shard into one extraction.",
}
OF_A_SOURCE = {"check": _check, "download": _download}


def _source_parser(source: Source) -> Parser:
    given = f"--{source.root_of} FILE" if source.root_of else "--root RAW"
    example = f"example:\n  {PROG} {source.name} {given} --out data/{source.name}"
    parser = Parser(f"{PROG} {source.name}", source.description, f"{example}\n\n{STATUS}")
    add = parser.add_argument
    add_root(parser, source)
    add("--out", type=Path, required=True, metavar="OUT", help="the folder for manifest.csv and the crops")
    _add_options(parser, source)
    if not source.ready_made:
        _add_settings(parser)
    rule = SplitRule()
    split = "share of the groups without an official split that go to"
    add("--val", type=float, default=rule.val, help=f"{split} validation (default: %(default)s)")
    add("--test", type=float, default=rule.test, help=f"{split} test (default: %(default)s)")
    add(
        "--split-seed",
        type=int,
        default=rule.seed,
        help="another seed gives another split (default: %(default)s)",
    )
    add(
        "--workers",
        type=int,
        metavar="N",
        help="processes (default: by cores and memory)",
    )
    add("--time-limit", type=_positive, metavar="S", help=f"seconds for one item (default: {TIME_LIMIT})")
    add(
        "--dask",
        metavar="ADDRESS",
        help="use this dask scheduler's workers, as tcp://host:8786; it sets their number and limits",
    )
    add("--shard", default="", metavar="I/N", help="only part I of N; merge joins all parts")
    add("--overwrite", action="store_true", help="delete an earlier extraction in OUT first")
    return parser


def _add_options(parser: Parser, source: Source) -> None:
    for option in source.options:
        name = f"--{option.name}"
        if not option.metavar:
            parser.add_argument(name, action="store_true", help=option.help)
        elif option.many:
            parser.add_argument(name, action="append", default=[], metavar=option.metavar, help=option.help)
        else:
            parser.add_argument(name, default="", metavar=option.metavar, help=option.help)


def _find(source: Source, args: argparse.Namespace) -> Listing:
    options = {option.keyword: getattr(args, option.keyword) for option in source.options}
    if args.root is None:
        file = options.get(source.root_of)
        if not file:
            raise InputError(f"--root is missing; needed: --root, or --{source.root_of}")
        args.root = Path(file).parent
    listing = source.find(args.root, **options)
    if hint := packed(args.root):
        listing.notes.append(hint)
    return listing


def _add_settings(parser: Parser) -> None:
    default = ExtractionSettings()
    add = parser.add_argument
    add(
        "--faces-per-video",
        type=int,
        default=default.faces_per_video,
        metavar="N",
        help="frames searched in each video, evenly spaced over it (default: %(default)s)",
    )
    add("--first-frame", action="store_true", help="search only the first frame of each video")
    add(
        "--policy",
        default=default.policy,
        help=f"which faces of a frame to keep: {', '.join(POLICIES)} (default: %(default)s)",
    )
    add(
        "--detector",
        default=default.detector,
        help="blazeface: quick; dlib's HOG sets its boxes, and found_by in the manifest marks those that HOG "
        "does not confirm; hog or cnn: dlib's over the whole picture (default: %(default)s)",
    )
    add(
        "--min-face",
        type=int,
        default=default.min_face,
        metavar="PIXELS",
        help="smallest face wanted; half the size takes four times as long (default: %(default)s)",
    )
    add(
        "--margin",
        type=float,
        default=default.crop.margin,
        help="added around the face box, as a share of its side (default: %(default)s)",
    )
    add(
        "--size",
        type=int,
        default=default.crop.size,
        metavar="PIXELS",
        help="side of a crop (default: %(default)s)",
    )
    add(
        "--rotations",
        action=argparse.BooleanOptionalAction,
        default=default.rotations,
        help="turn a photo without a face by 90, 180 and 270 degrees, which takes four times as long "
        "(default: --rotations)",
    )
    add("--align", action="store_true", help="turn crops so that the eyes are level")
    add(
        "--format",
        default=default.format,
        help=f"file format of the crops: {' or '.join(FORMATS)} (default: %(default)s)",
    )


def _settings(args: argparse.Namespace) -> ExtractionSettings:
    return ExtractionSettings(
        detector=args.detector,
        min_face=args.min_face,
        policy=args.policy,
        rotations=args.rotations,
        faces_per_video=args.faces_per_video,
        first_frame_only=args.first_frame,
        format=args.format,
        crop=CropSpec(size=args.size, margin=args.margin, align=args.align),
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number, 1 or more")
    return int(text)


def _extract(source: Source, args: argparse.Namespace) -> int:
    if args.workers is not None:
        check_range("--workers", args.workers, 1, MOST_WORKERS)
    for option in ("workers", "time_limit"):
        if args.dask and getattr(args, option):
            raise InputError(
                f"--{option.replace('_', '-')} sets processes started here; accepted: it or --dask, not both"
            )
    settings = ExtractionSettings() if source.ready_made else _settings(args)
    split_rule = SplitRule(val=args.val, test=args.test, seed=args.split_seed)
    found = _find(source, args)
    listing = settle(found, split_rule)

    # Imported here, because OpenCV and dlib load slower than --help may answer.
    from face_extraction.extract import Execution, WorkerDied, extract
    from face_extraction.plan import Plan
    from face_extraction.pool import dask_pool
    from face_extraction.shards import Shard

    for note in listing.notes:
        print(note)
    plan = Plan(listing.items, split_rule, listing.ledger, drawn_splits(found.items, split_rule))
    shard = Shard.parse(args.shard) if args.shard else None
    common = partial(Execution, shard=shard, overwrite=args.overwrite)
    try:
        if args.dask:
            with dask_pool(args.dask) as (executor, threads):
                there = common(executor=executor, workers=threads)
                summary = extract(plan, args.root, args.out, settings, there)
        else:
            here = common(workers=args.workers, time_limit=args.time_limit or TIME_LIMIT)
            summary = extract(plan, args.root, args.out, settings, here)
    except WorkerDied as error:
        print(f"{PROG} {source.name}: {error}", file=sys.stderr)
        return FINDING
    return _tell(summary, args.out)


def _merge_parser() -> Parser:
    example = f"example:\n  {PROG} merge data/part1 data/part2 --out data/whole"
    parser = Parser(f"{PROG} merge", COMMANDS["merge"], f"{example}\n\n{STATUS}")
    parser.add_argument("folders", nargs="+", type=Path, metavar="OUT1", help="the folders of all parts")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="OUT", help="the folder for manifest.csv and the crops"
    )
    return parser


def _merge(args: argparse.Namespace) -> int:
    from face_extraction.merge import merge

    return _tell(merge(args.folders, args.out), args.out)


def _tell(summary: "Summary", out: Path) -> int:
    from face_extraction.extract import LEDGER_FILE
    from face_extraction.manifest import MANIFEST_FILE

    print(summary)
    print(f"written: {out / MANIFEST_FILE}")
    if summary.ledger:
        print(f"see {out / LEDGER_FILE} for items that gave no face or could not be read completely")
    return FINDING if summary.ledger else DONE


if __name__ == "__main__":
    sys.exit(main())
