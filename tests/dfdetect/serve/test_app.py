"""The whole application: the page's files, headers, and who may ask."""

import re

import pytest

from dfdetect.serve.pages import _FILES


def test_the_page_loads_nothing_from_elsewhere(client):
    assert {"index.html", "style.css", "main.js", "api.html"} <= set(_FILES)
    for name, content in _FILES.items():
        outside = re.sub(r'xmlns="http://www.w3.org/2000/svg"', "", content.decode())
        assert not re.findall(r"(?:https?:)?//[\w-]+\.[\w.]+|@import|<style|<script>| on\w+=\"", outside), (
            name
        )
        used = re.findall(r'(?:src|href)="/page/([^"]+)"|from "\./([^"]+)"', content.decode())
        assert {one or other for one, other in used} <= set(_FILES)


def test_every_answer_has_a_strict_policy(client):
    kinds = {"/": "text/html", "/page/main.js": "text/javascript", "/v1/health": "application/json"}
    for path, kind in kinds.items():
        answer = client.get(path)
        assert answer.headers["content-type"].startswith(kind)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/page/../app.py", "/page/%2e%2e%2fapp.py", "/page/app.py", "/page//etc/passwd"]
)
def test_no_other_file_is_sent(client, path):
    assert client.get(f"/page/{path}").status_code == 404


@pytest.mark.parametrize(
    "host", ["elsewhere.example", "127.0.0.1.elsewhere.example", "", "[", "10.0.0.1:8000"]
)
def test_another_host_is_refused_where_only_this_computer_may_ask(client, host):
    answer = client.get("/", headers={"host": host})
    assert (answer.status_code, "unknown host" in answer.json()["error"]) == (403, True)


def test_any_host_may_ask_where_everybody_may(serve):
    client = serve(hosts=frozenset())
    assert client.get("/", headers={"host": "elsewhere.example"}).status_code == 200


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://127.0.0.1:9999", "http://["])
def test_a_page_of_another_site_sends_nothing(client, photo, origin):
    with photo.open("rb") as file:
        answer = client.post("/v1/jobs", files={"file": file}, headers={"origin": origin})
    assert (answer.status_code, "another site" in answer.json()["error"]) == (403, True)
    assert client.app.state.parts.jobs.in_work == 0


def test_our_own_page_may(client, empty_photo):
    with empty_photo.open("rb") as file:
        answer = client.post("/v1/analyze", files={"file": file}, headers={"origin": "http://127.0.0.1"})
    assert answer.status_code == 200


def test_its_folder_goes_with_the_service(serve, detector, photo):
    client = serve()
    client.upload(photo)
    folder = client.app.state.parts.jobs.folder
    assert (folder.is_dir(), folder.stat().st_mode & 0o777) == (True, 0o700)
    client.__exit__()
    assert not folder.exists()
