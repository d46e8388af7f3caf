"""Names of uploads, and clients that leave."""

import asyncio
import threading

import pytest

from dfdetect.serve.receiving import shown_name

HEAD = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
TAIL = b"\r\n--x--\r\n"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "unnamed"),
        ("", "unnamed"),
        ("/", "unnamed"),
        ("../../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("C:\\pictures\\me.png", "me.png"),
        ("x\x1b[31m\n\r\0.png", "x[31m.png"),
        ("a" * 1000, "a" * 200),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("\ud800.png", ".png"),
    ],
)
def test_a_name_becomes_a_label(given, shown):
    assert shown_name(given) == shown


def leave(client, body):
    """Send a body, and leave instead of waiting for the answer; what was answered all the same."""
    messages = iter([{"type": "http.request", "body": body, "more_body": not body.endswith(TAIL)}])
    sent = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/analyze",
        "raw_path": b"/v1/analyze",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"multipart/form-data; boundary=x")],
        "app": client.app,
    }

    async def receive():
        return next(messages, {"type": "http.disconnect"})

    async def send(message):
        sent.append(message)

    client.portal.call(client.app, scope, receive, send)
    return sent


def test_a_client_that_leaves_while_it_sends_leaves_nothing(client):
    jobs = client.app.state.parts.jobs
    leave(client, HEAD + b"half of a picture")
    assert (jobs.in_work, list(jobs.folder.iterdir())) == (0, [])


def test_a_client_that_leaves_while_it_waits_ends_its_job(serve, detector, photo, monkeypatch):
    client, held = serve(), threading.Event()
    jobs = client.app.state.parts.jobs
    judge = detector.judge_looks
    monkeypatch.setattr(detector, "judge_looks", lambda looks: held.wait(60) and judge(looks))
    leave(client, HEAD + photo.read_bytes() + TAIL)
    client.portal.call(asyncio.sleep, 0.1)
    assert (jobs.in_work, list(jobs.folder.iterdir())) == (0, [])
    held.set()
    assert client.upload(photo).status_code == 200
    assert 'dfdetect_files_total{kind="",outcome="cancelled",told=""} 1.0' in client.get("/metrics").text
