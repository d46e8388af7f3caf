"""Compare the speed of the extraction with the obvious loop, and show where its time goes.

The obvious loop reads every frame with OpenCV and calls `face_recognition.face_locations` on each wanted
frame, at full size, in one process; it crops and writes nothing. Both take turns on one video after
another, with one thread each. Then as many processes as there are cores extract the videos; how much faster
this machine is with so many independent processes of the same work is printed beside that.

Two uses are measured: ten frames of each video, as by default, and every frame of the first 1.2 seconds of
videos in 1080p.

    python -m benchmarks.extract --root VIDEOS
"""

import argparse
import os
import resource
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.ceiling import ceiling, told
from face_extraction.command import DONE, Parser, run
from face_extraction.manifest import Box
from face_extraction.settings import BLAZEFACE, ExtractionSettings
from face_extraction.sources import Item

SAME = 0.3
Unmatched = list[tuple[tuple[str, int], Box]]


@dataclass(frozen=True)
class Use:
    """One way in which videos are extracted.

    Attributes:
        told: the same, in words.
        frames: wanted frames of each video; 0 for all.
        seconds: only this much of each video's beginning; None for all.
        min_width: only videos whose longer side has this many pixels.
    """

    told: str
    frames: int
    seconds: float | None = None
    min_width: int = 0


USES = {
    "default": Use("10 frames of each video", 10),
    "every-frame": Use("all frames of the first 1.2 seconds, videos in 1080p", 0, 1.2, 1080),
}


@dataclass
class Side:
    """The results of one of the two: faces by video and frame, seconds of wall clock and of processor."""

    faces: dict[tuple[str, int], list[Box]] = field(default_factory=dict)
    wall: float = 0.0
    cpu: float = 0.0

    @property
    def count(self) -> int:
        return sum(map(len, self.faces.values()))

    def take(self, work: Callable[[], dict[tuple[str, int], list[Box]]]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.faces |= work()
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu


def main() -> int:
    parser = Parser("python -m benchmarks.extract", __doc__ or "")
    add = parser.add_argument
    add("--root", type=Path, help="folder of videos (default: three drawn ones)")
    add("--use", choices=USES, action="append", help="measure only this use")
    add("--detector", default=BLAZEFACE, help="the extraction's (%(default)s)")
    add("--min-face", type=int, default=60, metavar="PIXELS", help="the extraction's (%(default)s)")
    add("--policy", default="largest", help="the extraction's (%(default)s)")
    add("--show", type=Path, metavar="FOLDER", help="write a picture of every frame in which the two differ")
    return run(parser, _main)


def _main(args: argparse.Namespace) -> int:
    os.environ["OPENCV_FFMPEG_THREADS"] = "1"
    import cv2

    cv2.setNumThreads(1)
    for name in args.use or USES:
        print(f"\n{name}: {USES[name].told}\n")
        _measure(args, USES[name])
    return DONE


def _measure(args: argparse.Namespace, use: Use) -> None:
    settings = ExtractionSettings(
        detector=args.detector,
        min_face=args.min_face,
        policy=args.policy,
        faces_per_video=use.frames or 10_000,
    )
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "videos", Path(folder) / "out"
        videos = _videos(args.root, use, root)
        ours, loop, shares = Side(), Side(), defaultdict[str, float](float)
        _warm_up(settings, out)
        with _timed(shares):
            for video in videos:
                ours.take(lambda: _extract(video, root, out, settings))  # noqa: B023
                wanted = _wanted(root / video, use.frames)
                loop.take(lambda: _obvious_loop(video, root, wanted))  # noqa: B023
        _print(ours, loop, shares, videos)
        if args.policy == "largest":
            _compare_largest(ours, loop)
        else:
            _compare(ours, loop, root, args.show)
        _all_cores(videos, root, out, settings, loop)


def _videos(given: Path | None, use: Use, root: Path) -> list[str]:
    """Put the videos into `root` as links, shortened copies or drawings; returns their names."""
    import av

    root.mkdir()
    if given is None:
        from dfdetect.sample.sample_set import draw_sample

        draw_sample(root / "drawn", pairs=1, seconds=use.seconds or 4)
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.mp4"))
    names = []
    for path in sorted(given.rglob("*.mp4")):
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            if max(stream.codec_context.width, stream.codec_context.height) < use.min_width:
                continue
            names.append(path.name)
            if use.seconds is None:
                (root / path.name).symlink_to(path.resolve())
                continue
            with av.open(str(root / path.name), "w") as short:
                copy = short.add_stream_from_template(stream)
                for packet in container.demux(stream):
                    if packet.pts is not None and packet.pts * packet.time_base < use.seconds:
                        packet.stream = copy
                        short.mux(packet)
    return names


def _warm_up(settings: ExtractionSettings, out: Path) -> None:
    import numpy as np

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import face_recognition
    from face_extraction.proposing import detector_for

    blank = np.zeros((200, 200, 3), np.uint8)
    face_recognition.face_locations(blank)
    detector = detector_for(settings)
    detector.encode(detector.chip(blank, Box(20, 180, 180, 20)))


def _extract(
    name: str, root: Path, out: Path, settings: ExtractionSettings
) -> dict[tuple[str, int], list[Box]]:
    from face_extraction.worker import extract_item

    result = extract_item(Item(name, 0, name, "video", video=name), root, out, settings)
    faces: dict[tuple[str, int], list[Box]] = {}
    for face in result.faces:
        faces.setdefault((name, face.frame), []).append(face.box)
    return faces


def _wanted(path: Path, count: int) -> set[int]:
    from face_extraction.frames import read_frames

    return {frame.index for frame in read_frames(path, count=count or None)}


def _obvious_loop(name: str, root: Path, wanted: set[int]) -> dict[tuple[str, int], list[Box]]:
    import cv2
    import face_recognition

    faces: dict[tuple[str, int], list[Box]] = {}
    video, index = cv2.VideoCapture(str(root / name)), 0
    while True:
        done, frame = video.read()
        if not done:
            return faces
        if index in wanted:
            rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            faces[name, index] = [Box(*box) for box in face_recognition.face_locations(rgb)]
        index += 1


class _timed:
    """Adds the time that the block spends in each step of the extraction to `shares`."""

    def __init__(self, shares: defaultdict[str, float]) -> None:
        self.shares = shares

    def __enter__(self) -> None:
        from face_extraction import video, worker

        self._before: list[tuple[Any, str, Any]] = []
        for home, name, step in (
            (video.VideoFinder, "_search", "detect"),
            (video.People, "name", "tell people apart"),
            (video, "cut_box", "crop"),
            (worker, "write_image", "write"),
        ):
            self._swap(home, name, self._counting(getattr(home, name), step))
        self._swap(worker, "read_frames", self._frames(vars(worker)["read_frames"]))

    def __exit__(self, *_: object) -> None:
        for home, name, function in self._before:
            setattr(home, name, function)

    def _swap(self, home: object, name: str, function: object) -> None:
        self._before.append((home, name, getattr(home, name)))
        setattr(home, name, function)

    def _counting(self, function: Callable[..., Any], step: str) -> Callable[..., Any]:
        def timed(*args: object, **options: object) -> object:
            start = time.process_time()
            try:
                return function(*args, **options)
            finally:
                self.shares[step] += time.process_time() - start

        return timed

    def _frames(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def frames(*args: object, **options: object) -> Iterator[Any]:
            found = function(*args, **options)
            while True:
                start = time.process_time()
                frame = next(found, None)
                self.shares["decode"] += time.process_time() - start
                if frame is None:
                    return
                yield frame

        return frames


def _print(ours: Side, loop: Side, shares: defaultdict[str, float], videos: list[str]) -> None:
    print(f"{len(videos)} videos, {len(loop.faces)} wanted frames, one process with one thread each\n")
    print(f"{'':<14}{'faces':>7}{'seconds':>10}{'faces/s':>10}{'CPU s':>10}{'faces/CPU s':>13}")
    for name, side in (("obvious loop", loop), ("extraction", ours)):
        rate = side.count / side.wall, side.count / side.cpu
        print(f"{name:<14}{side.count:>7}{side.wall:>10.2f}{rate[0]:>10.2f}{side.cpu:>10.2f}{rate[1]:>13.2f}")
    wall = (ours.count / ours.wall) / (loop.count / loop.wall)
    cpu = (ours.count / ours.cpu) / (loop.count / loop.cpu)
    same = loop.wall / ours.wall, loop.cpu / ours.cpu
    print(f"\nfaces a second: {wall:.1f} times the loop's by the clock, {cpu:.1f} by processor time")
    print(f"same frames: {same[0]:.1f} and {same[1]:.1f} times as fast\n")
    shares["the rest"] = ours.cpu - sum(shares.values())
    for step, seconds in sorted(shares.items(), key=lambda share: -share[1]):
        each = 1000 * seconds / max(1, len(loop.faces))
        print(f"  {step:<18}{seconds / ours.cpu:>6.1%}  {each:>7.2f} ms a frame")
    print(f"\nlargest memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _compare(ours: Side, loop: Side, root: Path, show: Path | None) -> None:
    missed, added = _unmatched(loop.faces, ours.faces), _unmatched(ours.faces, loop.faces)
    print(f"of the loop's {loop.count} faces {loop.count - len(missed)} are found, and {len(added)} others")
    for word, boxes in (("not found", missed), ("only found here", added)):
        for (name, frame), box in boxes:
            print(f"  {word}: {name}, frame {frame}, {box.longer_side} pixels at {box}")
    if show:
        _draw(missed, added, root, show)


def _compare_largest(ours: Side, loop: Side) -> None:
    """The policy "largest" takes one face of a frame: compare it with the loop's faces of that frame."""
    shown = {key: boxes for key, boxes in loop.faces.items() if boxes}
    missed = [key for key, boxes in shown.items() if not _met(boxes, ours.faces.get(key, []))]
    alone = sum(not loop.faces.get(key) for key in ours.faces)
    print(
        f"of the loop's {len(shown)} frames with faces, {len(shown) - len(missed)} have one of them; "
        f"{alone} other frames have one too"
    )
    for name, frame in missed:
        print(f"  none of them: {name}, frame {frame}")


def _met(boxes: list[Box], others: list[Box]) -> bool:
    return any(box.overlap(other) >= SAME for box in boxes for other in others)


def _unmatched(these: dict[tuple[str, int], list[Box]], those: dict[tuple[str, int], list[Box]]) -> Unmatched:
    return [
        (key, box)
        for key, boxes in these.items()
        for box in boxes
        if all(box.overlap(other) < SAME for other in those.get(key, []))
    ]


def _draw(missed: Unmatched, added: Unmatched, root: Path, show: Path) -> None:
    import cv2

    from face_extraction.frames import read_frames
    from face_extraction.images import write_image

    for name in {key[0] for key, _ in [*missed, *added]}:
        for frame in read_frames(root / name):
            for word, colour, boxes in (("missed", (255, 0, 0), missed), ("added", (0, 255, 0), added)):
                for number, (key, box) in enumerate(boxes):
                    if key == (name, frame.index):
                        rgb = frame.rgb.copy()
                        cv2.rectangle(rgb, (box.left, box.top), (box.right, box.bottom), colour, 3)
                        write_image(
                            show / f"{word}-{Path(name).stem}-{frame.index:05d}-{number}.jpg", rgb, "jpg"
                        )


def _all_cores(videos: list[str], root: Path, out: Path, settings: ExtractionSettings, loop: Side) -> None:
    from face_extraction.machine import available_cores

    workers = available_cores()
    with ProcessPoolExecutor(workers) as pool:
        list(
            pool.map(_extract, videos[:1] * workers, [root] * workers, [out] * workers, [settings] * workers)
        )
        start = time.perf_counter()
        found = list(pool.map(_extract, videos, *([value] * len(videos) for value in (root, out, settings))))
        seconds = time.perf_counter() - start
    count = sum(len(boxes) for faces in found for boxes in faces.values())
    ratio = (count / seconds) / (loop.count / loop.wall)
    print(f"\nwith {workers} processes: {count / seconds:.2f} faces/s, {ratio:.1f} times the loop's")
    work = partial(_extract, root=root, out=out, settings=settings)
    print(told(ceiling(work, videos, workers), workers))


if __name__ == "__main__":
    sys.exit(main())
