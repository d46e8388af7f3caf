"""Verdicts as text and CSV."""

import csv
import io

import msgspec
import pytest

from dfdetect.predict.text import csv_rows, table
from dfdetect.verdict import Cuts, Face, FaceBox, Moment, Record, Timeline, Verdict

RECORD = Record(
    sha256="ab", cuts=Cuts(lower=0.3, upper=0.7, origin="a test"), skill="on 9 faces", note="Beware."
)


def face(index, score, level, *, counts=True):
    return Face(index=index, score=score, level=level, counts=counts, box=FaceBox(1, 30, 20, 10))


@pytest.fixture
def crowd():
    faces = (face(0, 0.9, "substantial"), face(1, 0.1, "little"), face(2, 0.95, "substantial", counts=False))
    return Verdict(
        file="crowd.jpg",
        kind="photo",
        level="uncertain",
        score=0.5,
        highest=0.9,
        candidates=2,
        faces=faces,
        decided=0,
        frames=1,
        record=RECORD,
    )


def test_each_face_of_a_photo_is_listed_and_the_correction_told(crowd):
    lines = table([crowd]).splitlines()
    assert [line.split() for line in lines[:5]] == [
        ["file", "evidence", "score", "faces", "frames"],
        [*"crowd.jpg uncertain 0.500 3 1 highest of 2 faces: 0.900".split()],
        [*"face 1 at 10,1 substantial 0.900 highest".split()],
        [*"face 2 at 10,1 little 0.100".split()],
        [*"face 3 at 10,1 substantial 0.950 may be no face".split()],
    ]
    assert lines[6:] == [
        "evidence of manipulation in a photo: substantial from 0.7 on, little below 0.3, "
        "uncertain (no conclusion) between; cuts from a test",
        "the detector's skill: on 9 faces",
        "Beware.",
    ]


def test_no_verdict_has_its_reason_and_a_video_its_frames():
    gone = Verdict(file="gone.jpg", reason="no_face", record=RECORD)
    # On average; the median would leave the long gap unsaid.
    moments = tuple(Moment(frame=place, time=time) for place, time in enumerate((0.0, 1.0, 2.0, 111.0)))
    line = Timeline(moments=moments, share_with_face=1.0, seconds_between=1.0)
    video = Verdict(
        file="v.mp4", kind="video", level="little", score=0.1, highest=0.1, timeline=line, record=RECORD
    )
    rows = table([gone, video]).splitlines()[1:3]
    assert rows[0].split("  ")[0] == "gone.jpg"
    assert rows[0].endswith("No verdict: the detector found no face")
    assert rows[1].endswith("one frame every 37 s")


def test_no_score_is_shown_that_means_nothing(crowd):
    blurred = msgspec.structs.replace(crowd, level=None, reason="blurred", detail="they are soft")
    lines = table([blurred]).splitlines()
    assert lines[1].split() == ["crowd.jpg", "no", "verdict", "-", "3", "1", "they", "are", "soft"]
    assert lines[2] == ""  # no face has a line


def test_a_file_that_was_not_read_has_no_cuts_and_no_skill():
    broken = Verdict(file="a.mp4", reason="unreadable", detail="no video in it", record=RECORD)
    assert len(table([broken]).splitlines()) == 2


def test_csv_holds_a_row_a_file_and_no_formula(crowd):
    names = ["=cmd|' /C calc'!A0.jpg", 'a,"b\n.jpg', "plain.jpg"]
    verdicts = [Verdict(file=name, reason="no_face", record=RECORD) for name in names]
    rows = list(csv.DictReader(io.StringIO(csv_rows([crowd, *verdicts]))))
    assert [row["file"] for row in rows] == [
        "crowd.jpg",
        "./=cmd|' /C calc'!A0.jpg",
        'a,"b\\n.jpg',
        "plain.jpg",
    ]
    assert (rows[0]["level"], rows[0]["score"], rows[0]["faces"], rows[0]["upper"]) == (
        "uncertain",
        "0.5",
        "3",
        "0.7",
    )
    assert (rows[1]["level"], rows[1]["score"], rows[1]["reason"]) == ("", "", "no_face")
