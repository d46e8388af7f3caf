"""Choose evenly spaced ones out of many: the one rule for frames and for an archive's crops."""

import numpy as np
from numpy.typing import NDArray


def middles(total: int, count: int) -> NDArray[np.int64]:
    """The middles of `count` equal parts of 0..total-1; all of them if `count` is not less."""
    if count >= total:
        return np.arange(total)
    return (2 * np.arange(count) + 1) * total // (2 * count)


def middles_in_time(times: NDArray[np.int64], end: int, count: int) -> NDArray[np.int64]:
    """The frames on the screen in the middle of `count` equal parts of a video's time.

    A frame that several parts show is taken once, and its neighbours stand in for the other parts, so that
    the result has `count` different frames if the video has that many.

    Args:
        times: when each frame is shown, ascending.
        end: when the last one disappears.
        count: how many frames.

    Returns:
        ascending indices into `times`.
    """
    total = len(times)
    if count >= total:
        return np.arange(total)
    part = np.arange(count)
    begin, length = int(times[0]), end - int(times[0])
    # Containers round times to their ticks: a frame that begins a tick late already counts.
    slack = 1 if length > 4 * total else 0
    wanted = np.array([begin + (2 * k + 1) * length // (2 * count) for k in range(count)])
    shown = np.searchsorted(times, wanted + slack, side="right") - 1
    distinct = np.maximum.accumulate(shown - part) + part
    return np.minimum(distinct, total - count + part)
