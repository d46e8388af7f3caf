"""The model's thread: what is ready at the same time goes through the model together."""

import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np

from dfdetect.predict.detector import Detector
from dfdetect.predict.looking import Look, SeenFace
from dfdetect.verdict import Verdict
from face_extraction.manifest import Box

MOST_FACES = 64
"""Faces in one batch; a file with more goes alone. More would make a webcam's frame wait for long."""
CAMERA, FILE, END = 0, 1, 2
"""How urgent work is; the lowest number goes first."""


class _Waiting(NamedTuple):
    """Compared by its first two parts: they are unique."""

    urgency: int
    number: int
    look: Look
    answer: "Future[Verdict]"


class Scorer:
    """Scores looks in a thread of its own.

    Args:
        detector: judges them.
        on_batch: called with the number of files in each batch.
    """

    def __init__(self, detector: Detector, on_batch: Callable[[int], None] = lambda files: None) -> None:
        self._detector, self._on_batch = detector, on_batch
        self._waiting: queue.PriorityQueue[_Waiting] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)
        self._thread.start()

    def submit(self, look: Look, urgency: int = FILE) -> "Future[Verdict]":
        """The verdict on a file, when it is scored.

        Args:
            look: what was found in it.
            urgency: `CAMERA` or `FILE`.
        """
        answer: Future[Verdict] = Future()
        self._waiting.put(_Waiting(urgency, next(self._numbers), look, answer))
        return answer

    def warm_up(self) -> None:
        """Run the model once, so that the first visitor does not wait for its start."""
        wanted = self._detector.wanted()
        faces = max(1, wanted.clip)
        seen = tuple(SeenFace(Box(0, 1, 1, 0), frame=place) for place in range(faces))
        crops = np.zeros((faces, wanted.size, wanted.size, 3), np.uint8)
        look = Look(faces=seen, crops=crops, frames=faces, shown=faces, kind="video")
        self.submit(look).result()

    def close(self) -> None:
        """End the thread after what waits."""
        self._waiting.put(_Waiting(END, next(self._numbers), Look(), Future()))
        self._thread.join()

    def _run(self) -> None:
        while (first := self._waiting.get()).urgency != END:
            self._score(self._with_others(first))

    def _with_others(self, first: _Waiting) -> list[_Waiting]:
        """What waits already and fits into one batch with the first."""
        batch, faces = [first], len(first.look.faces)
        while True:
            try:
                other = self._waiting.get_nowait()
            except queue.Empty:
                return batch
            faces += len(other.look.faces)
            if other.urgency == END or faces > MOST_FACES:
                self._waiting.put(other)
                return batch
            batch.append(other)

    def _score(self, batch: list[_Waiting]) -> None:
        batch = [one for one in batch if one.answer.set_running_or_notify_cancel()]
        if not batch:
            return
        self._on_batch(len(batch))
        try:
            verdicts = self._detector.judge_looks([one.look for one in batch])
        except Exception as error:
            for one in batch:
                one.answer.set_exception(error)
            return
        for one, verdict in zip(batch, verdicts, strict=True):
            one.answer.set_result(verdict)
