"""Clients of the service: many that send photos and videos, and a webcam."""

import itertools
import threading
import time
from collections.abc import Sequence
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

Rgb = NDArray[np.uint8]
PATIENCE = 300.0
"""Seconds after which an answer counts as lost."""
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


def wait_for(address: str) -> None:
    """Wait until a service answers."""
    httpx2.get(f"{address}/v1/health", timeout=PATIENCE).raise_for_status()


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
