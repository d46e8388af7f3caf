"""Every route of the service: what it answers, and what it refuses in one line."""

import json
import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
from msgspec import structs
from PIL import Image

from dfdetect.explain.heat_maps import EMPTY
from dfdetect.metrics.calibrating import Held
from dfdetect.predict.detector import Detector
from dfdetect.serve.limits import Limits
from dfdetect.verdict import WORDS, Verdict
from face_extraction.images import Unreadable, read_photo
from face_extraction.settings import ExtractionSettings

from ..predict.conftest import ONE_CUT, brightness_without_keras


def uploads(client):
    """What lies in the service's folder."""
    return list(client.app.state.parts.jobs.folder.iterdir())


def refusal(answer):
    """The status and the line of a refusal."""
    assert answer.content.count(b"\n") == 1
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    return answer.status_code, answer.json()["error"]


@pytest.fixture
def held(detector, monkeypatch):
    """The detector judges only while the event is set, as it is at first."""
    go, judge = threading.Event(), detector.judge_looks
    go.set()
    monkeypatch.setattr(detector, "judge_looks", lambda looks: go.wait(60) and judge(looks))
    yield go
    go.set()


def test_a_file_gets_the_same_verdict_as_from_the_detector(client, detector, photo, video):
    for path in (photo, video):
        answer = client.upload(path)
        assert answer.status_code == 200
        got, expected = Verdict.from_json(answer.content), detector.judge(path)
        assert got.faces
        assert got.score == pytest.approx(expected.score)
        assert replace_file(got) == replace_file(expected)
        assert got.file == path.name
    assert not uploads(client)


def replace_file(verdict):
    values = verdict.to_dict()
    return {**values, "file": ""}


def test_a_hostile_name_is_a_label_and_nothing_else(client, empty_photo):
    for given, shown in (("../../../etc/passwd", "passwd"), ("<b>.png", "<b>.png")):
        assert client.upload(empty_photo, name=given).json()["file"] == shown
    assert not uploads(client)


def test_a_file_without_a_verdict_is_answered_with_the_reason(client, empty_photo, tmp_path):
    answer = client.upload(empty_photo)
    assert (answer.status_code, answer.json()["level"], answer.json()["reason"]) == (200, None, "no_face")
    (tmp_path / "words.mp4").write_text("these are words")
    told = client.upload(tmp_path / "words.mp4").json()
    assert (told["level"], told["reason"]) == (None, "unreadable")
    assert "dfdetect-serve" not in json.dumps(told)
    (tmp_path / "nothing.jpg").write_bytes(b"")
    assert "empty" in client.upload(tmp_path / "nothing.jpg").json()["detail"]
    assert not uploads(client)


def test_a_job_tells_its_progress_and_keeps_frames_and_a_report(client, video):
    began = client.upload(video, "/v1/jobs")
    assert began.status_code == 202
    assert began.headers["location"] == f"/v1/jobs/{began.json()['id']}"
    job = client.wait(began.json())
    verdict = Verdict.from_json(json.dumps(job["verdict"]))
    assert verdict.kind == "video"
    assert job["stills"] == [moment.frame for moment in verdict.timeline.moments]
    picture = client.get(f"/v1/jobs/{job['id']}/frames/{job['stills'][0]}")
    shape = cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_COLOR).shape
    assert shape == (verdict.height, verdict.width, 3)
    assert refusal(client.get(f"/v1/jobs/{job['id']}/frames/7777"))[0] == 404
    assert refusal(client.get(f"/v1/jobs/{job['id']}/frames/x"))[0] == 422
    assert not uploads(client)
    assert client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert refusal(client.get(f"/v1/jobs/{job['id']}"))[0] == 404


def test_heat_maps_and_the_report_come_on_demand(serve, make_model, photo):
    client = serve(Detector(make_model(size=32), ONE_CUT, ExtractionSettings()))
    job = client.wait(client.upload(photo, "/v1/jobs").json())
    picture = client.get(f"/v1/jobs/{job['id']}/heat-maps/0")
    assert picture.headers["content-type"] == "image/jpeg"
    assert "heat-map" not in picture.headers
    assert cv2.imdecode(np.frombuffer(picture.content, np.uint8), cv2.IMREAD_COLOR).shape == (384, 384, 3)
    assert refusal(client.get(f"/v1/jobs/{job['id']}/heat-maps/9"))[0] == 404
    report = client.get(f"/v1/jobs/{job['id']}/report")
    assert job["verdict"]["sentence"] in report.text
    assert report.text.count("data:image/jpeg;base64,") == 2  # the photo and its heat map
    assert "attachment" in report.headers["content-disposition"]
    assert "script-src" not in report.headers["content-security-policy"]


def test_an_empty_heat_map_is_told_beside_it_and_in_the_report(serve, make_model, photo):
    model = make_model(size=32)
    logit = model.get_layer("logit")
    logit.set_weights([np.zeros_like(each) for each in logit.get_weights()])
    client = serve(Detector(model, ONE_CUT, ExtractionSettings()))
    job = client.wait(client.upload(photo, "/v1/jobs").json())
    assert client.get(f"/v1/jobs/{job['id']}/heat-maps/0").headers["heat-map"] == EMPTY
    assert EMPTY in client.get(f"/v1/jobs/{job['id']}/report").text


def test_the_report_says_what_an_alarm_is_worth_at_the_stated_share_of_fakes(serve, video):
    # At the cut of 0.05 one real of four is called substantial, and three fakes of four are: with half of
    # the files fake, 75 of 100 alarms are right.
    test = Held(reals=(0.01, 0.02, 0.03, 0.5), fakes=(0.03, 0.5, 0.6, 0.7), real_groups=4, fake_groups=4)
    detector = Detector(brightness_without_keras(), ONE_CUT, ExtractionSettings())
    known = detector.calibrations["video"].with_cut(0.05, "set by the test")
    detector.calibrations = {"video": structs.replace(known, test=test)}
    client = serve(detector)
    job = client.wait(client.upload(video, "/v1/jobs").json())
    report = f"/v1/jobs/{job['id']}/report"
    assert "about 75 are right" in client.get(f"{report}?prevalence=.5").text
    assert "are right" not in client.get(report).text
    assert refusal(client.get(f"{report}?prevalence=1"))[0] == 422


def test_an_export_has_no_heat_maps_and_its_report_says_so(serve, photo):
    client = serve(Detector(brightness_without_keras(), ONE_CUT, ExtractionSettings()))
    assert client.get("/v1/model").json()["heat_maps"] is False
    job = client.wait(client.upload(photo, "/v1/jobs").json())
    assert refusal(client.get(f"/v1/jobs/{job['id']}/heat-maps/0"))[0] == 404
    report = client.get(f"/v1/jobs/{job['id']}/report").text
    assert "There are no heat maps: the detector is an export" in report


def test_jobs_of_analyze_cannot_be_found(client, video):
    client.upload(video)
    assert not client.app.state.parts.jobs._kept


def test_a_full_queue_says_when_to_come_back(serve, held, photo):
    client = serve(limits=Limits(queue=2))
    held.clear()
    two = [client.upload(photo, "/v1/jobs").json() for _ in range(2)]
    full = client.upload(photo)
    assert refusal(full)[0] == 429
    assert int(full.headers["retry-after"]) >= 1
    assert client.get("/v1/health").json() == {"status": "ok", "in_work": 2, "queue": 2}
    held.set()
    for job in two:
        client.wait(job)
    assert client.upload(photo).status_code == 200


def test_what_is_too_large_or_too_long_is_refused(serve, photo, video, tmp_path):
    client = serve(limits=Limits(bytes=1000))
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(200_000))
    assert refusal(client.upload(large)) == (413, "the file is too large; accepted: up to 0.001 MB")

    def parts():  # without a length, as a client may send it
        yield b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n"
        yield from [bytes(50_000)] * 5

    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert refusal(client.post("/v1/analyze", content=parts(), headers=headers))[0] == 413

    few = serve(limits=Limits(pixels=100))
    for path in (photo, video):
        status, told = refusal(few.upload(path))
        assert (status, "accepted: up to 100 pixels" in told) == (422, True)
    short = serve(limits=Limits(seconds=0.1))
    status, told = refusal(short.upload(video))
    assert (status, "accepted: up to 0.1 seconds" in told) == (422, True)
    job = short.wait(short.upload(video, "/v1/jobs").json(), "failed")
    assert job["error"] == told
    assert not uploads(client) + uploads(few) + uploads(short)


def test_a_request_without_a_file_is_refused(client):
    assert refusal(client.post("/v1/analyze"))[0] == 422
    assert refusal(client.post("/v1/analyze", data={"file": "words"}))[0] == 422
    assert refusal(client.post("/v1/analyze", json={"file": "/etc/passwd"}))[0] == 422
    files = [("file", ("a", b"1")), ("file", ("b", b"2"))]
    assert refusal(client.post("/v1/analyze", files=files))[0] == 400
    headers = {"content-type": "multipart/form-data"}
    assert refusal(client.post("/v1/analyze", content=b"x", headers=headers))[0] == 400
    assert refusal(client.get("/v1/nothing"))[0] == 404
    assert refusal(client.put("/v1/analyze"))[0] == 405
    assert not uploads(client)


def test_the_type_of_a_form_is_read_in_any_case(client):
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nwords\r\n--x--\r\n'
    headers = {"content-type": "Multipart/Form-Data; boundary=x"}
    assert client.post("/v1/analyze", content=body, headers=headers).json()["file"] == "a.png"


def test_a_key_is_asked_for_everywhere_but_for_health_and_the_page(serve, photo):
    client = serve(key="secret")
    locked = ["/v1/model", "/v1/jobs/x", "/metrics"]
    assert {refusal(client.get(path))[0] for path in locked} == {401}
    assert refusal(client.upload(photo))[0] == 401
    assert client.get("/v1/model", headers={"X-API-Key": "secre"}).status_code == 401
    assert client.get("/v1/model", headers={"X-API-Key": "secret"}).status_code == 200
    assert client.get("/v1/health").status_code == client.get("/").status_code == 200
    described = client.get("/openapi.json").json()
    assert described["components"]["securitySchemes"]["key"]["name"] == "X-API-Key"


def test_results_are_forgotten(serve, video):
    client = serve(limits=Limits(keep_seconds=0))
    job = client.upload(video, "/v1/jobs").json()
    for _ in range(600):
        if client.get(f"/v1/jobs/{job['id']}").status_code == 404:
            break
        threading.Event().wait(0.05)
    assert not client.app.state.parts.jobs._kept
    small = serve(limits=Limits(keep_bytes=1))
    small.upload(video, "/v1/jobs")
    while small.get("/v1/health").json()["in_work"]:
        threading.Event().wait(0.05)
    assert not small.app.state.parts.jobs._kept


def test_a_fault_of_the_detector_is_one_line(serve, detector, photo, monkeypatch):
    def broken(looks):
        raise RuntimeError("no\nweights")

    client = serve()
    monkeypatch.setattr(detector, "judge_looks", broken)
    assert refusal(client.upload(photo)) == (500, "no weights")
    assert not uploads(client)


def test_the_model_tells_what_must_stand_beside_a_verdict(client, detector):
    detector.cautions, detector.skill = "a caution", "a skill"
    told = client.get("/v1/model").json()
    assert (told["note"], told["skill"], told["words"]) == ("a caution", "a skill", WORDS)
    assert (told["lower"], told["upper"], told["frames"], told["photos"]) == (0.4, 0.4, 16, True)


def test_alarms_are_worth_what_the_test_files_and_the_prevalence_say(client, detector):
    assert refusal(client.get("/v1/alarms?kind=photo&prevalence=.1")) == (
        404,
        "no test tells how often alarms on a photo are right",
    )
    # At the cut of .4 one real of four is called substantial, and three fakes of four are.
    test = Held(reals=(0.1, 0.2, 0.3, 0.5), fakes=(0.3, 0.5, 0.6, 0.7), real_groups=4, fake_groups=4)
    known = detector.calibrations["face"]
    detector.calibrations["face"] = structs.replace(known, test=test, tested_on="four faces")
    told = client.get("/v1/alarms?kind=photo&prevalence=.1").json()
    assert told["right"] == pytest.approx(100 * 0.1 * 0.75 / (0.1 * 0.75 + 0.9 * 0.25))
    assert told["low"] < told["right"] < told["high"]
    assert (told["reals_called"], told["fakes_called"], told["origin"]) == (0.25, 0.75, "four faces")


@pytest.mark.parametrize("query", ["kind=song&prevalence=.1", "kind=photo&prevalence=1", "kind=photo"])
def test_a_wrong_question_about_alarms_is_refused(client, query):
    status, told = refusal(client.get(f"/v1/alarms?{query}"))
    assert status == 422
    assert ("kind" if "song" in query else "prevalence") in told


def test_metrics_count_requests_and_files(client, photo, empty_photo):
    client.upload(photo)
    client.upload(empty_photo)
    client.get("/v1/jobs/an-id-that-must-not-be-a-label")
    text = client.get("/metrics").text
    assert 'dfdetect_requests_total{method="POST",route="/v1/analyze",status="200"} 2.0' in text
    assert 'dfdetect_files_total{kind="photo",outcome="verdict",told="no_face"} 1.0' in text
    assert 'route="/v1/jobs/{job_id}",status="404"' in text
    assert "must-not-be" not in text
    assert "process_resident_memory_bytes" in text


def test_a_photo_above_the_limit_is_refused_before_it_is_decoded(serve, tmp_path):
    client = serve(limits=replace(Limits(), pixels=9_999))
    noise = np.random.default_rng(0).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.jpg")
    content = bytearray((tmp_path / "a.jpg").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)  # what decodes it calls it damaged
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(Unreadable, match="damaged JPEG"):
        read_photo(tmp_path / "a.jpg")
    status, told = refusal(client.upload(tmp_path / "a.jpg"))
    assert (status, told) == (422, "100 x 100 pixels; accepted: up to 9,999 pixels")
