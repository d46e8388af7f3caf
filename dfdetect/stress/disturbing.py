"""Disturbed faces in a stream: worker processes make them, in order, a little ahead of whoever takes them."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice

import numpy as np
from pebble import ProcessExpired

from dfdetect.stress.chance import chance_of
from dfdetect.stress.faces import Case, as_inputs
from dfdetect.stress.registry import Kind, Rgb, get_kind
from face_extraction.errors import InputError
from face_extraction.ledger import process_ended
from face_extraction.pool import small_pool

BATCH = 16
"""Cases that go to a process at a time."""
AHEAD = 2
"""Batches in work or waiting to be scored, for each process."""


@dataclass(frozen=True)
class Work:
    """How faces are disturbed.

    Attributes:
        size: the side that the model takes, in pixels.
        frames: faces a clip; 0 for single faces.
        seed: another seed draws other disturbances.
        workers: processes.
    """

    size: int
    frames: int = 0
    seed: int = 0
    workers: int = 1


def disturbed(cases: Sequence[Case], kinds: Sequence[Kind], work: Work) -> Iterator[tuple[Kind, Rgb]]:
    """Each kind's disturbed faces, batch by batch, in the order of the kinds and of the cases.

    Args:
        cases: the faces.
        kinds: in their order.
        work: how.

    Yields:
        The kind, and a batch as the model takes it at each severity: uint8 of shape (severities, n, ...).

    Raises:
        InputError: a process was ended.
    """
    waiting = iter([(kind, start) for kind in kinds for start in range(0, len(cases), BATCH)])
    running: deque[tuple[Kind, Future[Rgb]]] = deque()
    with small_pool(work.workers) as pool:

        def hand_out() -> None:
            for kind, start in islice(waiting, (AHEAD + 1) * work.workers - len(running)):
                batch = cases[start : start + BATCH]
                running.append((kind, pool.submit(disturb_cases, kind.name, batch, work)))

        hand_out()
        while running:
            kind, future = running.popleft()
            try:
                pictures = future.result()
            except ProcessExpired as error:
                raise InputError(
                    f"disturbance {kind.name!r}: {process_ended(error.exitcode)}; finished kinds are kept, "
                    "and the same command goes on"
                ) from None
            hand_out()  # before the model computes, so that the processes have work meanwhile
            yield kind, pictures


def disturb_cases(name: str, cases: Sequence[Case], work: Work) -> Rgb:
    """The cases disturbed at each severity, as the model takes them: uint8 of shape (severities, n, ...).

    Args:
        name: of the kind.
        cases: the faces.
        work: how.
    """
    kind = get_kind(name)
    return np.stack(
        [
            as_inputs(
                [disturb_case(kind, severity, case, work.seed) for case in cases], work.size, work.frames
            )
            for severity in kind.severities
        ]
    )


def disturb_case(kind: Kind, severity: float, case: Case, seed: int) -> list[Rgb]:
    """A case's pictures disturbed; the same seed, case, kind and severity give the same pictures.

    All severities of a face draw the same numbers, so that only the degree differs between them. So do all
    faces of a clip: other numbers would add flicker, a disturbance of its own.
    """
    return [
        kind.disturb(picture, severity, chance_of(seed, kind.name, case.sample.path))
        for picture in case.pictures
    ]
