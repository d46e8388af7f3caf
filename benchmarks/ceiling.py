"""How much faster this machine is with several processes than with one, whatever the program does.

Cores that share caches, memory and clock do less each when all are busy. A benchmark that compares numbers
of processes prints this ratio beside its own: no way to share the work out can exceed it by much.
"""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from typing import TypeVar

_T = TypeVar("_T")
_barrier: Barrier


def ceiling(work: Callable[[_T], object], tasks: Sequence[_T], processes: int = 2) -> float:
    """Time processes that each do all the tasks, and know nothing of each other.

    Args:
        work: does a task; a function of a module, as other processes import it.
        tasks: done in order. The first one is done once before the clock starts, to load models.
        processes: how many at once.

    Returns:
        tasks a second of the processes together, over those of one alone.
    """
    return processes * _seconds(work, tasks, 1) / _seconds(work, tasks, processes)


def told(ratio: float, processes: int = 2) -> str:
    """The ratio in words."""
    return f"{processes} independent processes of the same work: {ratio:.2f} times one"


def _seconds(work: Callable[[_T], object], tasks: Sequence[_T], processes: int) -> float:
    """How long the slowest of the processes takes."""
    context = multiprocessing.get_context("spawn")
    started = context.Barrier(processes)
    with ProcessPoolExecutor(processes, context, initializer=_start, initargs=(started,)) as pool:
        return max(pool.map(_all, [work] * processes, [tasks] * processes))


def _start(started: Barrier) -> None:
    import cv2

    global _barrier
    _barrier = started
    cv2.setNumThreads(1)


def _all(work: Callable[[_T], object], tasks: Sequence[_T]) -> float:
    work(tasks[0])
    _barrier.wait()  # also keeps a process from taking the share of another
    start = time.perf_counter()
    for task in tasks:
        work(task)
    return time.perf_counter() - start
