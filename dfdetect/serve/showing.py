"""What the page shows of a job besides its frames: heat maps on demand, and the report to mail."""

import asyncio

import numpy as np
from numpy.typing import NDArray

from dfdetect.predict.detector import Detector
from dfdetect.predict.evidence import heat_jpeg, heat_title, shown_stills, telling_faces
from dfdetect.render.verdict_page import Picture, render_verdict
from dfdetect.serve.jobs import Job
from dfdetect.serve.limits import Refused


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

    async def map_of(self, job: Job, face: int) -> bytes:
        """The heat map of a face, as a JPEG file; kept with the job.

        Args:
            job: it has a verdict.
            face: its place in the verdict's faces.

        Raises:
            Refused: there is no such face, or the detector shows no heat maps.
        """
        if self.unexplained or not 0 <= face < len(job.crops):
            raise Refused(404, f"no face {face} with a heat map")
        async with self._one:
            if face not in job.heat_maps:
                job.heat_maps[face] = await asyncio.to_thread(self._make, job.crops[face])
        return job.heat_maps[face]

    def _make(self, crop: NDArray[np.uint8]) -> bytes:
        return heat_jpeg(self._detector.keras_model, crop)


async def evidence(job: Job, heat: Heat) -> str:
    """The evidence report of a job, with the heat maps of the faces that tell most.

    Raises:
        Refused: the job has no verdict.
    """
    verdict = job.verdict
    if not verdict:
        raise Refused(404, "this job has no verdict yet")
    maps = heat.unexplained or [
        Picture(await heat.map_of(job, face.index), heat_title(face, verdict))
        for face in telling_faces(verdict)
        if face.index < len(job.crops)
    ]
    return await asyncio.to_thread(render_verdict, verdict, shown_stills(verdict, job.stills), maps)
