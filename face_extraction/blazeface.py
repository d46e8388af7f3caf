"""Places that may show a face, by MediaPipe's BlazeFace (full range), which OpenCV runs.

Reference: Bazarevsky and others 2019, https://arxiv.org/abs/1907.05047. The anchors, the letterbox and the
decoding of boxes follow MediaPipe's face_detection_full_range.
"""

import math
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from face_extraction.manifest import Box
from face_extraction.trained import BLAZEFACE, trained_file

# The network sees squares of this side, and gives one box for each of 48 x 48 cells.
_SIDE, _CELLS = 192, 48
_OUTPUTS = ("reshaped_classifier_face_4", "reshaped_regressor_face_4")
# The least score of a proposal. MediaPipe's own limit is 0.5; dlib confirms many faces below it.
LOW_SCORE = 0.3
# Of 60 portraits pasted into frames, scores of 0.3 and more found 100 % where the face was 16 pixels wide as
# the network sees it, 87 % at 12, 80 % at 10. The finest search shows the smallest face at about 12.
_SEEN, _FINEST = 16, 12
# A tile may be larger than planned by this share of a step, which often halves the number of tiles.
_SLACK = 0.25
# Where dlib's HOG puts its box, against BlazeFace's: shifted and smaller by these shares of the width. The
# median of 174 faces in 19 videos.
_RIGHT, _DOWN, _WIDTH = 0.009, 0.011, 0.909
# Of two boxes that share this much of the smaller one, the less sure one goes.
_SAME = 0.5


class Proposal(NamedTuple):
    """A place that may show a face.

    Attributes:
        box: as dlib's HOG would draw it, in pixels of the picture, clipped to it.
        score: BlazeFace's, `LOW_SCORE` to 1.
    """

    box: Box
    score: float


class BlazeFace:
    """Proposes places. Loads the network when it is first needed; not for several threads at once."""

    def levels(self, rgb: NDArray[np.uint8], min_face: float) -> Iterator[list[Proposal]]:
        """Propose places, from large faces to small ones.

        Args:
            rgb: uint8 of shape (height, width, 3), upright.
            min_face: longer side of the smallest face wanted, in pixels.

        Yields:
            for the whole picture, and then for ever finer tiles: places that no coarser level gave.
        """
        known: list[Proposal] = []
        for tiles in _levels(rgb.shape[:2], min_face):
            found = [one for tile in tiles for one in self._propose(rgb, tile)]
            fresh: list[Proposal] = []
            for one in sorted(found, key=lambda one: -one.score):
                if all(_shared(one.box, other.box) < _SAME for other in (*known, *fresh)):
                    fresh.append(one)
            known += fresh
            yield fresh

    def _propose(self, rgb: NDArray[np.uint8], tile: Box) -> list[Proposal]:
        part = rgb[tile.top : tile.bottom, tile.left : tile.right]
        scale = _SIDE / max(part.shape[:2])
        width, height = (max(1, round(scale * side)) for side in (part.shape[1], part.shape[0]))
        left, top = (_SIDE - width) // 2, (_SIDE - height) // 2
        square = np.zeros((_SIDE, _SIDE, 3), np.uint8)
        small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
        square[top : top + height, left : left + width] = small
        boxes, scores = self._run(square)
        boxes = (boxes - (left, top, 0)) / scale + (tile.left, tile.top, 0)
        found = [
            Proposal(_as_hog(box, rgb.shape), score)
            for box, score in zip(boxes, scores.tolist(), strict=True)
        ]
        return [one for one in found if one.box.right > one.box.left and one.box.bottom > one.box.top]

    def _run(self, square: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The boxes in a square of 192 pixels, as centre x, centre y, width; and their scores."""
        middle = 127.5
        self._network.setInput(cv2.dnn.blobFromImage(square, 1 / middle, mean=(middle,) * 3))
        logits, values = self._network.forward(_OUTPUTS)
        scores = 1 / (1 + np.exp(-np.float64(logits).ravel()))
        chosen = np.flatnonzero(scores >= LOW_SCORE)
        values = np.float64(values).reshape(_CELLS**2, -1)[chosen]
        cells = (np.stack([chosen % _CELLS, chosen // _CELLS], axis=1) + 0.5) * (_SIDE / _CELLS)
        boxes = np.column_stack([values[:, :2] + cells, values[:, 2:4].mean(axis=1)])
        valid = boxes[:, 2] > 0
        return boxes[valid], scores[chosen][valid]

    @cached_property
    def _network(self) -> cv2.dnn.Net:
        return cv2.dnn.readNetFromTFLite(str(trained_file(BLAZEFACE)))


def _levels(shape: tuple[int, ...], min_face: float) -> Iterator[list[Box]]:
    """The tiles of each level: the whole picture, then squares of half the side, and so on."""
    height, width = shape
    finest = min_face * _SIDE / _FINEST
    side = float(max(height, width))
    yield [Box(0, width, height, 0)]
    while side > (1 + _SLACK) * finest:
        side = max(side / 2, finest)
        rows, columns = _parts(height, side), _parts(width, side)
        yield [Box(top, right, bottom, left) for top, bottom in rows for left, right in columns]


def _parts(length: int, side: float) -> list[tuple[int, int]]:
    """Cut a length into parts of about `side`, which overlap by a face that the coarser level finds."""
    overlap = side * 2 * _SEEN / _SIDE
    count = max(1, math.ceil((length - overlap) / (side - overlap) - _SLACK))
    part = (length + (count - 1) * overlap) / count
    starts = [round(number * (part - overlap)) for number in range(count)]
    return [(start, min(length, round(start + part))) for start in starts]


def _as_hog(box: NDArray[np.float64], shape: tuple[int, ...]) -> Box:
    x, y, width = box.tolist()
    x, y, half = x + _RIGHT * width, y + _DOWN * width, _WIDTH * width / 2
    return Box(
        top=max(0, round(y - half)),
        right=min(shape[1], round(x + half)),
        bottom=min(shape[0], round(y + half)),
        left=max(0, round(x - half)),
    )


def _shared(one: Box, other: Box) -> float:
    """The common area of two boxes as a share of the smaller one."""
    return one.common(other) / max(1, min(one.area, other.area))
