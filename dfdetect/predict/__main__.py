"""`python -m dfdetect.predict`: a verdict on photos, videos and folders."""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfdetect import __version__
from dfdetect.cli import load_keras
from dfdetect.models.shipped import DEFAULT
from dfdetect.predict.scorefile import Outcome, open_scores
from dfdetect.predict.verdicts import Verdict
from dfdetect.recipe import Recipe, read_recipe
from dfdetect.render.text import shown_score
from dfdetect.runs.folder import RECIPE_FILE
from face_extraction.command import DONE, FINDING, Parser, run
from face_extraction.errors import InputError
from face_extraction.media import is_unread, kind_found, kinds_told
from face_extraction.progress import progress
from face_extraction.settings import POLICIES
from face_extraction.shards import Shard
from face_extraction.sources.layout import files_below

if TYPE_CHECKING:
    from dfdetect.predict.detector import Detector

ARCHIVES = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar"})
SCHEMA = 1  # of a row; raised whenever a field changes its name or meaning
TOLD = ("dfdetect", "run")  # of a row: may differ from row to row in one file
FRAMES_HELP = "frames of a video to search (default: 16; for a sequence model, as many as in its training)"


def main(argv: Sequence[str] | None = None) -> int:
    """Predict, and return the exit status."""
    return run(_parser(), _predict, argv)


def _parser() -> Parser:
    parser = Parser(
        "python -m dfdetect.predict",
        "Score photos, videos and folders of them with a detector that ships, or with a finished run.\n\n"
        "A photo's score is that of its most suspicious face, a video's that of its most suspicious person\n"
        "(the mean over their frames), or with a sequence model the one score of a person's faces.\n"
        "A file without a face gets no score.",
        "examples:\n  python -m dfdetect.predict video.mp4\n"
        "  python -m dfdetect.predict runs/xception-1a2b3c4d video.mp4 photos/\n"
        "  python -m dfdetect.predict runs/xception-1a2b3c4d millions/ --shard 3/16 --out scores-3.jsonl\n\n"
        "exit status: 0 every file was scored, 1 some were not, or only in part, 2 wrong use,\n"
        "130 interrupted",
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="files and folders of them; a run's folder before them judges by that run",
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
    parser.add_argument("--frames", type=int, metavar="N", help=FRAMES_HELP)
    parser.add_argument("--whole", action="store_true", help="the files are face crops: look for no face")
    parser.add_argument(
        "--policy",
        choices=POLICIES,
        default="all",
        help="which faces of a photo or frame count (default: all)",
    )
    parser.add_argument(
        "--rotations",
        action=argparse.BooleanOptionalAction,
        help="turn a photo without a face by 90, 180 and 270 degrees, which takes four times as long "
        "(default: as for the run's training, else --rotations)",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="P",
        help="call fake from this p_fake on, 0 to 1 (default: the run's, chosen on its validation faces)",
    )
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
        "one costs itself alone; 0: this process reads them too (default: 1 with --out, else 0)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON: every face, frame and box")
    form.add_argument(
        "--jsonl", action="store_true", help="the same, a line a file as soon as it is scored: for many files"
    )
    form.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="append such lines to FILE; what has one is left out: the same call goes on where it was cut",
    )
    return parser


def _predict(args: argparse.Namespace) -> int:
    if args.frames is not None and args.frames < 1:
        raise InputError(f"--frames {args.frames}; accepted: 1 or more")
    if args.threshold is not None and not 0 <= args.threshold <= 1:
        raise InputError(f"--threshold {args.threshold}; accepted: 0 to 1")
    if args.workers is not None and args.workers < 0:
        raise InputError(f"--workers {args.workers}; accepted: 0 or more")
    shard = Shard.parse(args.shard)
    if (bool(args.model) + bool(args.recipe)) != bool(args.weights):
        raise InputError("--weights goes with either --model or --recipe, and they with it")
    run = None if args.weights else _run_folder(args.inputs[0], args.pretrained)
    inputs = args.inputs[1:] if run else args.inputs
    files, others = _files(inputs)
    if not files:
        inside = f" ({_left_out(others)})" if others else ""
        raise InputError(
            f"{args.inputs[-1]}: no photo or video to score{inside}; give files or folders after the run"
        )
    if args.out and not args.out.parent.is_dir():
        raise InputError(f"--out {args.out}: there is no folder {args.out.parent}")
    files = [path for path in files if shard.holds(str(path))]
    detector = _detector(args, run)
    if args.rotations is not None:
        detector.rotations = args.rotations
    if args.threshold is not None:
        detector.threshold, detector.threshold_origin = args.threshold, "given with --threshold"
    if others:
        print(_left_out(others), file=sys.stderr)
    if detector.no_skill:
        print(detector.no_skill, file=sys.stderr)
    answer = _append if args.out else _stream if args.jsonl else _show
    return DONE if answer(files, detector, args) else FINDING


def _append(files: Sequence[Path], detector: "Detector", args: argparse.Namespace) -> bool:
    """Write rows into the file, but of what it holds; returns whether all files are scored, and wholly."""
    about = _about(detector, args)
    decisive = {name: value for name, value in about.items() if name not in TOLD}
    with open_scores(args.out, decisive) as into:
        left = [path for path in files if str(path) not in into.done]
        outcomes = [into.done[str(path)] for path in files if str(path) in into.done]
        for path, verdict in _verdicts(left, detector, args, done=len(outcomes)):
            into.add(_row(path, verdict, about))
            outcomes.append(Outcome(verdict.fake, verdict.reason, verdict.detail))
    fakes = sum(bool(outcome.fake) for outcome in outcomes)
    unscored = sum(outcome.fake is None for outcome in outcomes)
    print(f"{args.out}: {len(outcomes):,} files, {fakes:,} called fake, {unscored:,} without a verdict")
    return not any(outcome.reason for outcome in outcomes)


def _stream(files: Sequence[Path], detector: "Detector", args: argparse.Namespace) -> bool:
    about = _about(detector, args)
    whole = True
    for path, verdict in _verdicts(files, detector, args):
        print(json.dumps(_row(path, verdict, about), allow_nan=False), flush=True)
        if getattr(sys.stdout, "lost", False):
            raise InputError(f"nobody reads the lines any more, from {path} on")
        whole = whole and not verdict.reason
    return whole


def _show(files: Sequence[Path], detector: "Detector", args: argparse.Namespace) -> bool:
    verdicts: list[tuple[Path, Verdict]] = []
    try:
        for scored in _verdicts(files, detector, args):
            verdicts.append(scored)
    finally:  # After Ctrl-C, too: hours of scoring may be in it.
        if args.json:
            about = _about(detector, args)
            print(json.dumps([_row(*one, about) for one in verdicts], indent=2, allow_nan=False))
        elif verdicts:
            print(_table(verdicts, detector))
    return not any(verdict.reason for _, verdict in verdicts)


def _verdicts(
    files: Sequence[Path], detector: "Detector", args: argparse.Namespace, *, done: int = 0
) -> Iterator[tuple[Path, Verdict]]:
    """Score files one by one, beside `done` that were before."""
    with progress("predict", done + len(files), unit="files", done=done) as advance:
        for path, verdict in _in_turn(files, detector, args):
            yield path, verdict
            advance(note=_shown(path.name))


def _in_turn(
    files: Sequence[Path], detector: "Detector", args: argparse.Namespace
) -> Iterator[tuple[Path, Verdict]]:
    workers = int(bool(args.out)) if args.workers is None else args.workers
    if workers and files:
        from dfdetect.predict.pipelining import judge_files

        yield from judge_files(files, detector, frames=args.frames, workers=workers)
    else:
        yield from ((path, detector.predict(path, frames=args.frames)) for path in files)


def _run_folder(first: Path, pretrained: str | None) -> Path | None:
    """The run that the first path names; None if it is a file to score with a detector that ships.

    A folder counts as a run's if it has anything of a run, or of runs, so that a training that was cut, or
    a folder of runs, is not scored as photos.

    Raises:
        InputError: the path is a run beside --pretrained.
    """
    if not first.is_dir() or not any((*first.glob(RECIPE_FILE), *first.glob(f"*/{RECIPE_FILE}"))):
        return None
    if pretrained:
        raise InputError(f"{first}: a run beside --pretrained {pretrained}; accepted: one of them")
    return first


def _detector(args: argparse.Namespace, run: Path | None) -> "Detector":
    load_keras()
    from dfdetect.predict.detector import Detector

    if args.weights:
        recipe = read_recipe(args.recipe) if args.recipe else Recipe(model=args.model)
        return Detector.from_weights(recipe, args.weights, whole=args.whole, policy=args.policy)
    if run:
        return Detector.from_run(run, whole=args.whole, policy=args.policy)
    return Detector.default(args.pretrained or DEFAULT, whole=args.whole, policy=args.policy)


def _files(inputs: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The named files with the photos and videos in the named folders, and what else lies in these.

    Raises:
        InputError: a path does not exist, or is an archive or a web address.
    """
    files: list[Path] = []
    others: list[Path] = []
    for path in inputs:
        if path.is_dir():
            for inside in files_below(path):
                # A file of a kind that is not read gets a row with the reason, as a named file does.
                is_wanted = kind_found(inside) or is_unread(inside)
                (files if is_wanted else others).append(inside)
        elif path.exists():
            if path.suffix.lower() in ARCHIVES:
                raise InputError(f"{path}: an archive; unpack it first, and give the folder")
            files.append(path)
        elif re.match(r"(https?|ftp|s3|gs):/", str(path)):
            raise InputError(f"{path}: a web address; download the file first, and give its path")
        else:
            raise InputError(f"{path}: no such file or folder")
    return files, others


def _left_out(others: Sequence[Path]) -> str:
    return f"left out of the folders, neither photo nor video: {kinds_told(others)}"


def _shown(name: object) -> str:
    """`name` without what would break a line or steer the terminal: such characters as Python writes them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name))


def _about(detector: "Detector", args: argparse.Namespace) -> dict[str, Any]:
    """What is the same in all rows: the model, what is known of it, and how faces are found."""
    return {
        "schema": SCHEMA,
        "dfdetect": __version__,
        "run": detector.name,
        "weights_sha256": detector.weights_sha256,
        "threshold": detector.threshold,
        "skill": detector.skill,
        "note": detector.note,
        "whole": args.whole,
        "policy": args.policy,
        "rotations": detector.rotations,
        "frames_wanted": args.frames or detector.frames_wanted,
    }


def _row(path: Path, verdict: Verdict, about: Mapping[str, Any]) -> dict[str, Any]:
    """A file's verdict for JSON, which `json` writes in ASCII: its name may hold what the output lacks."""
    row: dict[str, Any] = {"file": str(path), **about, **asdict(verdict)}
    for face in row["faces"]:
        face["box"] = _sides(face["box"])
    for clip in row["clips"]:
        clip["boxes"] = [_sides(box) for box in clip["boxes"]]
    return row


def _sides(box: Sequence[int]) -> dict[str, int]:
    return dict(zip(("top", "right", "bottom", "left"), box, strict=True))


_WORDS = {True: "fake", False: "real", None: "-"}


def _cuts(detector: "Detector") -> str:
    """What the words of the verdicts stand for."""
    if cuts := detector.cuts:
        return (
            f"evidence of manipulation: substantial from p_fake {cuts.upper:.3f} on, little below "
            f"{cuts.lower:.3f}; {detector.threshold_origin}"
        )
    return f"fake from p_fake {detector.threshold:.6g} on, {detector.threshold_origin}"


def _table(verdicts: Sequence[tuple[Path, Verdict]], detector: "Detector") -> str:
    width = max(4, *(len(_shown(path)) for path, _ in verdicts))
    wide = 11 if detector.cuts else 8  # "substantial"
    lines = [f"{'file':<{width}}  {'verdict':<{wide}}  {'p_fake':>6}  {'faces':>5}  {'frames':>6}"]
    for path, verdict in verdicts:
        score = "-" if verdict.p_fake is None else shown_score(verdict.p_fake, detector.threshold)
        word = verdict.evidence or _WORDS[verdict.fake]
        note = "  ".join(["", *filter(None, [verdict.detail, _turned(verdict)])])
        counts = f"{verdict.n_faces:>5}  {verdict.frames:>6}"
        lines.append(f"{_shown(path):<{width}}  {word:<{wide}}  {score:>6}  {counts}{note}")
        for person in verdict.people if len(verdict.people) > 1 else ():
            name = f"  person {person.person}"
            word = _word(person.p_fake, detector)
            note = "" if verdict.counts(person) else "          seen once: no part in the video's score"
            score = shown_score(person.p_fake, detector.threshold)
            lines.append(f"{name:<{width}}  {word:<{wide}}  {score:>6}  {person.faces:>5}{note}")
        for number, face in enumerate(verdict.faces if len(verdict.faces) > 1 and not verdict.people else ()):
            mark = "decides" if number == verdict.decided else "" if face.is_sure else "may be no face"
            name = f"  face {number + 1} at {face.box.left},{face.box.top}"
            score = shown_score(face.p_fake, detector.threshold)
            line = f"{name:<{width}}  {_word(face.p_fake, detector):<{wide}}  {score:>6}  {mark}"
            lines.append(line.rstrip())
    lines.append("\n" + _cuts(detector))
    lines += [line for line in (detector.skill, detector.note) if line]
    return "\n".join(lines)


def _turned(verdict: Verdict) -> str:
    rotation = verdict.faces[0].rotation if verdict.faces else 0
    return f"turned clockwise by {rotation} degrees" if rotation else ""


def _word(p_fake: float, detector: "Detector") -> str:
    """What is said of one face or person."""
    if detector.no_skill:
        return _WORDS[None]
    if detector.cuts:
        return detector.cuts.grade(p_fake)
    return _WORDS[p_fake >= detector.threshold]


if __name__ == "__main__":
    sys.exit(main())
