"""Jobs: each uploaded file from its arrival to its verdict.

All of this runs on the event loop; the search for faces runs in processes, the model in a thread.
"""

import asyncio
import math
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pebble import ProcessExpired

from dfdetect.predict.detector import Detector
from dfdetect.predict.looking import Look
from dfdetect.render.verdict_page import Picture
from dfdetect.serve import answers
from dfdetect.serve.limits import Limits, Refused
from dfdetect.serve.scorer import Scorer
from dfdetect.serve.watching import Watched, read_progress, watch
from dfdetect.serve.workplace import Workplace
from dfdetect.verdict import Verdict
from face_extraction.errors import one_line
from face_extraction.ledger import FAILED, process_ended

Outcome = Literal["verdict", "refused", "failed", "cancelled"]
UPLOAD = "upload"
"""What every uploaded file is called here: no name from outside ever gets into a path."""
GUESS = 5.0
"""Seconds that a file takes, until the first ones were measured."""
LONGEST_WAIT = 120
"""The most seconds after which a refused client is told to come back."""


@dataclass(eq=False)
class Job:
    """One file.

    Attributes:
        id: nobody can guess it.
        name: what the client called the file, for showing only.
        folder: its own, with the upload in it; gone when the job has ended.
        keeps: whether the result is kept, with pictures, for the page.
        state: as in `answers.Job`.
        began: when the file was complete, by the monotonic clock.
        ended: when the job ended; None before.
        refused: the reason, if it was refused.
        verdict: if it has one.
        stills: small JPEG copies of the frames.
        crops: what the model saw of the faces, in the verdict's order.
        heat_maps: of those that somebody asked for, by the face's place in the verdict.
        task: the work itself.
    """

    id: str
    name: str
    folder: Path
    keeps: bool
    state: answers.State = "waiting"
    began: float = 0.0
    ended: float | None = None
    refused: Refused | None = None
    verdict: Verdict | None = None
    stills: dict[int, bytes] = field(default_factory=dict)
    crops: NDArray[np.uint8] = field(default_factory=lambda: Look().crops)
    heat_maps: dict[int, Picture] = field(default_factory=dict)
    task: "asyncio.Task[None] | None" = None

    @property
    def upload(self) -> Path:
        """Where the file is written."""
        return self.folder / UPLOAD

    @property
    def size(self) -> int:
        """Bytes that its pictures take."""
        heat = (picture.jpeg for picture in self.heat_maps.values())
        return self.crops.nbytes + sum(map(len, (*self.stills.values(), *heat)))


class Jobs:
    """All jobs.

    Args:
        detector: judges.
        scorer: runs its model.
        limits: what is taken.
        place: started; where uploads lie, and the processes that look for faces.
        on_end: called with each job that ended, and how.
    """

    def __init__(
        self,
        detector: Detector,
        scorer: Scorer,
        limits: Limits,
        place: Workplace,
        on_end: Callable[[Job, Outcome], None] = lambda job, outcome: None,
    ) -> None:
        self._wanted, self._scorer, self._limits, self._place = detector.wanted(), scorer, limits, place
        self._on_end = on_end
        self._open: dict[str, Job] = {}
        self._kept: dict[str, Job] = {}
        self._usual = GUESS

    @property
    def in_work(self) -> int:
        """Files in work or waiting, uploads included."""
        return len(self._open)

    @property
    def folder(self) -> Path:
        """Where uploads lie while they are in work."""
        return self._place.folder

    def admit(self, keeps: bool) -> Job:
        """A job for a file that is about to arrive; it ends with `start` or `drop`.

        Raises:
            Refused: the queue is full.
        """
        if len(self._open) >= self._limits.queue:
            wait = math.ceil(self._usual * len(self._open) / self._place.workers)
            wait = min(max(wait, 1), LONGEST_WAIT)
            told = f"the queue is full ({self._limits.queue} files); try again in {wait} seconds"
            raise Refused(429, told, retry_after=wait)
        key = secrets.token_urlsafe(16)
        job = Job(key, "", Path(tempfile.mkdtemp(dir=self.folder)), keeps)
        self._open[key] = job
        return job

    def drop(self, job: Job) -> None:
        """Forget a job whose file did not arrive."""
        self._close(job)

    def start(self, job: Job, name: str) -> "asyncio.Task[None]":
        """Begin the work on a file that has arrived."""
        job.name, job.began = name, time.monotonic()
        job.task = asyncio.create_task(self._run(job))
        job.task.add_done_callback(lambda _: self._close(job))  # a task may end before it begins
        return job.task

    def find(self, key: str) -> Job:
        """The job of this id.

        Raises:
            Refused: there is none, or it was forgotten.
        """
        self._forget_old()
        job = self._open.get(key) or self._kept.get(key)
        if not job or not job.keeps:
            raise Refused(404, "no such job; results are kept for a while only")
        return job

    def remove(self, job: Job) -> None:
        """Stop a job, and forget what it gave."""
        if job.task:
            job.task.cancel()
        self._kept.pop(job.id, None)

    def told(self, job: Job) -> answers.Job:
        """How far a job is."""
        done = 0
        if job.state in ("waiting", "looking"):
            done = read_progress(job.folder) or 0
            job.state = "looking" if done else "waiting"
        order = list(self._open)
        return answers.Job(
            id=job.id,
            file=job.name,
            state=job.state,
            ahead=order.index(job.id) if job.id in order else 0,
            done=done,
            total=self._wanted.frames,
            error=job.refused.told if job.refused else "",
            verdict=job.verdict,
            stills=tuple(job.stills),
        )

    async def close(self) -> None:
        """Stop all work, and remove all uploads."""
        tasks = [job.task for job in self._open.values() if job.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: Job) -> None:
        outcome: Outcome = "cancelled"  # unless the end of the work says otherwise
        try:
            watched = await self._watched(job)
            if watched.refused:
                raise Refused(422, watched.refused)
            job.state = "scoring"
            found = replace(watched.look, path=job.name)
            job.verdict = await asyncio.wrap_future(self._scorer.submit(found))
            if job.keeps:
                job.stills, job.crops = watched.stills, found.crops
            job.state, outcome = "done", "verdict"
        except Refused as refused:
            job.refused, job.state, outcome = refused, "failed", "refused"
        except Exception as error:  # The model is at fault; the service goes on and says so.
            job.refused, job.state, outcome = Refused(500, one_line(error)), "failed", "failed"
        finally:
            job.ended = time.monotonic()
            if outcome == "verdict":
                self._usual += 0.2 * (job.ended - job.began - self._usual)
            self._close(job)
            if job.keeps and job.state in ("done", "failed"):
                self._kept[job.id] = job
                self._forget_old()
            self._on_end(job, outcome)

    async def _watched(self, job: Job) -> Watched:
        """What a process finds in the file; a process that dies costs its file alone."""
        # In a thread, because it takes a second where all processes broke down and others must start.
        future = await asyncio.to_thread(
            lambda: self._place.pool.submit(watch, job.upload, self._wanted, self._limits, job.keeps)
        )
        try:
            return await asyncio.wrap_future(future)
        except ProcessExpired as error:
            return Watched(Look(reason=FAILED, detail=process_ended(error.exitcode)))
        except TimeoutError:
            told = f"the search for faces took more than {self._limits.work_seconds:,.6g} seconds"
            raise Refused(422, told) from None

    def _close(self, job: Job) -> None:
        self._open.pop(job.id, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def _forget_old(self) -> None:
        """Forget results that are too old, and the oldest of too many."""
        now, taken = time.monotonic(), sum(job.size for job in self._kept.values())
        for job in list(self._kept.values()):
            too_old = now - (job.ended or now) > self._limits.keep_seconds
            if too_old or taken > self._limits.keep_bytes:
                taken -= job.size
                del self._kept[job.id]
