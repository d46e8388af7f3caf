"""Who may ask: checks before a request reaches its route, and the headers of every answer."""

import hmac
import json
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dfdetect.serve.limits import Limits, Refused, megabytes

KEY_HEADER = "X-API-Key"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
OPEN = frozenset({"/v1/health"})
"""What needs no key under /v1/. The camera's socket checks its first message instead."""
BESIDE_THE_FILE = 100_000
"""Bytes of a request that are not the file: the form around it."""
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src blob:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""Pages load nothing from elsewhere, and send nothing elsewhere."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Checks the host, the origin, the key and the size of each request.

    A page of another site can send requests to this computer from the visitor's browser, and a name of that
    site can be made to point here. So the host must be known where only this computer may ask, and what a
    browser sends must come from our own page.

    Args:
        app: what answers.
        hosts: names by which the service may be called; empty for any.
        key: what the header `KEY_HEADER` must hold; "" if no key is asked for.
        limits: the size of a file.
    """

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str], key: str, limits: Limits) -> None:
        self._app, self._hosts, self._key, self._limits = app, hosts, key, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        told = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            self._check(scope, told)
        except Refused as refused:
            await _refuse(scope, receive, send, refused)
            return
        if scope["type"] == "http":
            receive = _Counted(receive, self._limits).receive
        await self._app(scope, receive, _with_headers(send))

    def _check(self, scope: Scope, told: Mapping[str, str]) -> None:
        host = told.get("host", "")
        name = _split(f"//{host}").hostname or ""
        if self._hosts and name not in self._hosts:
            raise Refused(403, f"unknown host; accepted: {', '.join(sorted(self._hosts))}")
        is_unsafe = scope["type"] == "websocket" or scope["method"] in UNSAFE
        if is_unsafe and "origin" in told and _split(told["origin"]).netloc != host:
            raise Refused(403, "a page of another site may not send requests here")
        path = scope["path"]
        locked = (path.startswith("/v1/") and path not in OPEN) or path == "/metrics"
        if scope["type"] == "http" and locked and not is_key(told.get(KEY_HEADER.lower(), ""), self._key):
            raise Refused(401, f"the header {KEY_HEADER} is missing or wrong")
        length = told.get("content-length", "0")
        if length.isdecimal() and int(length) > self._limits.bytes + BESIDE_THE_FILE:
            raise too_large(self._limits)


def is_key(given: str, wanted: str) -> bool:
    """Whether a key is right; any is if none is wanted. Takes as long for a wrong one."""
    # JSON can hold half of a surrogate pair, which is no text.
    return not wanted or hmac.compare_digest(given.encode(errors="surrogatepass"), wanted.encode())


def too_large(limits: Limits) -> Refused:
    """The refusal of a file that is too large."""
    return Refused(413, f"the file is too large; accepted: up to {megabytes(limits.bytes)}")


def body_of(refused: Refused) -> bytes:
    """A refusal as one line of JSON."""
    return json.dumps({"error": " ".join(refused.told.split())}).encode() + b"\n"


def headers_of(refused: Refused) -> dict[str, str]:
    """The headers that go with a refusal."""
    headers = {"Retry-After": str(refused.retry_after)} if refused.retry_after else {}
    if refused.status == 401:
        headers["WWW-Authenticate"] = f'ApiKey header="{KEY_HEADER}"'
    return headers


def _split(address: str) -> SplitResult:
    """The parts of an address; all are empty if it is not one."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


class _Counted:
    """Counts the bytes of a body, because a client need not say how many it sends."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive, self._limits, self._got = receive, limits, 0

    async def receive(self) -> Message:
        """The next part of the body.

        Raises:
            Refused: it is too large.
        """
        message = await self._receive()
        self._got += len(message.get("body", b""))
        if self._got > self._limits.bytes + BESIDE_THE_FILE:
            raise too_large(self._limits)
        return message


def _with_headers(send: Send) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message["headers"]}
            own = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
            message["headers"] = [
                *message["headers"],
                *((name, value) for name, value in own if name not in given),
            ]
        await send(message)

    return sender


async def _refuse(scope: Scope, receive: Receive, send: Send, refused: Refused) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": refused.told})
        return
    body = body_of(refused)
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers_of(refused)}
    listed = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    send = _with_headers(send)
    await send({"type": "http.response.start", "status": refused.status, "headers": listed})
    await send({"type": "http.response.body", "body": body})
