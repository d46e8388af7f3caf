"""The service with a detector whose score is known beforehand; threads stand for its processes."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient

from dfdetect.predict.detector import Detector
from dfdetect.sample.films import film, write_video
from dfdetect.sample.identity import draw_identity
from dfdetect.sample.people import Person
from dfdetect.serve import camera, workplace
from dfdetect.serve.app import Service, make_app
from face_extraction.images import write_image
from face_extraction.settings import ExtractionSettings

from ..predict.conftest import ONE_CUT, Brightness


class Threads:
    """Takes what `LocalPool` takes; all of them share one thread, whose face detector is loaded once."""

    one = ThreadPoolExecutor(1)

    def __init__(self, workers, time_limit=None):
        pass

    def start(self):
        pass

    def submit(self, function, *args):
        return self.one.submit(function, *args)

    def shutdown(self, **how):
        pass


class Client(TestClient):
    """Sends files, and waits for jobs."""

    def upload(self, path, route="/v1/analyze", name=None):
        with path.open("rb") as file:
            return self.post(route, files={"file": (name or path.name, file)})

    def webcam(self, **how):
        return self.websocket_connect("ws://127.0.0.1/v1/live", **how)

    def wait(self, job, state="done"):
        """The job when it has that state."""
        for _ in range(600):
            told = self.get(f"/v1/jobs/{job['id']}").json()
            if told["state"] == state:
                return told
            time.sleep(0.05)
        raise AssertionError(told)


@pytest.fixture(scope="session")
def frames():
    return film(Person(draw_identity(np.random.default_rng([0, 1]))), np.random.default_rng(2), 12).frames


@pytest.fixture(scope="session")
def photo(frames, tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "person.png"
    write_image(path, frames[0])
    return path


@pytest.fixture(scope="session")
def video(frames, tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "person.mp4"
    write_video(path, frames)
    return path


@pytest.fixture(scope="session")
def empty_photo(tmp_path_factory):
    """A photo without a face."""
    path = tmp_path_factory.mktemp("photo") / "grey.png"
    write_image(path, np.full((120, 160, 3), 128, np.uint8))
    return path


@pytest.fixture
def detector():
    return Detector(Brightness(), ONE_CUT, ExtractionSettings())


@pytest.fixture
def serve(detector, monkeypatch):
    """Starts services: serve(detector, key=..., limits=...) gives a client of one."""
    for module in (workplace, camera):
        monkeypatch.setattr(module, "LocalPool", Threads)
    with ExitStack() as stack:

        def start(judge=detector, **how):
            app = make_app(judge, Service(**how))
            client = Client(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
            return stack.enter_context(client)

        yield start


@pytest.fixture
def client(serve):
    return serve()


@pytest.fixture(scope="session")
def as_jpeg():
    return lambda rgb: cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].tobytes()
