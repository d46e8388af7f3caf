"""Executors for an extraction: processes on this machine, or the workers of a dask scheduler.

pebble runs the processes. The standard library's pool ends as a whole when the system kills one of its
processes; pebble loses only that item, starts another process, and stops an item that exceeds its time.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    InvalidStateError,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import cv2
import dlib
from pebble import ProcessPool
from pebble.pool.process import PoolManager
from PIL import AvifImagePlugin

from face_extraction.errors import InputError
from face_extraction.machine import available_memory, limit_memory, umask
from face_extraction.missing import extra
from face_extraction.settings import TIME_LIMIT

_T = TypeVar("_T")
_Call = TypeVar("_Call", bound=tuple[Any, ...])
# How many seconds a dask scheduler may take to answer.
_ANSWER_SECONDS = 15
# What a process may take, in bytes: the most, and the least if the machine has little for so many. A photo of
# 200 megapixels takes .9 GB, 1.1 GB with the detector "cnn".
MOST_MEMORY, LEAST_MEMORY = 4_000_000_000, 1_500_000_000
# Seconds between two looks at whether the processes still work.
_GLANCE = 0.1
# How many seconds to wait for the word of a dead process on which call it had taken.
_LAST_WORD_SECONDS = 1.0


class LocalPool(Executor):
    """Processes on this machine, each with one thread.

    If an item's process dies, the item fails with `pebble.ProcessExpired`; if it takes too long, with
    `TimeoutError`; if it takes too much memory, with `MemoryError` or a library's own error for that. The
    other items go on. If all processes break down, the items in work and waiting fail with
    `BrokenProcessPool`, and the next one starts new processes.
    """

    def __init__(self, workers: int, time_limit: float | None = None) -> None:
        """Start no process yet.

        Args:
            workers: how many processes.
            time_limit: seconds that one item may take; None for no limit.
        """
        self._workers, self._time_limit = workers, time_limit
        self._pool: Any = None
        self._waiting: set[Future[Any]] = set()
        self._starting = threading.Lock()

    def start(self) -> None:
        """Start the processes, and wait until one answers; does nothing while they work.

        Raises:
            InputError: none can be started.
        """
        with self._starting:
            if self._pool is not None:
                if self._pool.active:
                    return
                self.shutdown(cancel_futures=True)
                self._pool = None
            self._waiting = set()
            self._pool = _started(self._workers, self._waiting)

    def submit(self, function: Callable[..., _T], /, *args: Any, **options: Any) -> Future[_T]:
        """Run `function` in one of the processes; the first call starts them.

        Raises:
            InputError: none can be started.
        """
        self.start()
        future: Future[_T] = Future()
        try:
            future = self._pool.schedule(function, args=args, kwargs=options, timeout=self._time_limit)
        except RuntimeError as error:  # They broke down this moment.
            future.set_exception(BrokenProcessPool(str(error)))
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes after their work, or at once with `cancel_futures`."""
        if self._pool is None:
            return
        if cancel_futures:
            self._pool.stop()
        else:
            self._pool.close()
        if wait:
            self._pool.join()


class _Manager(PoolManager):
    """pebble's manager, which waits for the last word of a process before it asks which call died with it.

    One thread of pebble's reads the words of the processes, another sees their deaths. If the second is
    first, pebble knows of no call that died: it then gives up all calls, or waits for that one for ever.
    """

    def find_expired_task(self, worker_id: int) -> Any:
        if not self.task_manager.tasks:
            raise LookupError("it had no call")
        limit = time.monotonic() + _LAST_WORD_SECONDS
        while time.monotonic() < limit:
            for task in list(self.task_manager.tasks.values()):
                if task.worker_id == worker_id:
                    return task
            time.sleep(_GLANCE / 10)
        return super().find_expired_task(worker_id)


class _Processes(ProcessPool):
    """pebble's processes under a `_Manager`."""

    def __init__(self, workers: int, context: Any) -> None:
        super().__init__(
            workers, initializer=_start_worker, initargs=(_memory_of_each(workers),), context=context
        )
        self._pool_manager = _Manager(self._context, context)


def _started(workers: int, waiting: Collection[Future[Any]]) -> Any:
    """A pool of pebble's, once a process has answered.

    Args:
        workers: how many processes.
        waiting: the calls that are not done; they fail when the processes break down.

    Raises:
        InputError: none can be started.
    """
    _check_working_folder()
    _check_umask()
    # Spawned, not forked: a copy of a process with running threads can hang.
    pool: Any = _Processes(workers, multiprocessing.get_context("spawn"))
    try:
        answer = pool.schedule(os.getpid)
        while not wait([answer], _GLANCE).done:
            if not pool.active:
                raise BrokenProcessPool
        answer.result()
        threading.Thread(target=_watch, args=(pool, waiting), daemon=True).start()
    except BaseException as error:
        pool.stop()
        pool.join()
        if not isinstance(error, (OSError, RuntimeError)):
            raise
        raise InputError(_unstarted(error)) from None
    return pool


def _unstarted(error: OSError | RuntimeError) -> str:
    cause = error.__cause__ if isinstance(error, BrokenExecutor) else error
    why = getattr(cause, "strerror", None) or str(cause or "") or "they end as soon as they begin"
    return (
        f"worker processes cannot be started ({why}); they need free memory, processes and open files "
        "(ulimit -a), and a /dev/shm that can be written"
    )


def _check_working_folder() -> None:
    """Refuse a working folder in which no process can begin: Python would start them without end.

    Raises:
        InputError: it is gone, or this user may not enter it.
    """
    try:
        folder = os.getcwd()
        os.stat(os.path.join(folder, os.curdir))
    except OSError as error:
        raise InputError(
            f"the working folder: {error.strerror}; worker processes begin in it: start from another folder"
        ) from None


def _check_umask() -> None:
    """Refuse a umask under which no process can open the locks that this one makes.

    Raises:
        InputError: it forbids this user to read or write what he makes.
    """
    mask = umask()
    if mask & 0o600 and os.geteuid() != 0:
        raise InputError(
            f"umask {mask:04o} keeps you from the files that you make, which worker processes need; "
            "accepted: one that leaves you reading and writing, such as 0022"
        )


def _watch(pool: Any, waiting: Collection[Future[Any]]) -> None:
    """Fail what waits when the processes break down: pebble forgets calls that none of them had taken."""
    while pool.active:
        time.sleep(_GLANCE)
    time.sleep(10 * _GLANCE)  # pebble fails those that it knows, and must not find them done.
    for future in list(waiting):
        with suppress(InvalidStateError):
            future.set_exception(BrokenProcessPool("the worker processes broke down"))


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
