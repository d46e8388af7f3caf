"""The webcam's socket: answers in order, means over frames, refusals."""

import itertools
from types import SimpleNamespace

import pytest
from pebble import ProcessExpired
from starlette.websockets import WebSocketDisconnect

from dfdetect.serve import camera
from dfdetect.serve.camera import BUSY, MEMORY, WRONG, WRONG_KEY, Memory
from dfdetect.serve.limits import Limits
from dfdetect.verdict import Face, FaceBox
from face_extraction.errors import InputError


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
        hello(socket, "\ud800")
        assert closed(socket) == WRONG_KEY
    for text in ("words", "[" * 100_000):
        with client.webcam() as socket:
            socket.send_text(text)
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


def odd(error, call, real):
    """`real`, but its call number `call` raises `error`."""
    calls = itertools.count(1)

    def called(*given):
        if next(calls) == call:
            raise error
        return real(*given)

    return called


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TypeError("no int"), "No verdict: this frame met a fault of the service (TypeError)."),
        (MemoryError(), "No verdict: there was too little memory for this frame."),
    ],
)
@pytest.mark.parametrize("part", ["search", "answer"])
def test_an_unforeseen_error_costs_its_frame_alone_and_is_logged(
    part, error, said, client, frames, as_jpeg, monkeypatch, caplog
):
    if part == "search":
        monkeypatch.setattr(camera, "glance", odd(error, 2, camera.glance))
    else:
        monkeypatch.setattr(camera.Memory, "told", odd(error, 2, camera.Memory.told))
    answers = []
    with client.webcam() as socket:
        hello(socket)
        for frame in frames[:3]:
            socket.send_bytes(as_jpeg(frame))
            answers.append(socket.receive_json())
    assert [answer["number"] for answer in answers] == [1, 2, 3]
    assert [len(answer["faces"]) for answer in answers] == [1, 0, 1]
    assert (answers[1]["level"], answers[1]["sentence"]) == (None, said)
    (record,) = [record for record in caplog.records if record.name == camera.__name__]
    assert record.exc_info[1] is error


def test_a_frame_that_ends_its_process_says_so(client, frames, as_jpeg, monkeypatch):
    monkeypatch.setattr(camera, "glance", odd(ProcessExpired("killed"), 1, camera.glance))
    with client.webcam() as socket:
        hello(socket)
        for said in ("No verdict: this frame ended its process.", "evidence of manipulation."):
            socket.send_bytes(as_jpeg(frames[0]))
            assert socket.receive_json()["sentence"].endswith(said)


def test_a_model_that_fails_with_one_frame_goes_on_with_the_next(
    client, frames, as_jpeg, detector, monkeypatch
):
    monkeypatch.setattr(detector, "_scores", odd(RuntimeError("odd"), 1, detector._scores))
    with client.webcam() as socket:
        hello(socket)
        socket.send_bytes(as_jpeg(frames[0]))
        told = socket.receive_json()
        assert (told["faces"], told["sentence"]) == ([], "No verdict: the model failed with this frame.")
        socket.send_bytes(as_jpeg(frames[1]))
        assert socket.receive_json()["faces"]


def test_a_model_that_fails_with_every_frame_ends_the_connection_with_the_reason(
    client, frames, as_jpeg, detector, monkeypatch
):
    monkeypatch.setattr(detector, "_scores", odd(InputError("its weights are damaged"), 1, detector._scores))
    with client.webcam() as socket:
        hello(socket)
        socket.send_bytes(as_jpeg(frames[0]))
        with pytest.raises(WebSocketDisconnect) as stop:
            socket.receive_json()
    assert (stop.value.code, stop.value.reason) == (camera.FAULT, "its weights are damaged")
