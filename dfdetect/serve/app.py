"""The application: the routes, the guard before them, and what they share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from dfdetect import __version__
from dfdetect.predict.detector import Detector
from dfdetect.serve.camera import Cameras
from dfdetect.serve.counts import Counted, Counts
from dfdetect.serve.describing import JSON, openapi
from dfdetect.serve.guard import LOOPBACK, Guard, body_of, headers_of
from dfdetect.serve.jobs import Jobs
from dfdetect.serve.limits import Limits, Refused
from dfdetect.serve.pages import pages
from dfdetect.serve.routes import Parts, routes
from dfdetect.serve.scorer import Scorer
from dfdetect.serve.showing import Heat
from dfdetect.serve.workplace import Workplace

GONE = 499
"""The status of a request whose client left; nobody sees it but the metrics."""


@dataclass(frozen=True)
class Service:
    """How the service is run.

    Attributes:
        limits: what it takes.
        workers: processes that look for faces.
        key: that clients must send; "" for none.
        hosts: names by which it may be called; empty for any.
    """

    limits: Limits = field(default_factory=Limits)
    workers: int = 1
    key: str = ""
    hosts: frozenset[str] = LOOPBACK


def make_app(detector: Detector, service: Service | None = None, place: Workplace | None = None) -> FastAPI:
    """The whole application.

    Args:
        detector: judges.
        service: how it is run.
        place: where it works; started already, a fault there is told before the application runs.
    """
    service = service or Service()
    counts = Counts()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        scorer = Scorer(detector, counts.batches.observe)
        await asyncio.to_thread(scorer.warm_up)
        work = place or Workplace(service.workers, service.limits.work_seconds)
        await asyncio.to_thread(work.start)
        jobs = Jobs(detector, scorer, service.limits, work, counts.ended)
        counts.watch_queue(lambda: jobs.in_work)
        cameras = Cameras(detector, scorer, service.limits.cameras, service.key, counts)
        app.state.parts = Parts(detector, service.limits, jobs, cameras, counts, Heat(detector))
        try:
            yield
        finally:
            await jobs.close()
            await asyncio.to_thread(work.close)
            await cameras.close()
            await asyncio.to_thread(scorer.close)

    app = FastAPI(
        title="dfdetect",
        version=__version__,
        description="Looks for evidence that faces in photos and videos were manipulated.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_exception_handler(Refused, _on_refused)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(ClientDisconnect, _on_gone)
    app.add_exception_handler(Exception, _on_fault)
    app.include_router(pages)
    app.include_router(routes)
    app.add_middleware(Guard, hosts=service.hosts, key=service.key, limits=service.limits)
    app.add_middleware(Counted, counts=counts)
    app.openapi = lambda: openapi(app, bool(service.key))  # type: ignore[method-assign]
    return app


def _refusal(refused: Refused) -> Response:
    return Response(body_of(refused), refused.status, headers_of(refused), JSON)


async def _on_refused(request: Request, error: Exception) -> Response:
    return _refusal(cast(Refused, error))


async def _on_http(request: Request, error: Exception) -> Response:
    found = cast(HTTPException, error)
    answer = _refusal(Refused(found.status_code, found.detail))
    answer.headers.update(found.headers or {})
    return answer


async def _on_invalid(request: Request, error: Exception) -> Response:
    first = cast(RequestValidationError, error).errors()[0]
    return _refusal(Refused(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"))


async def _on_gone(request: Request, error: Exception) -> Response:
    return Response(status_code=GONE)


async def _on_fault(request: Request, error: Exception) -> Response:
    return _refusal(Refused(500, f"a fault of the service: {type(error).__name__}"))
