"""Reports of files that are read again: the pictures that the verdict rests on."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from dfdetect.predict import __main__ as predict
from dfdetect.predict import evidence
from dfdetect.predict.detector import Detector
from dfdetect.predict.evidence import HEAT_SIDE, WIDEST, shown_pictures, small_jpeg, write_report
from dfdetect.render.verdict_page import Picture
from face_extraction.frames import read_frames
from face_extraction.images import resize, write_image
from face_extraction.settings import ExtractionSettings

from .conftest import ONE_CUT, brightness_without_keras


def decoded(picture):
    return np.asarray(Image.open(io.BytesIO(picture.jpeg)).convert("RGB")).astype(int)


def test_the_frames_of_a_report_are_those_with_the_highest_faces(detector, files):
    verdict = detector.judge(files / "person.mp4", frames=6)
    shown = shown_pictures(verdict)
    frames = {frame.index: frame.rgb for frame in read_frames(files / "person.mp4")}
    highest = sorted(verdict.faces, key=lambda face: -face.score)[:4]
    assert [one.faces[0].frame for one in shown] == sorted(face.frame for face in highest)
    for one in shown:
        (face,) = one.faces
        assert np.abs(decoded(one.picture) - frames[face.frame]).mean() < 4


def test_a_photo_is_shown_whole_and_a_large_one_smaller(detector, files, tmp_path):
    (one,) = shown_pictures(detector.judge(files / "person.png"))
    assert decoded(one.picture).shape == (320, 320, 3)
    assert len(one.faces) == 1
    write_image(tmp_path / "wide.png", np.full((300, 2 * WIDEST, 3), 90, np.uint8))
    (one,) = shown_pictures(detector.judge(tmp_path / "wide.png"))
    assert decoded(one.picture).shape == (150, WIDEST, 3)
    assert one.faces == ()


@pytest.mark.parametrize("name", ["words.mp4", "empty.jpg", "gone.jpg"])
def test_what_cannot_be_read_has_a_report_without_pictures(detector, files, tmp_path, name):
    verdict = detector.judge(files / name)
    assert shown_pictures(verdict) == []
    write_report(verdict, tmp_path / "report.html")
    assert "No verdict: " in (tmp_path / "report.html").read_text()


def test_the_command_writes_a_report_of_one_file(command, files, tmp_path, capsys, monkeypatch):
    # The model here is no graph, which no method explains; the tests of serve draw real heat maps.
    def heat(model, crop, title):
        return Picture(small_jpeg(resize(crop, HEAT_SIDE)), title)

    monkeypatch.setattr(evidence, "heat_picture", heat)
    out = tmp_path / "report.html"
    assert command(files / "person.mp4", "--frames", 4, "--html", out) == 0
    said = capsys.readouterr()
    assert f"written: {out}" in said.err
    assert "person.mp4" in said.out
    page = out.read_text()
    pictures = re.findall(r"data:image/jpeg;base64,([\w+/=]+)", page)
    sides = [Image.open(io.BytesIO(base64.b64decode(picture))).size for picture in pictures]
    assert sides == [(320, 320)] * 4 + [(HEAT_SIDE, HEAT_SIDE)] * 4  # the frames, then the heat maps
    assert str(files) not in page  # the folder is the sender's business

    assert command(files, "--html", out) == 2
    assert "the report is of one file; given: 5 files" in capsys.readouterr().err


def test_a_report_of_an_export_says_why_it_has_no_heat_maps(files, tmp_path, capsys, monkeypatch):
    detector = Detector(brightness_without_keras(), ONE_CUT, ExtractionSettings())
    assert not detector.explains
    monkeypatch.setattr(predict, "_detector", lambda *_: detector)
    out = tmp_path / "report.html"
    assert predict.main([str(files / "person.png"), "--html", str(out)]) == 0
    words = "There are no heat maps: the detector is an export, which lacks the layers that they need."
    assert f"{out}: {words}" in capsys.readouterr().err
    page = out.read_text()
    assert words in page
    assert page.count("data:image/jpeg;base64,") == 1  # the photo


def test_without_keras_there_are_no_heat_maps(detector, monkeypatch):
    assert detector.explains
    monkeypatch.setattr("dfdetect.predict.detector.has_keras", lambda: False)
    assert detector.unexplained == "There are no heat maps: Keras, which they need, is not installed."
