"""Verdicts on many files: other processes decode them and find faces, this one holds the model and scores.

A file can kill the process that reads it, by a decoder's fault or by the memory that it takes. Then only that
file gets no score, because the process with the model never opens a file.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Future
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pebble import ProcessExpired

from dfdetect.predict.looking import MOST_BYTES, Look, Wanted, look
from dfdetect.verdict import Verdict
from face_extraction.errors import InputError, unforeseen
from face_extraction.ledger import FAILED, OVERTIME, process_ended
from face_extraction.machine import available_memory
from face_extraction.pool import Readers

if TYPE_CHECKING:
    from dfdetect.predict.detector import Detector

AHEAD = 4
"""Files in work or waiting for the model, for each process; fewer if their faces could fill the memory."""


def judge_files(files: Iterable[Path], detector: "Detector", readers: Readers) -> Iterator[Verdict]:
    """The verdict on each file, in order, as soon as it and those before it are scored.

    Files that are ready together go through the model together.

    Args:
        files: photos and videos.
        detector: judges them.
        readers: the processes that read files.

    Raises:
        InputError: the model or the dask scheduler is at fault, and would be with every file; or no process
            can be started.
        BrokenExecutor: all processes broke down.
    """
    for looks in found_in(files, detector.wanted(), readers):
        yield from detector.judge_looks(looks)


def found_in(files: Iterable[Path], wanted: Wanted, readers: Readers) -> Iterator[list[Look]]:
    """What was found in each file, in order; files that are ready together come together.

    Args:
        files: photos and videos.
        wanted: how faces are found and cut.
        readers: the processes that read files.

    Raises:
        InputError: there is no dask scheduler, or it is gone; or no process can be started.
        BrokenExecutor: all processes broke down.
    """
    waiting, running = iter(files), deque[tuple[Path, Future[Look]]]()
    with readers.open() as (pool, workers):
        ahead = _ahead(workers)

        def hand_out() -> None:
            for path in islice(waiting, ahead - len(running)):
                # Workers on other machines have another working folder.
                running.append((path, pool.submit(look, path.absolute(), wanted)))

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
        return replace(future.result(), path=str(path))
    except (InputError, BrokenExecutor):
        raise
    except CancelledError:
        raise InputError("the dask scheduler is gone; what was scored is kept: start again") from None
    except ProcessExpired as error:
        detail = process_ended(error.exitcode)
    except TimeoutError:
        detail = OVERTIME
    except Exception as error:  # One odd file must not end a run of days.
        detail = unforeseen(error)
    return Look(path=str(path), reason=FAILED, detail=detail)
