"""Receive a file: from a request's form to a job that has begun."""

import asyncio
import shutil

from starlette.datastructures import UploadFile
from starlette.requests import Request

from dfdetect.serve.jobs import Job, Jobs
from dfdetect.serve.limits import Limits, Refused

LONGEST_NAME = 200


async def received(request: Request, jobs: Jobs, limits: Limits, *, keeps: bool) -> Job:
    """Save the request's file, begin a job on it, and return the job.

    Args:
        request: a form with the file in the field "file".
        jobs: takes the job.
        limits: how long an upload may take.
        keeps: whether the result is kept, with pictures, for the page.

    Raises:
        Refused: the queue is full, the request holds no file, or the upload took too long.
    """
    job = jobs.admit(keeps)  # before the file is read: a full queue costs no upload
    try:
        async with asyncio.timeout(limits.upload_seconds):
            name = await _save(request, job)
    except BaseException as error:
        jobs.drop(job)
        if isinstance(error, TimeoutError):
            raise Refused(408, "the upload took too long") from None
        raise
    jobs.start(job, name)
    return job


async def _save(request: Request, job: Job) -> str:
    """Write the form's file to the job's place, and return its name for showing."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise Refused(422, "no form; accepted: multipart/form-data with the file in the field 'file'")
    async with request.form(max_files=1, max_fields=8) as form:
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise Refused(422, "no file in the field 'file'")
        await asyncio.to_thread(_copy, upload, job)
        return shown_name(upload.filename)


def _copy(upload: UploadFile, job: Job) -> None:
    with job.upload.open("wb") as target:
        shutil.copyfileobj(upload.file, target, 2**20)


def shown_name(given: str | None) -> str:
    """A file's name as a label, without folders and without what cannot be shown. No path ever holds it."""
    last = (given or "").replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable()).strip()[:LONGEST_NAME] or "unnamed"
