"""Executors for an extraction: processes on this machine, or the workers of a dask scheduler.

pebble runs the processes. The standard library's pool ends as a whole when the system kills one of its
processes; pebble loses only that item, starts another process, and stops an item that exceeds its time.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import cv2
import dlib
from pebble import ProcessPool
from PIL import AvifImagePlugin

from face_extraction.errors import InputError
from face_extraction.machine import available_memory, limit_memory
from face_extraction.missing import extra
from face_extraction.settings import TIME_LIMIT

_T = TypeVar("_T")
_Call = TypeVar("_Call", bound=tuple[Any, ...])
# How many seconds a dask scheduler may take to answer.
_ANSWER_SECONDS = 15
# What a process may take, in bytes: the most, and the least if the machine has little for so many. A photo of
# 200 megapixels takes .9 GB, 1.1 GB with the detector "cnn".
MOST_MEMORY, LEAST_MEMORY = 4_000_000_000, 1_500_000_000


class LocalPool(Executor):
    """Processes on this machine, each with one thread.

    If an item's process dies, the item fails with `pebble.ProcessExpired`; if it takes too long, with
    `TimeoutError`; if it takes too much memory, with `MemoryError` or a library's own error for that. The
    other items go on.
    """

    def __init__(self, workers: int, time_limit: float | None = None) -> None:
        """Start no process yet.

        Args:
            workers: how many processes.
            time_limit: seconds that one item may take; None for no limit.
        """
        # Spawned, not forked: a copy of a process with running threads can hang.
        context = multiprocessing.get_context("spawn")
        self._pool: Any = ProcessPool(
            workers, initializer=_start_worker, initargs=(_memory_of_each(workers),), context=context
        )
        self._time_limit = time_limit

    def submit(self, function: Callable[..., _T], /, *args: Any, **options: Any) -> Future[_T]:
        """Run `function` in one of the processes."""
        future: Future[_T] = self._pool.schedule(
            function, args=args, kwargs=options, timeout=self._time_limit
        )
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes after their work, or at once with `cancel_futures`."""
        if cancel_futures:
            self._pool.stop()
        else:
            self._pool.close()
        if wait:
            self._pool.join()


@contextmanager
def local_pool(workers: int, time_limit: float | None) -> Iterator[Executor]:
    """A `LocalPool` whose processes end with the block."""
    pool = LocalPool(workers, time_limit)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def small_pool(workers: int) -> Iterator[Executor]:
    """A `LocalPool` for several workers; for one worker a thread, which starts at once and guards nothing."""
    if workers == 1:
        with ThreadPoolExecutor(1) as thread:
            yield thread
    else:
        with local_pool(workers, None) as pool:
            yield pool


def as_finished(
    pool: Executor,
    function: Callable[..., _T],
    calls: Iterator[_Call],
    ahead: int,
    running: dict[Future[_T], _Call],
) -> Iterator[tuple[_Call, Future[_T]]]:
    """Run a function with many arguments; gives each call with its future, in the order in which they finish.

    Args:
        pool: runs the calls.
        function: what is called.
        calls: the arguments of each call.
        ahead: how many calls are handed out at a time, at most.
        running: is kept to the calls in work, also the one given last, so that an error can name them.
    """
    while True:
        for call in islice(calls, ahead - len(running)):
            running[pool.submit(function, *call)] = call
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            yield running[future], future
            del running[future]


@contextmanager
def dask_pool(address: str) -> Iterator[tuple[Executor, int]]:
    """The executor of the dask scheduler at `address`, such as tcp://host:8786, and its threads.

    The workers need this package and the same paths to the root and the output folder; start each with
    `--nthreads 1`. An item fails after four workers in turn have died with it; the other items go on.

    Raises:
        InputError: dask.distributed is not installed, or there is no scheduler or worker.
    """
    try:
        import distributed

        connect: Any = distributed.Client
    except ImportError:
        raise InputError(f"--dask needs dask.distributed: {extra('distributed')}") from None
    try:
        client = connect(address, timeout=_ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"--dask {address}: no scheduler answers there ({reason})") from None
    try:
        threads = sum(client.nthreads().values())
        if not threads:
            raise InputError(f"--dask {address}: the scheduler has no workers; start `dask worker {address}`")
        # As "pure" calls, two with equal arguments would run as one.
        yield client.get_executor(pure=False), threads
    finally:
        client.close()


@dataclass(frozen=True)
class Readers:
    """Who reads files: processes of this machine, or the workers of a dask scheduler.

    Attributes:
        workers: how many processes; not used with `dask`.
        time_limit: seconds that one file may take in a process of this machine; None for no limit.
        dask: the scheduler's address, as for `dask_pool`; "" for processes of this machine.
    """

    workers: int = 1
    time_limit: float | None = TIME_LIMIT
    dask: str = ""

    @contextmanager
    def open(self) -> Iterator[tuple[Executor, int]]:
        """The executor, and how many files it reads at once.

        Raises:
            InputError: as for `dask_pool`.
        """
        if self.dask:
            with dask_pool(self.dask) as there:
                yield there
        else:
            with local_pool(self.workers, self.time_limit) as pool:
                yield pool, self.workers


def _memory_of_each(workers: int) -> int:
    """The bytes that each process may take: its share of the machine's memory, within bounds."""
    share = (available_memory() or MOST_MEMORY * workers) // workers
    return max(LEAST_MEMORY, min(share, MOST_MEMORY))


def _start_worker(memory: int) -> None:
    """Use one thread, because there are as many processes as cores; leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    if not dlib.DLIB_USE_CUDA:  # CUDA reserves far more address space than it uses.
        limit_memory(memory)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End when the parent dies: a killed parent tells its workers nothing, and they would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
