"""The page in a real browser: from a file to its verdict, by keyboard, and on a phone."""

import json
import socket
import threading
import time

import pytest
import uvicorn
from msgspec import structs

from dfdetect.metrics.calibrating import Held
from dfdetect.serve import camera, workplace
from dfdetect.serve.app import make_app

from .browser import CHROMIUM, open_browser
from .conftest import Threads

READY = "Boolean(document.getElementById('limits')?.textContent)"
SHOWN = "document.querySelector('#result:not([hidden]) .stage img')?.naturalWidth > 0"


@pytest.fixture
def address(detector, monkeypatch):
    """The address of a service in a thread."""
    for module in (workplace, camera):
        monkeypatch.setattr(module, "LocalPool", Threads)
    detector.cautions = "It cannot judge <b>drawings</b>."
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(make_app(detector), log_level="error", ws="websockets-sansio"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    thread.join(60)


@pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine")
def test_a_visitor_gets_from_a_file_to_its_verdict(address, video, empty_photo, detector, tmp_path):
    expected = detector.judge(video)
    with open_browser(tmp_path) as page:
        page.resize(390, 844)
        page.call("Page.navigate", url=address)
        page.until(READY)
        assert detector.note in page.run("document.querySelector('#about .note').innerText")
        page.choose("#files", video)
        page.until(SHOWN)
        assert page.run("document.getElementById('sentence').innerText").endswith(expected.sentence)
        assert page.run("document.activeElement.id") == "sentence"
        assert detector.note in page.run("document.querySelector('#result .note').innerText")
        assert page.run("document.querySelectorAll('.moment').length") == len(expected.timeline.moments)
        face = expected.faces[expected.timeline.telling[0]]
        box = json.loads(page.run(
            "JSON.stringify((({left, top, width, height}) => [left, top, width, height])"
            "(document.querySelector('.box').style))"
        ))  # fmt: skip
        side = (expected.width, expected.height) * 2
        corner = (face.box.left, face.box.top, face.box.right - face.box.left, face.box.bottom - face.box.top)
        assert [float(each.rstrip("%")) for each in box] == pytest.approx(
            [100 * value / whole for value, whole in zip(corner, side, strict=True)], abs=0.01
        )
        close_up = page.run("document.querySelector('.heat canvas').getAttribute('aria-label')")
        assert close_up == f"Close up of person {face.person}"
        page.run("document.querySelector('.moment[aria-selected=true]').focus()")
        page.press("End")
        page.until("document.querySelector('.moment:last-of-type').getAttribute('aria-selected') === 'true'")
        last = expected.timeline.moments[-1]
        page.until(f"document.querySelector('.caption').innerText.includes('frame {last.frame}')")

        page.choose("#files", empty_photo)
        page.until("document.querySelector('#sentence')?.innerText.includes('No verdict')")
        assert "found no face" in page.run("document.getElementById('sentence').innerText")
        assert page.run("document.querySelectorAll('#judged li').length") == 2
        for width in (390, 1280):
            page.resize(width, 844)
            assert page.run("document.documentElement.scrollWidth <= innerWidth")
        page.call("Page.reload")
        page.until("document.querySelectorAll('#judged li').length === 2")
        page.run("document.getElementById('camera-open').click()")
        page.until("document.getElementById('camera-told').innerText.includes('frames per second')")
        page.run("document.getElementById('camera-close').click()")
        page.call("Page.navigate", url=f"{address}api")
        page.until("document.querySelectorAll('.operation').length > 8")
    assert not page.complaints


@pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine")
def test_the_reader_says_how_many_files_are_fake_and_reads_what_alarms_are_worth(
    address, video, detector, tmp_path
):
    # At the cut of 0.05 one real of four is called substantial, and three fakes of four are.
    test = Held(reals=(0.01, 0.02, 0.03, 0.5), fakes=(0.03, 0.5, 0.6, 0.7), real_groups=4, fake_groups=4)
    known = detector.calibrations["video"].with_cut(0.05, "set by the test")
    detector.calibrations["video"] = structs.replace(known, test=test)
    assert detector.judge(video).level == "substantial"
    with open_browser(tmp_path) as page:
        page.call("Page.navigate", url=address)
        page.until(READY)
        page.choose("#files", video)
        page.until("document.querySelector('#result details p[role=status]')?.innerText.includes('about 25')")
        page.run(
            "(field => { field.value = '50'; field.dispatchEvent(new Event('input')) })"
            "(document.querySelector('#result details input'))"
        )
        page.until("document.querySelector('#result details p[role=status]').innerText.includes('about 75')")
        # The downloads say what the page shows.
        page.run(
            "window.asked = [];"
            "window.fetch = async (path) => { asked.push(path); return new Response('the report') }"
        )
        page.run("document.querySelector('.actions .primary').click()")
        page.until("asked.length === 1 && !document.querySelector('.actions .primary').disabled")
        assert page.run("asked[0]").endswith("/report?prevalence=0.5")
        page.run("URL.createObjectURL = (blob) => { window.saved = blob; return 'data:,' }")
        page.run("document.querySelector('.actions .button:not(.primary)').click()")
        told = json.loads(page.run("saved.text()"))
        assert (told["alarms"]["prevalence"], told["alarms"]["right"]) == (0.5, 75)
    assert not page.complaints


@pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine")
def test_every_control_has_a_name(address, tmp_path):
    with open_browser(tmp_path) as page:
        page.call("Page.navigate", url=address)
        page.until(READY)
        tree = page.call("Accessibility.getFullAXTree")["nodes"]
        roles = {"button", "link", "textbox", "progressbar", "listbox", "option", "image"}
        found = [(node["role"]["value"], node["name"]["value"]) for node in tree if not node.get("ignored")
                 and node["role"]["value"] in roles]  # fmt: skip
        assert ("button", "Choose photos or videos") in found
        assert all(name for _, name in found)
