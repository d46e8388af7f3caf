"""Compare `dfdetect.predict` with one worker process, two and none, and with the naive loop.

The naive loop calls `face_recognition.face_locations` on each wanted frame, cuts the boxes, and calls
`model.predict` face by face, in one process. All take turns, photos and videos apart; the time to load the
model is left out, the time to start the processes is not.

With one worker the model's process computes beside it, so that more than one core is busy already: on two
cores, two workers cannot be twice as fast. Beside the ratios stand how many cores each way kept busy, and how
much faster this machine is with two independent processes that only decode and find faces.

    python -m benchmarks.predict --videos VIDEOS --photos PHOTOS
"""

import argparse
import resource
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.ceiling import ceiling, told
from face_extraction.command import DONE, Parser, run
from face_extraction.media import VIDEO, kind_of
from face_extraction.sources.layout import files_below

if TYPE_CHECKING:
    from dfdetect.predict.detector import Detector

NAIVE = -1
"""In place of a number of workers. (With 0, one process decodes, finds faces and scores.)"""


@dataclass
class Turns:
    """The turns of one way to predict.

    Attributes:
        rates: files a second, one for each turn.
        seconds: of the clock, in all.
        own: seconds of this process's processor time, in all.
        others: the same of the worker processes.
        files: files judged, in all.
    """

    rates: list[float] = field(default_factory=list)
    seconds: float = 0.0
    own: float = 0.0
    others: float = 0.0
    files: int = 0

    def take(self, count: int, work: Callable[[], object]) -> None:
        start, own, others = time.perf_counter(), time.process_time(), _children()
        work()
        seconds = time.perf_counter() - start
        self.rates.append(count / seconds)
        self.seconds += seconds
        self.own += time.process_time() - own
        self.others += _children() - others
        self.files += count


def main(argv: list[str] | None = None) -> int:
    parser = Parser("python -m benchmarks.predict", __doc__ or "")
    add = parser.add_argument
    add("--videos", type=Path, metavar="FOLDER", help="videos (default: drawn ones)")
    add("--photos", type=Path, metavar="FOLDER", help="photos (default: drawn ones)")
    add("--most", type=int, default=40, metavar="N", help="files of each kind at most (default: %(default)s)")
    add("--repeat", type=int, default=1, metavar="N", help="each file so often in a turn (%(default)s)")
    add("--turns", type=int, default=3, metavar="N", help="turns of each way (default: %(default)s)")
    add("--workers", type=int, nargs="+", default=[1, 2, 0], help="numbers of processes (default: 1 2 0)")
    add("--no-naive", action="store_true", help="leave the naive loop out")
    return run(parser, _main, argv)


def _main(args: argparse.Namespace) -> int:
    from dfdetect.predict.detector import Detector
    from dfdetect.predict.looking import look

    detector = Detector.default()
    ways = [*args.workers, *([] if args.no_naive else [NAIVE])]
    with tempfile.TemporaryDirectory() as folder:
        drawn = _drawn(Path(folder)) if args.videos is None or args.photos is None else Path(folder)
        for kind, given in (("photos", args.photos), ("videos", args.videos)):
            found = [path for path in files_below(given or drawn) if _is(path, kind)]
            files = found[: args.most] * args.repeat
            print(table(kind, _measure(files, detector, ways, args.turns)), flush=True)
            print(told(ceiling(partial(look, wanted=detector.wanted()), files)), flush=True)
    here, worker = _peak(resource.RUSAGE_SELF), _peak(resource.RUSAGE_CHILDREN)
    print(f"largest memory: {here:.0f} MB here, {worker:.0f} MB in a worker")
    return DONE


def _drawn(folder: Path) -> Path:
    """Drawn videos, and a frame of each as a photo."""
    from dfdetect.sample.sample_set import draw_sample
    from face_extraction.frames import read_frames
    from face_extraction.images import write_image

    draw_sample(folder, pairs=4, seconds=4)
    for path in list(folder.rglob("*.mp4")):
        for frame in read_frames(path, count=4):
            write_image(path.with_name(f"{path.stem}-{frame.index}.jpg"), frame.rgb, "jpg")
    return folder


def _is(path: Path, kind: str) -> bool:
    found = kind_of(path)
    return found == VIDEO if kind == "videos" else bool(found) and found != VIDEO


def _measure(files: list[Path], detector: "Detector", ways: list[int], turns: int) -> dict[int, Turns]:
    measured: dict[int, Turns] = defaultdict(Turns)
    _judge(files[:1], detector, ways[0])  # Compiles the model's function.
    for _ in range(turns):
        for way in ways:
            measured[way].take(len(files), lambda: _judge(files, detector, way))  # noqa: B023
    return measured


def _judge(files: Iterable[Path], detector: "Detector", way: int) -> None:
    from dfdetect.predict.pipelining import judge_files
    from face_extraction.pool import Readers

    if way == NAIVE:
        for path in files:
            _naive(path, detector)
    elif not way:
        for path in files:
            detector.judge(path)
    else:
        for _ in judge_files(files, detector, Readers(way)):
            pass


def _naive(path: Path, detector: "Detector") -> None:
    import cv2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import face_recognition
    side = detector.wanted().size
    for rgb in _pictures(path, detector.frames_wanted):
        for top, right, bottom, left in face_recognition.face_locations(rgb):
            crop = cv2.resize(rgb[max(0, top) : bottom, max(0, left) : right], (side, side))
            detector.keras_model.predict(crop[None], verbose=0)


def _pictures(path: Path, count: int) -> Iterable[Any]:
    import cv2

    video = cv2.VideoCapture(str(path))
    total = max(1, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
    wanted = {(2 * part + 1) * total // (2 * count) for part in range(count)}
    for index in range(total):
        done, frame = video.read()
        if done and index in wanted:
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def table(kind: str, measured: dict[int, Turns]) -> str:
    """The measurements of one kind of file, as text; the first way is the one compared with."""
    lines = [
        f"{kind:<12}{'files/s':>9}{'ratio':>8}{'cores busy':>12}{'CPU s a file here':>19}{'in workers':>12}"
    ]
    base = median(next(iter(measured.values())).rates)
    for way, turns in measured.items():
        name = "naive loop" if way == NAIVE else f"{way} worker{'s' * (way != 1)}"
        rate = median(turns.rates)
        each = turns.own / turns.files, turns.others / turns.files
        busy = (turns.own + turns.others) / turns.seconds
        cells = f"{rate:>9.2f}{rate / base:>8.2f}{busy:>12.2f}{each[0]:>19.3f}{each[1]:>12.3f}"
        lines.append(f"{name:<12}{cells}")
    return "\n".join(lines)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _peak(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
