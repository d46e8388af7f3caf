"""What the page shows of a job besides its frames: heat maps on demand, and the report to mail."""

import asyncio

import numpy as np
from numpy.typing import NDArray

from dfdetect.predict.detector import Detector
from dfdetect.predict.evidence import heat_picture, heat_title, shown_stills, telling_faces
from dfdetect.render.verdict_page import Picture, render_verdict
from dfdetect.serve.jobs import Job
from dfdetect.serve.limits import Refused
from dfdetect.verdict import Verdict


class Heat:
    """Makes heat maps, one at a time.

    Args:
        detector: whose model is explained.

    Attributes:
        unexplained: why it has no heat maps, in a sentence; "" if it has.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector, self.unexplained = detector, detector.unexplained
        self._one = asyncio.Semaphore(1)

    async def map_of(self, job: Job, face: int) -> Picture:
        """The heat map of a face; kept with the job.

        Args:
            job: its faces are shown when it has a verdict.
            face: its place in the verdict's faces.

        Raises:
            Refused: there is no such face, or the detector shows no heat maps.
        """
        verdict = job.verdict
        if self.unexplained or not verdict or not 0 <= face < len(job.crops):
            raise Refused(404, f"no face {face} with a heat map")
        async with self._one:
            if face not in job.heat_maps:
                title = heat_title(verdict.faces[face], verdict)
                job.heat_maps[face] = await asyncio.to_thread(self._make, job.crops[face], title)
        return job.heat_maps[face]

    def _make(self, crop: NDArray[np.uint8], title: str) -> Picture:
        return heat_picture(self._detector.keras_model, crop, title)


async def evidence(job: Job, verdict: Verdict | None, heat: Heat) -> str:
    """The evidence report of a job, with the heat maps of the faces that tell most.

    Args:
        job: its pictures are shown.
        verdict: the job's, maybe with what an alarm is worth.
        heat: makes the heat maps.

    Raises:
        Refused: the job has no verdict.
    """
    if not verdict:
        raise Refused(404, "this job has no verdict yet")
    maps = heat.unexplained or [
        await heat.map_of(job, face.index) for face in telling_faces(verdict) if face.index < len(job.crops)
    ]
    return await asyncio.to_thread(render_verdict, verdict, shown_stills(verdict, job.stills), maps)
