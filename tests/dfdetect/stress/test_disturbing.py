"""The stream of disturbed faces: its order, its repeatability, and a worker that dies."""

from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from pebble import ProcessExpired

from dfdetect.stress import disturbing
from dfdetect.stress.disturbing import BATCH, Work, disturb_case, disturb_cases, disturbed
from dfdetect.stress.faces import Case
from dfdetect.stress.registry import get_kind
from face_extraction.errors import InputError
from face_extraction.images import resize


def test_batches_come_in_the_order_of_kinds_and_faces(make_cases):
    cases, kinds = make_cases(BATCH + 3), [get_kind("saturation"), get_kind("flip")]
    found = list(disturbed(cases, kinds, Work(16)))
    assert [(kind.name, batch.shape[:2]) for kind, batch in found] == [
        ("saturation", (5, BATCH)),
        ("saturation", (5, 3)),
        ("flip", (1, BATCH)),
        ("flip", (1, 3)),
    ]
    mirrored = np.concatenate([batch[0] for kind, batch in found if kind.name == "flip"])
    expected = [resize(np.ascontiguousarray(case.pictures[0][:, ::-1]), 16) for case in cases]
    np.testing.assert_array_equal(mirrored, expected)


def test_a_face_is_disturbed_alike_whatever_other_faces_there_are(make_cases):
    cases, work = make_cases(6), Work(16, seed=4)
    together = disturb_cases("noise", cases, work)
    np.testing.assert_array_equal(together[:, 4:5], disturb_cases("noise", cases[4:5], work))
    other = disturb_cases("noise", cases, replace(work, seed=5))
    assert (together != other).any()


def test_all_faces_of_a_clip_get_the_same_numbers(make_cases):
    (face,) = make_cases(1)
    clip = Case(face.sample, face.pictures * 3)
    one, *others = disturb_case(get_kind("noise"), 10, clip, 0)
    for other in others:
        np.testing.assert_array_equal(one, other)
    assert disturb_cases("noise", [clip], Work(16, frames=3)).shape == (5, 1, 3, 16, 16, 3)


def test_a_worker_that_died_is_an_error_in_one_line(make_cases, monkeypatch):
    class Dying:
        def submit(self, *given):
            future = Future()
            future.set_exception(ProcessExpired("gone", -9))
            return future

    @contextmanager
    def pool(workers):
        yield Dying()

    monkeypatch.setattr(disturbing, "small_pool", pool)
    with pytest.raises(
        InputError, match=r"disturbance 'flip': its process was ended .*the same command goes on"
    ):
        list(disturbed(make_cases(2), [get_kind("flip")], Work(16, workers=2)))
