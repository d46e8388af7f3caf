"""The web server: what strangers may send it, and what it writes to its log of that."""

import json
import socket
import threading
import time
import urllib.request

import pytest
import uvicorn

from dfdetect.serve import camera, workplace
from dfdetect.serve.app import make_app
from dfdetect.serve.hosting import hosted

from .conftest import Threads

# A body in chunks whose first one has no size.
BROKEN = b"%s HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nzz\r\n"


@pytest.fixture
def address(detector, monkeypatch):
    """Where the service listens."""
    for module in (workplace, camera):
        monkeypatch.setattr(module, "LocalPool", Threads)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(hosted(make_app(detector)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield listener.getsockname()
    server.should_exit = True
    thread.join(60)


def _send(address, content):
    with socket.create_connection(address, timeout=60) as client:
        client.sendall(content)
        return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.mark.parametrize("asked", [b"POST /v1/alarms", b"POST /v1/analyze", b"GET /v1/health"])
def test_what_is_no_http_gets_400_and_a_line_of_the_log(address, caplog, asked):
    assert _send(address, BROKEN % asked).startswith(b"HTTP/1.1 400 ")
    time.sleep(0.2)

    assert caplog.messages == ["Invalid HTTP request received."]
    with urllib.request.urlopen("http://{}:{}/v1/health".format(*address), timeout=60) as health:
        assert json.load(health)["status"] == "ok"


def test_headers_without_end_are_refused(address):
    # Little more than the server takes: what it leaves unread could cost the client its answer.
    assert _send(address, b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000).startswith(b"HTTP/1.1 400 ")
