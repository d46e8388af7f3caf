"""The webcam's socket: answers in order, means over frames, refusals."""

from types import SimpleNamespace

import pytest
from starlette.websockets import WebSocketDisconnect

from dfdetect.serve.camera import BUSY, MEMORY, WRONG, WRONG_KEY, Memory
from dfdetect.serve.limits import Limits
from dfdetect.verdict import Face, FaceBox


def hello(socket, key=""):
    socket.send_json({"key": key})


def closed(socket):
    with pytest.raises(WebSocketDisconnect) as stop:
        socket.receive_json()
    return stop.value.code


def test_each_frame_gets_its_answer_in_order(client, frames, as_jpeg, detector):
    with client.webcam() as socket:
        hello(socket)
        for number, frame in enumerate(frames[:3], start=1):
            socket.send_bytes(as_jpeg(frame))
            told = socket.receive_json()
            assert (told["number"], told["width"], told["height"]) == (number, *frame.shape[1::-1])
            (face,) = told["faces"]
            assert face["person"] == 1
            assert told["level"] == face["level"] == ("substantial" if face["score"] >= 0.4 else "little")
            assert told["milliseconds"] > 0
    assert "dfdetect_camera_seconds_count 3.0" in client.get("/metrics").text


def test_a_frame_without_a_face_says_so(client, as_jpeg, frames):
    with client.webcam() as socket:
        hello(socket)
        socket.send_bytes(as_jpeg(frames[0] * 0))
        told = socket.receive_json()
        assert (told["faces"], told["level"]) == ([], None)
        assert told["sentence"] == "No verdict: the detector found no face."


def test_scores_are_means_over_the_latest_frames(detector):
    memory, told = Memory(), []
    for number in range(MEMORY + 2):
        face = Face(index=0, score=number / 100, box=FaceBox(0, 1, 1, 0))
        told = memory.told(SimpleNamespace(faces=(face,)), [7], detector)
    assert told[0].score == pytest.approx(sum(range(2, MEMORY + 2)) / MEMORY / 100)
    face = Face(index=0, score=0.9, box=FaceBox(0, 1, 1, 0))
    (new,) = memory.told(SimpleNamespace(faces=(face,)), [8], detector)
    assert (new.person, new.score, new.level) == (8, 0.9, "substantial")
    assert list(memory.scores) == [8]  # who is gone is forgotten


def test_a_detector_without_verdicts_gives_none(serve, detector, frames, as_jpeg):
    detector.unfit = "drawn"
    with serve().webcam() as socket:
        hello(socket)
        socket.send_bytes(as_jpeg(frames[0]))
        told = socket.receive_json()
        assert (told["level"], told["faces"][0]["level"]) == (None, None)
        assert told["sentence"].startswith("No verdict: the detector was trained on drawings")


def test_the_key_the_first_message_and_the_number_of_webcams_are_checked(serve):
    client = serve(key="secret", limits=Limits(cameras=1))
    with client.webcam() as socket:
        hello(socket, "wrong")
        assert closed(socket) == WRONG_KEY
    with client.webcam() as socket:
        socket.send_text("words")
        assert closed(socket) == WRONG
    with client.webcam() as first:
        hello(first, "secret")
        first.send_bytes(b"no picture")
        assert first.receive_json()["sentence"] == "No verdict: the file cannot be decoded."
        with client.webcam() as second:
            hello(second, "secret")
            assert closed(second) == BUSY
        first.send_text("words")
        assert closed(first) == WRONG
    with client.webcam() as again:
        hello(again, "secret")
        again.send_bytes(b"no picture")
        assert again.receive_json()["number"] == 1


def test_a_page_of_another_site_gets_no_socket(client):
    headers = {"origin": "https://elsewhere.example"}
    with pytest.raises(WebSocketDisconnect) as stop, client.webcam(headers=headers):
        pass
    assert "another site" in stop.value.reason
