"""`python -m dfdetect.predict`: a verdict on photos, videos and folders."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dfdetect.metrics.calibrating import FALSE_ALARMS, MISSED
from dfdetect.models.shipped import DEFAULT
from dfdetect.out_folder import check_file
from dfdetect.predict.inputs import files_named, left_out, run_or_export
from dfdetect.predict.options import FRAMES, Options
from dfdetect.predict.scorefile import Outcome, open_scores
from dfdetect.predict.text import csv_rows, printable, table
from dfdetect.recipe import Recipe, read_recipe
from dfdetect.verdict import SUBSTANTIAL, WHY, Verdict, json_list
from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError, check_range, harmless
from face_extraction.progress import progress
from face_extraction.settings import MOST_WORKERS, POLICIES, TIME_LIMIT
from face_extraction.shards import Shard
from face_extraction.wording import plural

if TYPE_CHECKING:
    from dfdetect.predict.detector import Detector
    from dfdetect.render.verdict_page import Picture
    from face_extraction.pool import Readers

GIVEN = "--threshold"
NO_VERDICTS = "This detector gives no verdicts"
FEW_FILES = 2
"""So few files are scored sooner without compiling the model's function."""
PAGE_HEAD = 4096
"""Bytes in which a page of ours names itself."""


def main(argv: Sequence[str] | None = None) -> int:
    """Predict, and return the exit status."""
    return run(_parser(), _predict, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m dfdetect.predict",
        "Score photos, videos and folders of them with a detector that ships, or with a finished run.\n\n"
        "A photo's score comes from its highest face, a video's from its highest person (the mean over\n"
        "their frames, or with a sequence model the one score of their faces). Where there are several, it\n"
        "is corrected for their number. A file without a face gets no score.",
        "examples:\n  python -m dfdetect.predict video.mp4\n"
        "  python -m dfdetect.predict runs/xception-1a2b3c4d video.mp4 photos/\n"
        "  python -m dfdetect.predict detector.onnx video.mp4\n"
        "  python -m dfdetect.predict runs/xception-1a2b3c4d millions/ --shard 3/16 --out scores-3.jsonl\n\n"
        "exit status: 0 every file has a verdict, 1 some have none, or only on a part, 2 wrong use,\n"
        "130 interrupted",
    )
    _add_detector(parser)
    _add_search(parser)
    _add_cuts(parser)
    _add_processes(parser)
    _add_output(parser)
    return parser


def _add_detector(parser: Parser) -> None:
    """The files, and what judges them."""
    parser.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="photos, videos, and folders of them; if a run's folder or an .onnx or .tflite file comes "
        "first, it judges the others",
    )
    parser.add_argument(
        "--pretrained",
        metavar="NAME",
        help=f"a detector that ships, of python -m dfdetect.models --pretrained (default: {DEFAULT})",
    )
    parser.add_argument("--weights", type=Path, metavar="FILE", help="weights of a whole model, not a run")
    parser.add_argument("--model", metavar="NAME", help="the model of --weights, as its family builds it")
    parser.add_argument(
        "--recipe", type=Path, metavar="FILE", help="the model of --weights, as this recipe.toml builds it"
    )


def _add_search(parser: Parser) -> None:
    """What is looked for in a file."""
    parser.add_argument(
        "--frames",
        type=int,
        metavar="N",
        help=f"frames of a video to search (default: {FRAMES}; for a sequence model, as many as in its "
        "training)",
    )
    parser.add_argument("--whole", action="store_true", help="the files are face crops: look for no face")
    parser.add_argument(
        "--policy",
        choices=POLICIES,
        default=Options().policy,
        help="which faces of a photo or frame count (default: %(default)s)",
    )
    parser.add_argument(
        "--rotations",
        action=argparse.BooleanOptionalAction,
        help="turn a photo without a face by 90, 180 and 270 degrees, which takes four times as long "
        "(default: as for the run's training, else --rotations)",
    )
    parser.add_argument(
        "--trust",
        type=Path,
        metavar="FILE",
        help="certificates (PEM) of the signers of C2PA manifests to trust (default: none)",
    )


def _add_cuts(parser: Parser) -> None:
    """Where a verdict begins, and what it is worth."""
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="P",
        help="one cut, 0 to 1: substantial evidence from it on, little below it (default: the two cuts "
        "that came with the detector)",
    )
    parser.add_argument(
        "--false-alarms",
        type=float,
        metavar="P",
        help="choose the upper cut so that at most this share of real files lies above it (default: "
        f"{FALSE_ALARMS:g})",
    )
    parser.add_argument(
        "--missed",
        type=float,
        metavar="P",
        help=f"choose the lower cut so that at most this share of fakes lies below it (default: {MISSED:g})",
    )
    parser.add_argument(
        "--prevalence",
        type=float,
        metavar="P",
        help="the share of fakes among your files: tells how many of 100 alarms would be right",
    )


def _add_processes(parser: Parser) -> None:
    """Who reads the files, and which of them."""
    parser.add_argument(
        "--shard",
        default="1/1",
        metavar="I/N",
        help="only this part of the files: one job of N in a batch queue",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes that read files and find faces for this one, which scores them; a file that kills "
        "one costs itself alone; 0: this process reads them too (default: 1 with --out or --time-limit, "
        "else 0)",
    )
    parser.add_argument(
        "--time-limit",
        type=float,
        metavar="S",
        help=f"seconds that a file may take in such a process (default: {TIME_LIMIT})",
    )
    parser.add_argument(
        "--dask",
        default="",
        metavar="ADDRESS",
        help="let this dask scheduler's workers read the files, as tcp://host:8786; they need the same paths",
    )


def _add_output(parser: Parser) -> None:
    """What is printed or written."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON: every face, frame and box")
    form.add_argument(
        "--jsonl",
        action="store_true",
        help="the same, one line for each file as soon as it is scored: for many files",
    )
    form.add_argument("--csv", action="store_true", help="print one row for each file, for a spreadsheet")
    form.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="append the lines of --jsonl to FILE; a file that has one is left out, unless it was replaced, "
        "so that the same call goes on where it stopped",
    )
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="write the evidence report of the one file judged: a page without links, to mail and to print",
    )


def _predict(args: argparse.Namespace) -> int:
    _check(args)
    shard = Shard.parse(args.shard)
    run = None if args.weights else run_or_export(args.inputs[0], args.pretrained)
    files, others = files_named(args.inputs[1:] if run else args.inputs)
    if not files:
        inside = f" ({left_out(others)})" if others else ""
        raise InputError(
            f"{args.inputs[-1]}: no photo or video to score{inside}; give files or folders after the run"
        )
    _check_outputs(args, files)
    files = [path for path in files if shard.holds(str(path))]
    detector = _detector(args, run)
    detector.options = Options(
        frames=args.frames,
        whole=args.whole,
        policy=args.policy,
        rotations=args.rotations,
        prevalence=args.prevalence,
        anchors=_certificates(args.trust) if args.trust else "",
        compiled=len(files) > FEW_FILES,
    )
    detector.set_bounds(args.false_alarms, args.missed)
    if args.threshold is not None:
        detector.set_threshold(args.threshold, GIVEN)
    if others:
        print(left_out(others), file=sys.stderr)
    if detector.unfit:
        said = f"{NO_VERDICTS}: {WHY[detector.unfit]} ({detector.unfit_detail})"
        print(harmless(said), file=sys.stderr)  # an export's words may be a stranger's
    answer = _append if args.out else _stream if args.jsonl else _show
    return DONE if answer(files, detector, args) else FINDING


def _check(args: argparse.Namespace) -> None:
    """Refuse values out of their range, and flags that contradict each other."""
    if args.frames is not None and args.frames < 1:
        raise InputError(f"--frames {args.frames}; accepted: 1 or more")
    for name in ("threshold", "false_alarms", "missed"):
        share = getattr(args, name)
        if share is not None:
            check_range(f"--{name.replace('_', '-')}", share, 0, 1)
    if args.prevalence is not None and not 0 < args.prevalence < 1:
        raise InputError(f"--prevalence {args.prevalence}; accepted: above 0 and below 1")
    if args.threshold is not None and (args.false_alarms is not None or args.missed is not None):
        raise InputError("--threshold beside --false-alarms or --missed; accepted: one way to choose cuts")
    if args.workers is not None:
        check_range("--workers", args.workers, 0, MOST_WORKERS)
    if args.time_limit is not None and not args.time_limit > 0:
        raise InputError(f"--time-limit {args.time_limit:g}; accepted: more than 0")
    for name in ("workers", "time_limit"):
        if args.dask and getattr(args, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{option} sets processes started here; accepted: it or --dask, not both")
    if (bool(args.model) + bool(args.recipe)) != bool(args.weights):
        raise InputError("--weights goes with either --model or --recipe, and they with it")


def _check_outputs(args: argparse.Namespace, files: Sequence[Path]) -> None:
    """Refuse files to write that cannot be written, before a model is loaded."""
    if args.out and not args.out.parent.is_dir():
        raise InputError(f"--out {args.out}: there is no folder {args.out.parent}")
    if args.html and (len(files) > 1 or args.out):
        what = "--out" if args.out else f"{len(files):,} files"
        raise InputError(f"--html {args.html}: the report is of one file; given: {what}")
    if args.html:
        check_file(args.html, "--html")
        if args.html.exists() and args.html.samefile(files[0]):
            raise InputError(f"--html {args.html}: that is the file to judge; give another name")
        if args.html.is_file() and not _is_page(args.html):
            raise InputError(
                f"--html {args.html}: exists already, and is no report of ours; give another name"
            )


def _is_page(path: Path) -> bool:
    """Whether a file is a page of dfdetect, which may be replaced."""
    with path.open("rb") as handle:
        head = handle.read(PAGE_HEAD)
    return head.startswith(b"<!DOCTYPE html>") and "· dfdetect</title>".encode() in head


def _append(files: Sequence[Path], detector: "Detector", args: argparse.Namespace) -> bool:
    """Write the verdicts that the file lacks, and return whether every file has one."""
    with open_scores(args.out, [detector.record(kind) for kind in ("photo", "video")]) as into:
        known = {path: into.known(path) for path in files}
        left = [path for path, outcome in known.items() if outcome is None]
        outcomes = [outcome for outcome in known.values() if outcome is not None]
        for verdict in _verdicts(left, detector, args, done=len(outcomes)):
            into.add(verdict)
            outcomes.append(Outcome.of(verdict))
    alarms = sum(outcome.level == SUBSTANTIAL for outcome in outcomes)
    without = sum(outcome.level is None for outcome in outcomes)
    found = f"{alarms:,} with substantial evidence, {without:,} without a verdict"
    print(f"{args.out}: {plural(len(outcomes), 'file')}, {found}")
    return not any(outcome.reason for outcome in outcomes)


def _stream(files: Sequence[Path], detector: "Detector", args: argparse.Namespace) -> bool:
    whole = True
    for verdict in _verdicts(files, detector, args):
        print(verdict.to_json(), flush=True)
        if getattr(sys.stdout, "lost", False):
            raise InputError(f"nobody reads the lines any more, from {verdict.file} on")
        whole = whole and not verdict.reason
    return whole


def _show(files: Sequence[Path], detector: "Detector", args: argparse.Namespace) -> bool:
    verdicts: list[Verdict] = []
    try:
        for verdict in _verdicts(files, detector, args):
            verdicts.append(verdict)
    finally:  # After Ctrl-C, too: hours of scoring may be in it.
        if args.json:
            print(json_list(verdicts))
        elif args.csv:
            print(csv_rows(verdicts), end="")
        elif verdicts:
            print(table(verdicts))
    return not any(verdict.reason for verdict in verdicts)


def _verdicts(
    files: Sequence[Path], detector: "Detector", args: argparse.Namespace, *, done: int = 0
) -> Iterator[Verdict]:
    """Judge files one by one, beside `done` that were before."""
    with progress("predict", done + len(files), unit="files", done=done) as advance:
        for verdict in _in_turn(files, detector, args):
            yield verdict
            advance(note=printable(Path(verdict.file).name))


def _in_turn(files: Sequence[Path], detector: "Detector", args: argparse.Namespace) -> Iterator[Verdict]:
    readers = _readers(args)
    if args.html:
        yield from _with_report(files, detector, args, readers)
    elif readers and files:
        from dfdetect.predict.pipelining import judge_files

        yield from judge_files(files, detector, readers)
    else:
        yield from map(detector.judge, files)


def _readers(args: argparse.Namespace) -> "Readers | None":
    """The processes that read files; None if this one does.

    A time limit needs a process that can be stopped.
    """
    from face_extraction.pool import Readers

    usual = bool(args.out or args.time_limit)
    workers = int(usual) if args.workers is None else args.workers
    if not workers and args.time_limit:
        raise InputError("--time-limit beside --workers 0; accepted: 1 or more workers, which can be stopped")
    if not workers and not args.dask:
        return None
    return Readers(workers, args.time_limit or TIME_LIMIT, args.dask)


def _with_report(
    files: Sequence[Path], detector: "Detector", args: argparse.Namespace, readers: "Readers | None"
) -> Iterator[Verdict]:
    """Judge the one file, and write its report, with a heat map of each face that the model scored."""
    from dfdetect.predict.evidence import heat_pictures, write_report
    from dfdetect.predict.looking import look
    from dfdetect.predict.pipelining import found_in

    wanted = detector.wanted()
    found = found_in(files, wanted, readers) if readers else ([look(path, wanted)] for path in files)
    for looks in found:
        (verdict,) = detector.judge_looks(looks)
        yield verdict
        if detector.explains:
            maps: Sequence[Picture] | str = heat_pictures(verdict, looks[0].crops, detector.keras_model)
        else:
            maps = detector.unexplained
            print(f"{args.html}: {maps}", file=sys.stderr)
        write_report(verdict, args.html, maps)
        print(f"written: {args.html}", file=sys.stderr)


def _detector(args: argparse.Namespace, run: Path | None) -> "Detector":
    from dfdetect.predict.detector import Detector

    if args.weights:
        recipe = read_recipe(args.recipe) if args.recipe else Recipe(model=args.model)
        return Detector.from_weights(recipe, args.weights)
    return Detector.from_path(run) if run else Detector.default(args.pretrained or DEFAULT)


def _certificates(path: Path) -> str:
    """The certificates of a PEM file.

    Raises:
        InputError: it is none.
    """
    text = path.read_text(errors="replace") if path.is_file() else ""
    if "BEGIN CERTIFICATE" not in text:
        raise InputError(f"--trust {path}: no certificates; accepted: a PEM file")
    return text


if __name__ == "__main__":
    sys.exit(main())
