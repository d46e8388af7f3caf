"""What the service counts, for Prometheus."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dfdetect.serve.jobs import Job, Outcome

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
FRAME_SECONDS = (0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.25, 0.5, 1)
BATCHES = (1, 2, 4, 8, 16, 32)


class Counts:
    """The counters, in a registry of their own: a test makes several services in one process."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "dfdetect_requests", "Requests answered.", ["route", "method", "status"], registry=registry
        )
        self.seconds = Histogram(
            "dfdetect_request_seconds",
            "How long they took, uploads included.",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self.files = Counter(
            "dfdetect_files",
            "Files that ended, by kind, outcome, and level or reason.",
            ["kind", "outcome", "told"],
            registry=registry,
        )
        self.work = Histogram(
            "dfdetect_file_seconds",
            "From a file's arrival to its verdict.",
            buckets=SECONDS,
            registry=registry,
        )
        self.batches = Histogram(
            "dfdetect_batch_files",
            "Files and frames that went through the model together.",
            buckets=BATCHES,
            registry=registry,
        )
        self.frames = Histogram(
            "dfdetect_camera_seconds",
            "From a webcam's frame to its answer.",
            buckets=FRAME_SECONDS,
            registry=registry,
        )
        self.cameras = Gauge("dfdetect_cameras", "Webcams now.", registry=registry)
        self._in_work = Gauge("dfdetect_files_in_work", "Files in work or waiting.", registry=registry)

    def watch_queue(self, in_work: Callable[[], int]) -> None:
        """Show what `in_work` gives whenever somebody asks."""
        self._in_work.set_function(in_work)

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Count a job that ended."""
        verdict = job.verdict
        told = (verdict.level or verdict.reason) if verdict else ""
        self.files.labels(verdict.kind if verdict else "", outcome, told).inc()
        if outcome == "verdict" and job.ended:
            self.work.observe(job.ended - job.began)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)


class Counted:
    """Counts each request by its route's pattern, never by its path: a path can hold a job's id.

    Args:
        app: what answers.
        counts: where.
    """

    def __init__(self, app: ASGIApp, counts: Counts) -> None:
        self._app, self._counts = app, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 499  # the client was gone before an answer

        async def sender(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sender)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._counts.requests.labels(route, _method(scope["method"]), str(status)).inc()
            self._counts.seconds.labels(route).observe(time.perf_counter() - began)


def _method(given: str) -> str:
    """The method, if it is a usual one: a client may invent any number of them."""
    return given if given in ("GET", "HEAD", "POST", "DELETE", "OPTIONS") else "other"
