"""What the page shows of a job besides its frames: heat maps on demand, and the report to mail."""

import asyncio

from dfdetect.explain import default_method, heat_map, overlay
from dfdetect.predict.detector import Detector
from dfdetect.predict.evidence import shown_stills, small_jpeg
from dfdetect.render.text import clock
from dfdetect.render.verdict_page import Picture, render_verdict
from dfdetect.serve.jobs import Job
from dfdetect.serve.limits import Refused
from dfdetect.verdict import Face, Verdict
from face_extraction.images import resize

SIDE = 384
"""Side of a heat map's picture, in pixels: the model's own crops are too small to look at."""
IN_REPORT = 4
"""Heat maps in a report."""


class Heat:
    """Makes heat maps, one at a time.

    Args:
        detector: whose model is explained.
    """

    def __init__(self, detector: Detector) -> None:
        self._model, self._clips = detector.model, bool(detector.wanted().clip)
        self._one = asyncio.Semaphore(1)

    async def map_of(self, job: Job, face: int) -> bytes:
        """The heat map of a face, as a JPEG file; kept with the job.

        Args:
            job: it has a verdict.
            face: its place in the verdict's faces.

        Raises:
            Refused: there is no such face, or the model takes clips.
        """
        if self._clips or not 0 <= face < len(job.crops):
            raise Refused(404, f"no face {face} with a heat map")
        async with self._one:
            if face not in job.heat_maps:
                job.heat_maps[face] = await asyncio.to_thread(self._draw, job, face)
        return job.heat_maps[face]

    def _draw(self, job: Job, face: int) -> bytes:
        crop = resize(job.crops[face], SIDE)
        return small_jpeg(overlay(crop, heat_map(self._model, crop, default_method(self._model))))


async def evidence(job: Job, heat: Heat) -> str:
    """The evidence report of a job, with the heat maps of the faces that tell most.

    Raises:
        Refused: the job has no verdict.
    """
    verdict = job.verdict
    if not verdict:
        raise Refused(404, "this job has no verdict yet")
    maps = [
        Picture(await heat.map_of(job, face.index), _title(face, verdict))
        for face in _telling(verdict)
        if face.index < len(job.crops)
    ]
    return await asyncio.to_thread(render_verdict, verdict, shown_stills(verdict, job.stills), maps)


def _telling(verdict: Verdict) -> list[Face]:
    """The faces that tell most, the highest score first."""
    if verdict.timeline:
        return [verdict.faces[place] for place in verdict.timeline.telling[:IN_REPORT]]
    return sorted(verdict.faces, key=lambda face: -face.score)[:IN_REPORT]


def _title(face: Face, verdict: Verdict) -> str:
    return f"{clock(face.time)}, person {face.person}" if verdict.people else f"Face {face.index + 1}"
