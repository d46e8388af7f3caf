"""Verdicts on many files: processes decode and find faces, and this one, which holds the model, scores them.

A file can kill the process that reads it, by a decoder's fault or by the memory that it takes. It costs
itself alone: the model's process never opens a file.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pebble import ProcessExpired

from dfdetect.predict.looking import MOST_BYTES, Look, Wanted, look
from dfdetect.verdict import Verdict
from face_extraction.ledger import FAILED, process_ended
from face_extraction.machine import available_memory
from face_extraction.pool import local_pool

if TYPE_CHECKING:
    from dfdetect.predict.detector import Detector

AHEAD = 4
"""Files in work or waiting for the model, for each process; fewer if their faces could fill the memory."""


def judge_files(
    files: Iterable[Path], detector: "Detector", *, frames: int | None, workers: int
) -> Iterator[Verdict]:
    """The verdict on each file, in order, as soon as it and those before it are scored.

    Files that are ready together go through the model together.

    Args:
        files: photos and videos.
        detector: judges them.
        frames: as for `Detector.judge`.
        workers: how many processes read files.

    Raises:
        InputError: the model is at fault, and would be with every file.
    """
    for looks in found_in(files, detector.wanted(frames), workers):
        yield from detector.judge_looks(looks, frames=frames)


def found_in(files: Iterable[Path], wanted: Wanted, workers: int) -> Iterator[list[Look]]:
    """What was found in each file, in order; files that are ready together come together.

    Args:
        files: photos and videos.
        wanted: how faces are found and cut.
        workers: how many processes read files.
    """
    waiting, running = iter(files), deque[tuple[Path, Future[Look]]]()
    ahead = _ahead(workers)
    with local_pool(workers, None) as pool:

        def hand_out() -> None:
            for path in islice(waiting, ahead - len(running)):
                running.append((path, pool.submit(look, path, wanted)))

        hand_out()
        while running:
            ready = [running.popleft()]
            looks = [_found(*ready[0])]
            while running and running[0][1].done() and sum(one.crops.nbytes for one in looks) < MOST_BYTES:
                ready.append(running.popleft())
                looks.append(_found(*ready[-1]))
            hand_out()  # before the model computes, so that the processes have work meanwhile
            yield looks


def _ahead(workers: int) -> int:
    """Files to hand out at a time: their faces take at most a quarter of the memory."""
    memory = available_memory()
    room = memory // (4 * MOST_BYTES) if memory else AHEAD * workers
    return max(workers + 1, min(room, AHEAD * workers))


def _found(path: Path, future: Future[Look]) -> Look:
    try:
        return future.result()
    except ProcessExpired as error:
        return Look(path=str(path), reason=FAILED, detail=process_ended(error.exitcode))
