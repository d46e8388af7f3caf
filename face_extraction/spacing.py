"""Which of many are taken, evenly spaced: the one rule for frames and for the crops of an archive."""

import numpy as np
from numpy.typing import NDArray


def middles(total: int, count: int) -> NDArray[np.int64]:
    """The middle ones of `count` equal parts of 0..total-1; all of them where `count` is not less."""
    if count >= total:
        return np.arange(total)
    return (2 * np.arange(count) + 1) * total // (2 * count)


def middles_in_time(times: NDArray[np.int64], end: int, count: int) -> NDArray[np.int64]:
    """The frames that stand on the screen in the middle of `count` equal parts of a video's time.

    A frame that is shown for several parts is taken once; its neighbours stand in for the other parts,
    so that `count` different frames are taken wherever there are so many.

    Args:
        times: when each frame is shown, ascending.
        end: when the last one ceases to be shown.
        count: how many frames.

    Returns:
        ascending indices into `times`.
    """
    total = len(times)
    if count >= total:
        return np.arange(total)
    part = np.arange(count)
    begin, length = int(times[0]), end - int(times[0])
    # Containers round times to their ticks: a frame that begins a tick late is on the screen already.
    slack = 1 if length > 4 * total else 0
    wanted = np.array([begin + (2 * k + 1) * length // (2 * count) for k in range(count)])
    shown = np.searchsorted(times, wanted + slack, side="right") - 1
    distinct = np.maximum.accumulate(shown - part) + part
    return np.minimum(distinct, total - count + part)
