"""The model's thread: batches, order, faults."""

import threading

import numpy as np
import pytest

from dfdetect.predict.looking import Look, SeenFace
from dfdetect.serve.scorer import CAMERA, MOST_FACES, Scorer
from face_extraction.manifest import Box


def look(name, faces=1):
    crops = np.full((faces, 32, 32, 3), 100, np.uint8)
    seen = tuple(SeenFace(Box(0, 9, 9, 0)) for _ in range(faces))
    return Look(path=name, faces=seen, crops=crops, frames=1, shown=1, kind="photo")


class Slow:
    """A detector that waits with its first batch, and notes all."""

    def __init__(self, detector):
        self._detector, self.go, self.begun, self.batches = detector, threading.Event(), threading.Event(), []

    def wanted(self):
        return self._detector.wanted()

    def judge_looks(self, looks):
        self.begun.set()
        self.go.wait(60)
        self.batches.append([one.path for one in looks])
        return self._detector.judge_looks(looks)


@pytest.fixture
def slow(detector):
    return Slow(detector)


def test_what_waits_goes_together_and_webcams_go_first(slow):
    sizes = []
    scorer = Scorer(slow, sizes.append)
    first = scorer.submit(look("first"))
    assert slow.begun.wait(60)
    others = [scorer.submit(look("a")), scorer.submit(look("b")), scorer.submit(look("frame"), CAMERA)]
    slow.go.set()
    for answer in (first, *others):
        assert answer.result(60).score == pytest.approx(100 / 255, abs=1e-6)
    scorer.close()
    assert slow.batches == [["first"], ["frame", "a", "b"]]
    assert sizes == [1, 3]


def test_a_batch_is_bounded_by_faces(slow):
    scorer = Scorer(slow)
    scorer.submit(look("first"))
    assert slow.begun.wait(60)
    many = [scorer.submit(look(str(n), MOST_FACES // 2)) for n in range(3)]
    crowd = scorer.submit(look("crowd", MOST_FACES + 1))
    slow.go.set()
    scorer.close()
    assert slow.batches == [["first"], ["0", "1"], ["2"], ["crowd"]]
    assert all(len(answer.result(0).faces) == MOST_FACES // 2 for answer in many)
    assert len(crowd.result(0).faces) == MOST_FACES + 1


def test_a_fault_is_told_to_all_of_the_batch_and_the_thread_lives_on(detector, monkeypatch):
    scorer, judge = Scorer(detector), detector.judge_looks

    def broken(looks):
        raise RuntimeError("no weights")

    monkeypatch.setattr(detector, "judge_looks", broken)
    with pytest.raises(RuntimeError, match="no weights"):
        scorer.submit(look("a")).result(60)
    monkeypatch.setattr(detector, "judge_looks", judge)
    assert scorer.submit(look("a")).result(60).level
    scorer.close()


def test_a_cancelled_look_is_not_scored(slow):
    scorer = Scorer(slow)
    scorer.submit(look("first"))
    assert slow.begun.wait(60)
    assert scorer.submit(look("gone")).cancel()
    slow.go.set()
    scorer.close()
    assert slow.batches == [["first"]]
