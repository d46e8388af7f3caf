"""68 landmarks for each face in a manifest, kept beside it in landmarks.npz.

While the faces are searched, landmarks.jsonl holds a line for each that is finished, so that a killed run
goes on where it stopped.

Reference: dlib's shape predictor (Kazemi & Sullivan 2014), trained on iBUG 300-W.
"""

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from face_extraction.arrays import open_arrays
from face_extraction.atomic import atomic_path, sweep
from face_extraction.command import DONE, FINDING, Parser
from face_extraction.digest import file_size
from face_extraction.errors import InputError, check_range, unforeseen
from face_extraction.json_file import parse_json
from face_extraction.ledger import FAILED, NO_FACE, ItemFailed, LedgerRow, process_ended, write_ledger
from face_extraction.lines import LineFile, whole_lines
from face_extraction.lock import alone
from face_extraction.manifest import Box, FaceSample, manifest_in, read_manifest
from face_extraction.paths import is_there
from face_extraction.progress import progress
from face_extraction.settings import MOST_WORKERS, read_settings
from face_extraction.wording import plural

if TYPE_CHECKING:
    from face_extraction.detect import FaceDetector

LANDMARKS_FILE = "landmarks.npz"
LANDMARKS_LEDGER = "landmarks_ledger.csv"
LANDMARKS_JOURNAL = "landmarks.jsonl"


@dataclass(frozen=True)
class Landmarks:
    """Landmarks of crops.

    Attributes:
        points: by the crop's path in the manifest: float32 of shape (68, 2), x and y in pixels of the crop.
        shapes: by the same path: height and width of the crop, in pixels.
        sizes: by the same path: size of the crop's file in bytes, which reveals a rewritten crop.
    """

    points: Mapping[str, NDArray[np.float32]]
    shapes: Mapping[str, tuple[int, int]]
    sizes: Mapping[str, int]


def read_landmarks(folder: Path) -> Landmarks:
    """Read the landmarks beside a manifest; none if there is no such file.

    Raises:
        InputError: `write_landmarks` did not write the file.
    """
    path = folder / LANDMARKS_FILE
    if not is_there(path):
        return Landmarks({}, {}, {})
    with open_arrays(path, "a file of landmarks", "delete it and make it again") as stored:
        paths, points = stored.read("paths").tolist(), stored.read("points")
        shapes, sizes = stored.read("shapes"), stored.read("sizes").tolist()
        count = len(paths)
        whole = points.shape == (count, 68, 2) and shapes.shape == (count, 2) and len(sizes) == count
        if points.dtype != np.float32 or not whole or not np.isfinite(points).all():
            raise ValueError("arrays that do not fit each other, or points that are no numbers")
    return Landmarks(
        dict(zip(paths, points, strict=True)),
        dict(zip(paths, map(tuple, shapes.tolist()), strict=True)),
        dict(zip(paths, sizes, strict=True)),
    )


def write_landmarks(folder: Path, landmarks: Landmarks) -> None:
    """Write `landmarks` as `folder`/landmarks.npz, atomically."""
    paths = list(landmarks.points)
    points = np.stack(list(landmarks.points.values())) if paths else np.zeros((0, 68, 2))
    with atomic_path(folder / LANDMARKS_FILE) as temporary:
        np.savez(
            temporary,
            paths=np.array(paths, dtype=str),
            points=points.astype(np.float32),
            shapes=np.array([landmarks.shapes[path] for path in paths], dtype=np.int32).reshape(-1, 2),
            sizes=np.array([landmarks.sizes[path] for path in paths], dtype=np.int64),
        )


def find_landmarks(manifest: Path, workers: int = 1) -> tuple[Landmarks, list[LedgerRow]]:
    """Find the landmarks of every crop in `manifest` that has none yet, and write them beside it.

    After any stop the same call goes on: a face that was finished is not searched again. A face that kills
    its process, if there are several, gets a row in the ledger. Crops that left the manifest leave the file
    too.

    Args:
        manifest: the CSV file.
        workers: number of processes.

    Returns:
        all landmarks, and a row for each crop without any. The rows also go into landmarks_ledger.csv.

    Raises:
        InputError: the manifest or what an earlier call left cannot be read, or another process writes
            into its folder.
    """
    folder = manifest.parent
    samples = read_manifest(manifest, torn_groups=True)
    with alone(folder):
        sweep(folder)
        known = _known(folder)
        sizes = {sample.path: file_size(folder / sample.path) for sample in samples}
        found = {path: known[path] for path in sizes if path in known and known[path].size == sizes[path]}
        waiting = [sample for sample in samples if sample.path not in found]
        failed = _find_all(folder, waiting, found, workers) if waiting else {}
        landmarks = _gathered(samples, found)
        write_landmarks(folder, landmarks)
        ledger = [failed[sample.path] for sample in waiting if sample.path in failed]
        write_ledger(folder / LANDMARKS_LEDGER, ledger)
        (folder / LANDMARKS_JOURNAL).unlink(missing_ok=True)
    return landmarks, ledger


class _Found(NamedTuple):
    """The result for one crop."""

    points: NDArray[np.float32]
    shape: tuple[int, int]
    size: int


class _Line(msgspec.Struct):
    """The same in landmarks.jsonl."""

    path: str
    size: int
    shape: tuple[int, int]
    points: list[tuple[float, float]]


def _known(folder: Path) -> dict[str, _Found]:
    """What earlier calls found, by the crop's path: the finished ones, and the one that was stopped."""
    stored = read_landmarks(folder)
    found = {
        path: _Found(points, stored.shapes[path], stored.sizes[path])
        for path, points in stored.points.items()
    }
    journal = folder / LANDMARKS_JOURNAL
    for number, text in whole_lines(journal) if journal.is_file() else ():
        try:
            line = msgspec.convert(parse_json(text), _Line)
            with np.errstate(over="ignore"):
                points, _ = np.array(line.points, np.float32), np.array(line.shape, np.int32)
            if points.shape != (68, 2) or not np.isfinite(points).all():
                raise ValueError("not 68 points")
        except (ValueError, OverflowError):
            raise InputError(f"{journal}, line {number}: damaged; delete that file") from None
        found[line.path] = _Found(points, line.shape, line.size)
    return found


def _find_all(
    folder: Path, waiting: Sequence[FaceSample], found: dict[str, _Found], workers: int
) -> dict[str, LedgerRow]:
    """Find the landmarks of faces, note each in the journal as it is finished, and add them to `found`.

    Returns:
        the row of each face without landmarks, by its path.
    """
    from face_extraction.pool import as_finished, small_pool

    settings = read_settings(folder)
    margin = settings.crop.margin if settings else None
    failed: dict[str, LedgerRow] = {}
    with (
        closing(LineFile(folder / LANDMARKS_JOURNAL)) as journal,
        progress("landmarks", len(found) + len(waiting), unit="faces", done=len(found)) as advance,
        small_pool(workers) as pool,
    ):
        calls = ((folder, sample, margin) for sample in waiting)
        for (_, sample, _), future in as_finished(pool, _try, calls, 2 * workers, {}):
            outcome = _outcome(sample.path, future)
            if isinstance(outcome, LedgerRow):
                failed[sample.path] = outcome
            else:
                found[sample.path] = outcome
                journal.add({"path": sample.path, **outcome._asdict(), "points": outcome.points.tolist()})
            advance()
    return failed


def _outcome(path: str, future: Future[_Found | LedgerRow]) -> _Found | LedgerRow:
    from pebble import ProcessExpired

    try:
        return future.result()
    except ProcessExpired as error:
        return LedgerRow(path, FAILED, process_ended(error.exitcode))


def _gathered(samples: Sequence[FaceSample], found: Mapping[str, _Found]) -> Landmarks:
    """The results in the manifest's order."""
    paths = [sample.path for sample in samples if sample.path in found]
    return Landmarks(
        {path: found[path].points for path in paths},
        {path: found[path].shape for path in paths},
        {path: found[path].size for path in paths},
    )


def face_box(sample: FaceSample, side: int, margin: float | None) -> Box | None:
    """The face's place in its own crop, from how the crop was cut; None if that is unknown.

    Args:
        sample: the manifest's row.
        side: the crop's side, in pixels.
        margin: the margin of the crops; None if unknown.
    """
    if sample.box.longer_side > 0 and sample.width > 0:
        share = sample.box.longer_side / sample.width
    elif margin is not None:
        share = 1 / (1 + margin)
    else:
        return None
    low, high = round(side * (1 - share) / 2), round(side * (1 + share) / 2)
    return Box(low, high, high, low)


@cache
def _detector() -> "FaceDetector":
    from face_extraction.detect import FaceDetector

    return FaceDetector()


def _try(folder: Path, sample: FaceSample, margin: float | None) -> _Found | LedgerRow:
    try:
        return _find(folder / sample.path, sample, margin)
    except ItemFailed as error:
        return LedgerRow(sample.path, error.reason, error.detail)
    except Exception as error:  # One odd crop must not end the work on all others.
        return LedgerRow(sample.path, FAILED, unforeseen(error))


def _find(path: Path, sample: FaceSample, margin: float | None) -> _Found:
    from face_extraction.images import read_rgb

    size = file_size(path)
    rgb = read_rgb(path)
    box = face_box(sample, rgb.shape[0], margin)
    if box is None:
        boxes = _detector().largest(rgb)
        if not boxes:
            raise ItemFailed(NO_FACE, "it is unknown how the crop was cut, and hog found no face in it")
        box = boxes[0].box
    points = _detector().landmarks(rgb, box, points=68).astype(np.float32)
    return _Found(points, (rgb.shape[0], rgb.shape[1]), size)


def parser(prog: str) -> Parser:
    """The command line of `landmarks`."""
    command = f"{prog} landmarks"
    parser = Parser(
        command,
        "Find 68 landmarks on each crop of a manifest and keep them beside it, in landmarks.npz. Crops with "
        "landmarks are not searched again; a run that was stopped goes on.",
        f"example:\n  {command} data/mine/manifest.csv\n\nexit status:\n"
        "  0  every crop has its landmarks\n"
        f"  1  {LANDMARKS_LEDGER} names crops without\n"
        "  2  wrong use",
    )
    parser.add_argument("manifest", type=manifest_in, metavar="MANIFEST", help="manifest of the crops")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: one for each core)")
    return parser


def run_landmarks(args: argparse.Namespace) -> int:
    """Find the landmarks and return the exit status."""
    from face_extraction.machine import available_cores

    if args.workers is not None:
        check_range("--workers", args.workers, 1, MOST_WORKERS)
    landmarks, ledger = find_landmarks(args.manifest, args.workers or available_cores())
    print(f"{plural(len(landmarks.points), 'face')} with landmarks: {args.manifest.parent / LANDMARKS_FILE}")
    if ledger:
        print(f"{len(ledger):,} without: see {args.manifest.parent / LANDMARKS_LEDGER}")
    return FINDING if ledger else DONE
