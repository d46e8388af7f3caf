"""How many pairs a second can be made."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import cv2

from dfdetect.fakes.pairs import PairSampler, scaled, scaled_points, working_side
from dfdetect.fakes.reals import find_reals
from face_extraction.manifest import read_manifest
from face_extraction.pool import local_pool

_FACES = 300
"""Real faces that are kept decoded for the measurement."""


class Rate(NamedTuple):
    """Pairs a second: as the clock ran, and of the processors' time that it took.

    The second is what an idle machine reaches with as many cores as processes.
    """

    clock: float
    processor: float


def pairs_a_second(
    manifest: Path, size: int, shares: Mapping[str, float], *, processes: int, seconds: float
) -> Rate:
    """How many pairs so many processes make together in a second, from faces that are decoded already.

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
    if processes == 1:
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            return _measure(manifest, size, dict(shares), seconds)
        finally:
            cv2.setNumThreads(threads)
    with local_pool(processes, None) as pool:
        jobs = [pool.submit(_measure, manifest, size, dict(shares), seconds) for _ in range(processes)]
        rates = [job.result() for job in jobs]
    return Rate(sum(rate.clock for rate in rates), sum(rate.processor for rate in rates))


def _measure(manifest: Path, size: int, shares: dict[str, float], seconds: float) -> Rate:
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
    start, used, made = time.perf_counter(), time.process_time(), 0
    while not made or time.perf_counter() - start < seconds:
        sampler.pair(made % count, made // count)
        made += 1
    return Rate(made / (time.perf_counter() - start), made / max(1e-9, time.process_time() - used))
