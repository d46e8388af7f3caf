"""How many pairs a second can be made."""

import multiprocessing
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2

from dfdetect.fakes.pairs import PairSampler, scaled, scaled_points, working_side
from dfdetect.fakes.reals import find_reals
from face_extraction.manifest import read_manifest

_FACES = 300
"""Real faces that are kept decoded for the measurement."""


def pairs_a_second(
    manifest: Path, size: int, shares: Mapping[str, float], *, processes: int, seconds: float
) -> float:
    """Pairs a second that so many processes make together, from faces that are decoded already.

    Args:
        manifest: real faces with landmarks.
        size: side of the pictures, in pixels.
        shares: how often each kind is drawn.
        processes: how many, each with one thread.
        seconds: how long to measure.

    Raises:
        InputError: there are no real faces or no landmarks.
    """
    find_reals(manifest, read_manifest(manifest))  # here, so that what is wrong is told in one line
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes)
    results = context.Queue()
    workers = [
        context.Process(target=_measure, args=(manifest, size, dict(shares), seconds, ready, results))
        for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    rates = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return float(sum(rates))


def _measure(
    manifest: Path, size: int, shares: dict[str, float], seconds: float, ready: Any, results: Any
) -> None:
    cv2.setNumThreads(1)
    reals, _ = find_reals(manifest, read_manifest(manifest))
    count = min(_FACES, len(reals.samples))
    side = working_side(size, min(reals.shapes[0]))
    faces = [scaled(reals.load(index), side) for index in range(count)]
    sampler = PairSampler(
        lambda index: faces[index].picture,
        [scaled_points(reals.points[i], reals.shapes[i], side) for i in range(count)],
        reals.groups[:count],
        size,
        shares,
    )
    sampler.pair(0)
    ready.wait()
    start, made = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        sampler.pair(made % count, made // count)
        made += 1
    results.put(made / (time.perf_counter() - start))
