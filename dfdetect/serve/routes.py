"""The routes of the service."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Literal, cast

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.websockets import WebSocket

from dfdetect import __version__
from dfdetect.predict.detector import Detector
from dfdetect.render.verdict_page import UNSAID
from dfdetect.serve.answers import Accepted, Health, Model
from dfdetect.serve.camera import Cameras
from dfdetect.serve.counts import Counts
from dfdetect.serve.describing import FILE_FORM, JSON, NO_JOB, REFUSALS, described
from dfdetect.serve.jobs import Jobs
from dfdetect.serve.limits import Limits, Refused
from dfdetect.serve.receiving import received
from dfdetect.serve.showing import Heat, evidence
from dfdetect.verdict import WORDS

GONE_CHECK = 0.5
"""Seconds between looks at whether the client is still there."""
routes = APIRouter()


@dataclass(frozen=True)
class Parts:
    """What the routes use; it lives as long as the application."""

    detector: Detector
    limits: Limits
    jobs: Jobs
    cameras: Cameras
    counts: Counts
    heat: Heat


@routes.post(
    "/v1/analyze",
    tags=["files"],
    summary="Judge a file",
    openapi_extra=FILE_FORM,
    responses={**described(200, "The verdict.", "Verdict"), **REFUSALS},
)
async def analyze(request: Request) -> Response:
    """Send a photo or a short video as the form's field `file`, and wait for the verdict.

    A file without a verdict, such as one without a face, is answered with status 200, too: `level` is null,
    and `reason` says why. Nothing of the file is kept.
    """
    jobs = parts_of(request).jobs
    job = await received(request, jobs, parts_of(request).limits, keeps=False)
    task = cast("asyncio.Task[None]", job.task)
    try:
        while not (await asyncio.wait({task}, timeout=GONE_CHECK))[0]:
            if await request.is_disconnected():
                raise ClientDisconnect
    finally:
        jobs.remove(job)
    if job.refused:
        raise job.refused
    if not job.verdict:
        raise Refused(503, "the service is stopping")
    return Response(job.verdict.to_json(), media_type=JSON)


@routes.post(
    "/v1/jobs",
    status_code=202,
    tags=["jobs"],
    summary="Begin a job",
    openapi_extra=FILE_FORM,
    responses={**described(202, "The job.", "Job"), **REFUSALS},
)
async def begin_job(request: Request) -> Response:
    """Send a photo or a video, and ask for its verdict later: for long videos, and for the page.

    The result is kept for a while, with small copies of the frames that were looked at.
    """
    jobs = parts_of(request).jobs
    job = await received(request, jobs, parts_of(request).limits, keeps=True)
    where = {"Location": f"/v1/jobs/{job.id}"}
    return _json(jobs.told(job), 202, where)


@routes.get(
    "/v1/jobs/{job_id}",
    tags=["jobs"],
    summary="How far is a job?",
    responses={**described(200, "The job; with the verdict when it is done.", "Job"), **NO_JOB},
)
async def job_state(request: Request, job_id: str) -> Response:
    """How many frames were looked at, and the verdict when it is there."""
    jobs = parts_of(request).jobs
    return _json(jobs.told(jobs.find(job_id)))


@routes.delete(
    "/v1/jobs/{job_id}",
    status_code=204,
    tags=["jobs"],
    summary="Stop and forget a job",
    responses={204: {"description": "It is forgotten."}, **NO_JOB},
)
async def forget_job(request: Request, job_id: str) -> Response:
    """Stop the work if it is not done, and remove all that is kept of the file."""
    jobs = parts_of(request).jobs
    jobs.remove(jobs.find(job_id))
    return Response(status_code=204)


@routes.get(
    "/v1/jobs/{job_id}/frames/{index}",
    tags=["jobs"],
    summary="A frame that was looked at",
    responses={
        **described(200, "A small copy of the frame.", kind="image/jpeg"),
        **described(404, "There is no such job, or no such frame."),
        **described(422, "The index is no number."),
    },
)
async def job_frame(request: Request, job_id: str, index: int) -> Response:
    """The frame of this index in the video, of those in `stills`; a photo has frame 0."""
    picture = parts_of(request).jobs.find(job_id).stills.get(index)
    if picture is None:
        raise Refused(404, f"no frame {index} is kept; accepted: those in stills")
    return Response(picture, media_type="image/jpeg")


@routes.get(
    "/v1/jobs/{job_id}/heat-maps/{face}",
    tags=["jobs"],
    summary="Where the detector looked in a face",
    responses={
        **described(
            200, "The face with its heat map; the header Heat-Map tells if it is empty.", kind="image/jpeg"
        ),
        **described(404, "There is no such job, or no such face, or the detector takes clips."),
        **described(422, "The face is no number."),
    },
)
async def job_heat_map(request: Request, job_id: str, face: int) -> Response:
    """The face of this place in the verdict's `faces`, with what raised its score coloured.

    If nothing raised it, the face comes as it is, and the header `Heat-Map` says in a sentence that the map
    is empty.
    """
    parts = parts_of(request)
    picture = await parts.heat.map_of(parts.jobs.find(job_id), face)
    headers = {"Heat-Map": picture.caption} if picture.caption else None
    return Response(picture.jpeg, media_type="image/jpeg", headers=headers)


@routes.get(
    "/v1/jobs/{job_id}/report",
    tags=["jobs"],
    summary="The evidence report",
    responses={
        **described(200, "One HTML file, to mail and to print.", kind="text/html"),
        **described(404, "There is no such job, or it has no verdict yet."),
        **described(422, "The prevalence is not between 0 and 1."),
    },
)
async def job_report(
    request: Request, job_id: str, prevalence: Annotated[float | None, Query(gt=0, lt=1)] = None
) -> Response:
    """The verdict with the frames and heat maps that it rests on; it loads nothing from elsewhere.

    With a prevalence, the share of fakes among the files judged, a report of substantial evidence also tells
    how many of 100 such alarms are right.
    """
    parts = parts_of(request)
    job = parts.jobs.find(job_id)
    verdict = job.verdict
    if verdict and prevalence is not None:
        verdict = parts.detector.with_alarms(verdict, prevalence)
    text = await evidence(job, verdict, parts.heat)
    # Its pictures and styles lie in it, which the page's policy forbids; it holds no script.
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"
    headers = {"Content-Security-Policy": policy, "Content-Disposition": "attachment; filename=report.html"}
    return Response(text, media_type="text/html", headers=headers)


@routes.get(
    "/v1/health",
    tags=["service"],
    summary="Does it work?",
    responses=described(200, "It works.", "Health"),
)
async def health(request: Request) -> Response:
    """Answers without a key, for those who watch over the service."""
    parts = parts_of(request)
    limit = parts.limits.queue
    return _json(Health(status="ok", in_work=parts.jobs.in_work, queue=limit))


@routes.get(
    "/v1/model",
    tags=["service"],
    summary="The detector",
    responses=described(200, "What must be known beside each verdict.", "Model"),
)
async def model(request: Request) -> Response:
    """The detector, what it showed on its test, what it cannot judge, and what the service takes."""
    parts = parts_of(request)
    detector, limits, wanted = parts.detector, parts.limits, parts.detector.wanted()
    cuts = detector.record().cuts
    told = Model(
        name=detector.name,
        sha256=detector.weights_sha256,
        skill=detector.skill,
        note=detector.note,
        unfit=detector.unfit,
        calibrated=detector.record().calibrated,
        lower=cuts.lower if cuts else None,
        upper=cuts.upper if cuts else None,
        cuts_from=cuts.origin if cuts else "",
        frames=wanted.frames,
        min_face=wanted.settings.min_face,
        photos=not wanted.clip,
        heat_maps=detector.explains,
        words=WORDS,
        unsaid=UNSAID,
        dfdetect=__version__,
        limits=Accepted(
            bytes=limits.bytes,
            seconds=limits.seconds,
            pixels=limits.pixels,
            queue=limits.queue,
            cameras=limits.cameras,
        ),
    )
    return _json(told)


@routes.get(
    "/v1/alarms",
    tags=["service"],
    summary="How often are alarms right?",
    responses={
        **described(200, "What an alarm is worth.", "Alarms"),
        **described(404, "No test tells how many such files the detector calls substantial."),
        **described(422, "The kind is unknown, or the prevalence is not between 0 and 1."),
    },
)
async def alarms(
    request: Request, kind: Literal["photo", "video"], prevalence: Annotated[float, Query(gt=0, lt=1)]
) -> Response:
    """Of 100 verdicts of substantial evidence, how many are right if this share of the files is fake."""
    worth = parts_of(request).detector.calibration(kind).alarms(prevalence)
    if worth is None:
        raise Refused(404, f"no test tells how often alarms on a {kind} are right")
    return _json(worth)


@routes.get(
    "/metrics",
    tags=["service"],
    summary="Counters for Prometheus",
    responses=described(200, "In Prometheus' text format.", kind="text/plain"),
)
async def metrics(request: Request) -> Response:
    """Requests, files by outcome, batches, frames of webcams, memory."""
    return Response(parts_of(request).counts.text(), media_type="text/plain")


@routes.websocket("/v1/live")
async def live(socket: WebSocket) -> None:
    """Webcam frames in, what is said of them out."""
    await parts_of(socket).cameras.serve(socket)


def parts_of(request: Request | WebSocket) -> Parts:
    """What the application holds for its routes."""
    return cast(Parts, request.app.state.parts)


def _json(answer: msgspec.Struct, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(answer), status, headers, JSON)
