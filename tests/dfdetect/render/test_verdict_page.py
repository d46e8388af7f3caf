"""The evidence report: everything in one file, and nothing from outside believed."""

import base64
import re
from html.parser import HTMLParser

import pytest
from msgspec import structs

from dfdetect.render.verdict_page import LISTED, UNSAID, Picture, Shown, render_verdict
from dfdetect.verdict import (
    Alarms,
    Cuts,
    Face,
    FaceBox,
    Manifest,
    Moment,
    Person,
    Provenance,
    Record,
    Timeline,
    Verdict,
)

EVIL = '"><script>alert(1)</script>\udcff.mp4'
RECORD = Record(sha256="ab" * 32, cuts=Cuts(lower=0.3, upper=0.7, origin="a test"), skill="on 9 faces")
PIXEL = b"\x89PNG pixel"


class Page(HTMLParser):
    """The tags of a page, with the attributes of each, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def styles(self, kind):
        """The style of each element of this class, as numbers by name."""
        found = [values["style"] for _, values in self.tags if kind in values.get("class", "").split()]
        return [
            {name: float(value) for name, value in re.findall(r"(\w+):([\d.]+)%", style)} for style in found
        ]


def face(**changes):
    values = {"index": 0, "score": 0.8, "level": "substantial", "box": FaceBox(25, 60, 75, 20), "person": 1}
    return Face(**{**values, **changes})


@pytest.fixture
def video():
    return Verdict(
        file=EVIL,
        kind="video",
        level="substantial",
        score=0.8,
        highest=0.8,
        candidates=1,
        width=200,
        height=100,
        frames=3,
        faces=(face(time=1.0), face(index=1, score=0.5, level="uncertain", time=74.0)),
        people=(Person(person=1, score=0.65, faces=2, level="uncertain", low=0.5, high=0.8),),
        timeline=Timeline(
            moments=(
                Moment(frame=0, time=0.0),
                Moment(frame=9, time=1.0, score=0.8),
                Moment(frame=99, time=74.0),
            ),
            share_with_face=2 / 3,
            seconds_between=37.0,
            spread=(0.5, 0.5, 0.65, 0.8, 0.8),
            telling=(0,),
        ),
        alarms=Alarms(
            prevalence=0.01, right=8.2, low=5, high=14, reals_called=0.05, fakes_called=0.5, origin="a test"
        ),
        provenance=Provenance(
            manifest=Manifest(
                state="invalid", told=EVIL, signer=EVIL, sources=("x/trainedAlgorithmicMedia",)
            ),
            tags={EVIL: EVIL},
            hints=(EVIL,),
        ),
        record=RECORD,
    )


def test_a_hostile_file_stays_text(video):
    shown = [Shown(Picture(PIXEL, EVIL, EVIL), video.faces)]
    page = Page(render_verdict(video, shown, [Picture(PIXEL, EVIL)]))
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.count("<script>alert(1)</script>") >= 8


def test_a_person_without_a_conclusion_is_told_as_the_sentence_tells_a_file(video):
    page = render_verdict(video, [])
    assert "<td>no conclusion</td>" in page
    assert ">uncertain<" not in page


def test_it_loads_nothing_from_outside(video):
    page = Page(render_verdict(video, [Shown(Picture(PIXEL, "1"), ())], [Picture(PIXEL, "2")]))
    links = [values[name] for _, values in page.tags for name in ("src", "href") if name in values]
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)
    assert links.count(f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}") == 2


def test_faces_stand_where_their_boxes_are(video):
    page = Page(render_verdict(video, [Shown(Picture(PIXEL, "a frame"), video.faces[:1])]))
    assert page.styles("box") == [{"left": 10.0, "top": 25.0, "width": 20.0, "height": 50.0}]


def test_the_timeline_and_the_scale_are_in_percent_of_time_and_score(video):
    page = Page(render_verdict(video, []))
    assert page.styles("dot") == [{"left": 1.35, "bottom": 80.0}, {"left": 100.0, "bottom": 50.0}]
    assert page.styles("mark") == [{"left": 80.0}]
    assert [zone["width"] for zone in page.styles("zone")] == pytest.approx([30, 40, 30])


def test_the_timeline_of_a_short_video_is_as_wide(video):
    times = (0.0, 0.1, 0.4)
    moments = tuple(Moment(frame=n, time=time, score=0.8) for n, time in enumerate(times))
    short = structs.replace(
        video, timeline=structs.replace(video.timeline, moments=moments), faces=(face(time=0.1),)
    )
    assert [dot["left"] for dot in Page(render_verdict(short, [])).styles("dot")] == [25.0]


@pytest.mark.parametrize(("file", "name"), [("/photos/mine/a.jpg", "a.jpg"), ("a.jpg", "a.jpg"), ("/", "/")])
def test_a_file_is_shown_by_its_name_without_its_folder(file, name):
    page = Page(render_verdict(Verdict(file=file, kind="photo", reason="no_face"), []))
    assert name in page.text
    assert "/photos/mine" not in page.text


def test_it_says_what_it_rests_on_and_what_it_does_not_tell(video):
    text = " ".join(Page(render_verdict(video, [])).text.split())
    for words in (
        "Substantial evidence of manipulation.",
        "3 frames looked at, 2 with a face: one frame every 37 s.",
        "Of 100 alarms like this, about 8 are right",
        "made by a trained model (trainedAlgorithmicMedia)",
        "This has no part in the score.",
        "All of this is easily stripped or forged.",
        "Only one frame every 37 s was looked at.",
        "ab" * 32,
        *UNSAID,
    ):
        assert words in text, words
    assert "Where the detector looked" not in text
    assert "genuine" not in text


def test_heat_maps_have_a_place_if_there_are_any(video):
    text = Page(render_verdict(video, [], [Picture(PIXEL, "Grad-CAM of person 1")])).text
    assert "Where the detector looked" in text
    assert "Grad-CAM of person 1" in text


def test_no_verdict_gives_its_reason_and_no_scale():
    verdict = Verdict(file="a.jpg", kind="photo", reason="no_face", detail="hog found no face", frames=1)
    page = Page(render_verdict(verdict, []))
    assert "No verdict: the detector found no face." in page.text
    assert "hog found no face" in page.text
    assert page.styles("mark") == []


def test_a_photo_of_many_faces_lists_each_and_tells_the_correction():
    faces = tuple(face(index=n, person=0, score=0.1 + 0.2 * n, level="little") for n in range(3))
    verdict = Verdict(
        file="a.jpg",
        kind="photo",
        level="little",
        score=0.2,
        highest=0.5,
        candidates=3,
        faces=faces,
        record=RECORD,
    )
    text = Page(render_verdict(verdict, [])).text
    assert "The highest of 3 faces scores 0.500." in text
    assert all(f"face {n}" in text for n in (1, 2, 3))


def test_long_tables_say_what_they_leave_out(video):
    def told(count):
        moments = tuple(Moment(frame=number, time=float(number)) for number in range(count))
        seen = structs.replace(video, timeline=structs.replace(video.timeline, moments=moments))
        faces = tuple(face(index=number) for number in range(count))
        photo = Verdict(file="group.jpg", kind="photo", level="little", score=0.1, faces=faces, record=RECORD)
        return [re.findall(r"\d+ more \w+;", Page(render_verdict(one, ())).text) for one in (seen, photo)]

    assert told(LISTED) == [[], []]
    assert told(LISTED + 1) == [["1 more frame;"], ["1 more face;"]]
    assert told(LISTED + 5) == [["5 more frames;"], ["5 more faces;"]]
