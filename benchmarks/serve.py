"""`python -m benchmarks.serve`: many clients at once, and a webcam, at a service of its own.

Clients send photos and videos to POST /v1/analyze, each one after the answer to the last. Who gets status 429
waits and sends again, as a client should. Then one webcam sends frames over the WebSocket. Without --root the
files are of a drawn person.

Exit status 1: a file was lost, the memory grew, or the service left a file or did not stop in order.
"""

import argparse
import itertools
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import httpx2
import msgspec
import numpy as np
import psutil
from numpy.typing import NDArray
from websockets.sync.client import connect

from dfdetect.predict.evidence import small_jpeg
from dfdetect.sample.films import film, write_video
from dfdetect.sample.identity import draw_identity
from dfdetect.sample.people import Person
from dfdetect.verdict import Verdict
from face_extraction.frames import read_frames
from face_extraction.images import write_image
from face_extraction.sources.layout import files_below

Rgb = NDArray[np.uint8]
PATIENCE = 300.0
"""Seconds after which an answer counts as lost."""
GROWTH = 1.1
"""How much larger the memory may be in the last third of the time than in the second."""
IN_FLIGHT = 2
CAMERA = (640, 480)


@dataclass
class Tally:
    """What the clients met.

    Attributes:
        seconds: from sending a file to its verdict, without waits that the service asked for.
        lost: what was answered instead of a verdict.
        waits: answers with status 429.
        memory: seconds since the start, and bytes that the service's processes take.
    """

    seconds: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    waits: int = 0
    memory: list[tuple[float, int]] = field(default_factory=list)


def main() -> int:
    """Measure, and return the exit status."""
    parser = argparse.ArgumentParser("python -m benchmarks.serve", description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="?", help="a run's folder (default: the detector that ships)")
    parser.add_argument("--clients", type=int, default=16, metavar="N")
    parser.add_argument("--seconds", type=float, default=120, metavar="X", help="of sending (default: 120)")
    parser.add_argument("--camera-seconds", type=float, default=20, metavar="X", help="(default: 20)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="of the service (default: 1)")
    parser.add_argument("--root", type=Path, metavar="FOLDER", help="photos and videos to send")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = files_below(args.root) if args.root else drawn(Path(folder))
        return measure(args, list(files), Path(folder) / "uploads")


def measure(args: argparse.Namespace, files: Sequence[Path], uploads: Path) -> int:
    """Start a service, measure it, stop it, and print all."""
    uploads.mkdir()
    command = [sys.executable, "-m", "dfdetect.serve", *([args.run] if args.run else []), "--port", "0"]
    began = time.monotonic()
    with started([*command, "--workers", str(args.workers)], uploads) as (service, address):
        print(f"first answer {time.monotonic() - began:.1f} s after the start")
        warm_up(address, files)
        tally = send_all(address, files, args.clients, args.seconds, service.pid)
        left = len([path for path in uploads.glob("*/*/*") if path.is_file()])
        rate, frames = film_live(address, files, args.camera_seconds)
        service.send_signal(signal.SIGINT)
        status = service.wait(60)
    grown = growth(tally.memory)
    load = os.getloadavg()[0]
    taken = np.array(tally.seconds or [np.nan])
    half, most, all_but = np.percentile(taken, [50, 95, 99])
    print(
        f"{args.clients} clients, {args.seconds:g} s: {len(tally.seconds):,} files judged, "
        f"{len(tally.lost):,} lost, {tally.waits:,} times told to come back (429)"
    )
    print(f"a file: p50 {half:.2f} s, p95 {most:.2f} s, p99 {all_but:.2f} s")
    print(f"memory: {tally.memory[-1][1] / 2**20:,.0f} MiB, {grown:.2f} times that of the second third")
    print(
        f"webcam: {rate:.1f} frames per second, p50 {np.percentile(frames, 50) * 1000:.0f} ms, "
        f"p95 {np.percentile(frames, 95) * 1000:.0f} ms"
    )
    print(f"load {load:.1f} on {os.cpu_count()} cores; {left} files left; ended with status {status}")
    for line in tally.lost[:5]:
        print(f"lost: {line}")
    is_sound = tally.seconds and not tally.lost and not left and grown <= GROWTH and status == 0
    return 0 if is_sound else 1


@contextmanager
def started(command: list[str], uploads: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A service, and its address, when it answers."""
    environment = {**os.environ, "TMPDIR": str(uploads)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as service:
        try:
            assert service.stdout
            line = service.stdout.readline()
            found = re.search(r"http://\S+", line)
            if not found:
                raise SystemExit(f"the service did not start: {line}")
            httpx2.get(f"{found[0]}/v1/health", timeout=PATIENCE).raise_for_status()
            yield service, found[0]
        finally:
            if service.poll() is None:
                service.kill()


def warm_up(address: str, files: Sequence[Path]) -> None:
    """Send each kind of file once: the processes load what they need."""
    kinds = {path.suffix: path for path in files}
    with httpx2.Client(base_url=address, timeout=PATIENCE) as client:
        for path in kinds.values():
            judge(client, path, Tally())


def send_all(address: str, files: Sequence[Path], clients: int, seconds: float, pid: int) -> Tally:
    """Send files from all clients, and watch the memory meanwhile."""
    tally, start = Tally(), time.monotonic()
    threads = [
        threading.Thread(target=send, args=(address, files[number % len(files) :], start + seconds, tally))
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        tally.memory.append((time.monotonic() - start, memory_of(pid)))
        time.sleep(min(1.0, seconds / 20))
    return tally


def send(address: str, files: Sequence[Path], end: float, tally: Tally) -> None:
    """One client: a file after the other, each until it has its verdict."""
    with httpx2.Client(base_url=address, timeout=PATIENCE) as client:
        for path in itertools.cycle(files):
            if time.monotonic() >= end:
                return
            judge(client, path, tally)


def judge(client: httpx2.Client, path: Path, tally: Tally) -> None:
    """Send a file until the queue takes it, and check its verdict."""
    content, waiting = path.read_bytes(), True
    while waiting:
        began = time.monotonic()
        try:
            answer = client.post("/v1/analyze", files={"file": (path.name, content)})
        except httpx2.HTTPError as error:
            tally.lost.append(f"{path.name}: {type(error).__name__}: {error}")
            return
        waiting = answer.status_code == 429
        if waiting:
            tally.waits += 1
            time.sleep(float(answer.headers["retry-after"]))
    if answer.status_code == 200 and Verdict.from_json(answer.content).file == path.name:
        tally.seconds.append(time.monotonic() - began)
    else:
        tally.lost.append(f"{path.name}: {answer.status_code} {answer.text[:200]}")


def memory_of(pid: int) -> int:
    """Bytes that a process and its children hold alone (proportional set size)."""
    total = 0
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:  # it has ended
            continue
    return total


def growth(memory: Sequence[tuple[float, int]]) -> float:
    """Memory in the last third of the time over that in the second; the first third fills the queue."""
    sizes = [size for _, size in memory]
    third = max(1, len(sizes) // 3)
    return float(np.median(sizes[-third:]) / np.median(sizes[-2 * third : -third] or sizes))


def film_live(address: str, files: Sequence[Path], seconds: float) -> tuple[float, list[float]]:
    """Send frames of a webcam, two in flight; frames per second, and each answer's seconds."""
    frames = [small_jpeg(rgb) for rgb in camera_frames(files)]
    taken: list[float] = []
    with connect(f"ws{address.removeprefix('http')}/v1/live", open_timeout=PATIENCE) as socket:
        socket.send('{"key": ""}')
        socket.send(frames[0])  # the process that follows faces starts with the first frame
        socket.recv(timeout=PATIENCE)
        sent: list[float] = []
        end, begun = time.perf_counter() + seconds, time.perf_counter()
        for frame in itertools.cycle(frames):
            while len(sent) >= IN_FLIGHT:
                told: dict[str, Any] = msgspec.json.decode(socket.recv(timeout=PATIENCE))
                taken.append(time.perf_counter() - sent.pop(0))
                assert told["width"]
            if time.perf_counter() >= end:
                break
            sent.append(time.perf_counter())
            socket.send(frame)
    return len(taken) / (time.perf_counter() - begun), taken or [float("nan")]


def camera_frames(files: Sequence[Path]) -> list[Rgb]:
    """Frames of the first video, as a webcam gives them."""
    video = next(path for path in files if path.suffix == ".mp4")
    frames = [np.asarray(cv2.resize(frame.rgb, CAMERA), np.uint8) for frame in read_frames(video, count=60)]
    return [*frames, *frames[::-1]]  # back again, so that nothing jumps


def drawn(folder: Path) -> list[Path]:
    """Two photos and two videos of drawn people."""
    files = []
    for number in range(2):
        rng = np.random.default_rng([number, 7])
        frames = film(Person(draw_identity(rng)), rng, 24).frames
        write_image(folder / f"person-{number}.png", frames[0])
        write_video(folder / f"person-{number}.mp4", frames)
        files += [folder / f"person-{number}.png", folder / f"person-{number}.mp4"]
    return files


if __name__ == "__main__":
    sys.exit(main())
