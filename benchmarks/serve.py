"""`python -m benchmarks.serve`: many clients at once, and a webcam, at a service of its own.

Clients send photos and videos to POST /v1/analyze, each one after the answer to the last. Who gets status 429
waits and sends again, as a client should. Then one webcam sends frames over the WebSocket. Without --root the
files are of a drawn person.

Exit status 1: a file was lost, the memory grew, or the service left a file or did not stop in order.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from face_extraction.sources.layout import files_below

GROWTH = 1.1
"""How much larger the memory may be in the last third of the time than in the second."""


def main() -> int:
    """Measure, and return the exit status."""
    parser = argparse.ArgumentParser("python -m benchmarks.serve", description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="?", help="a run's folder (default: the detector that ships)")
    parser.add_argument("--clients", type=int, default=16, metavar="N", help="(default: 16)")
    parser.add_argument("--seconds", type=float, default=120, metavar="X", help="of sending (default: 120)")
    parser.add_argument(
        "--camera-seconds", type=float, default=20, metavar="X", help="of webcam (default: 20)"
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="of the service (default: 1)")
    parser.add_argument(
        "--root", type=Path, metavar="FOLDER", help="photos and videos to send (default: drawn ones)"
    )
    args = parser.parse_args()

    from benchmarks.clients import drawn

    with tempfile.TemporaryDirectory() as folder:
        files = files_below(args.root) if args.root else drawn(Path(folder))
        return measure(args, list(files), Path(folder) / "uploads")


def measure(args: argparse.Namespace, files: Sequence[Path], uploads: Path) -> int:
    """Start a service, measure it, stop it, and print all."""
    from benchmarks.clients import film_live, growth, send_all, warm_up

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
    from benchmarks.clients import wait_for

    environment = {**os.environ, "TMPDIR": str(uploads)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as service:
        try:
            assert service.stdout
            line = service.stdout.readline()
            found = re.search(r"http://\S+", line)
            if not found:
                raise SystemExit(f"the service did not start: {line}")
            wait_for(found[0])
            yield service, found[0]
        finally:
            if service.poll() is None:
                service.kill()


if __name__ == "__main__":
    sys.exit(main())
