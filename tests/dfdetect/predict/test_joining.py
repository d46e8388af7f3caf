"""From the scores of faces to that of a file, by hand-computed values."""

import dataclasses

import numpy as np
import pytest

from dfdetect.data.clips import spread
from dfdetect.metrics.calibrating import Calibration, Held
from dfdetect.predict import joining
from dfdetect.predict.joining import Scorable, judge_clips, judge_photo, judge_video
from dfdetect.predict.looking import Look, Seen, SeenFace
from face_extraction.manifest import Box

BOX = Box(0, 9, 9, 0)
TEN = Calibration(
    val=Held(reals=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), fakes=(0.25,) * 9), false_alarms=0.1
)


def photo(*sure):
    faces = tuple(SeenFace(BOX, confidence=one) for one in sure)
    return Look(kind="photo", faces=faces, frames=1, shown=1)


def video(*people, times=None):
    """A video that shows one face in each frame, of these people."""
    faces = tuple(SeenFace(BOX, 10 * n, float(n), person) for n, person in enumerate(people) if person)
    moments = tuple(Seen(10 * n, float(n)) for n in range(len(people)))
    return Look(kind="video", faces=faces, frames=len(people), shown=len(faces), moments=moments)


@pytest.mark.parametrize(
    ("sure", "scores", "decided"),
    [((1.5, 0.1), (0.2, 0.9), 0), ((1.5, 1.2), (0.2, 0.9), 1), ((0.2, 0.1), (0.2, 0.9), 1)],
)
def test_a_box_that_may_be_no_face_decides_only_among_such(sure, scores, decided):
    judged = judge_photo(photo(*sure), scores, Calibration())
    assert judged.decided == decided
    assert judged.score == judged.highest == scores[decided]
    assert [face.counts for face in judged.faces] == [True, not (sure[0] >= 0.5 > sure[1])]
    assert [face.score for face in judged.faces] == list(scores)


def test_one_face_of_twenty_five_raises_no_alarm_that_one_alone_would_raise():
    """One real of ten scores as high; among 25 reals, 1 - .9^25 = 93 % of the time, one does."""
    scores = [0.9] + [0.1] * 24
    alone, crowd = (judge_photo(photo(*[1.0] * n), scores[:n], TEN) for n in (1, 25))
    assert (alone.score, TEN.grade(alone.score)) == (0.9, "substantial")
    assert (crowd.score, crowd.highest, crowd.candidates) == (0.25, 0.9, 25)
    assert TEN.grade(crowd.score) == "uncertain"
    assert [face.level for face in crowd.faces] == ["substantial"] + ["little"] * 24


@pytest.mark.parametrize(
    ("people", "scores", "expected", "counts"),
    [((1, 1, 2), (0.2, 0.4, 0.9), 0.3, [True, False]), ((1, 2), (0.2, 0.9), 0.9, [True, True])],
)
def test_somebody_seen_once_decides_only_among_such(people, scores, expected, counts):
    judged = judge_video(video(*people), scores, Calibration())
    assert judged.score == pytest.approx(expected)
    assert judged.candidates == sum(counts)
    assert [person.counts for person in judged.people] == counts
    assert [face.counts for face in judged.faces] == [counts[person - 1] for person in people]


def test_the_highest_of_two_people_is_corrected_for_there_being_two():
    """1 of 10 reals reaches .9, and 1 - .9^2 = .19 of pairs do: two of ten reals reach .8."""
    judged = judge_video(video(1, 1, 2, 2), (0.1, 0.3, 0.9, 0.9), TEN)
    assert [person.score for person in judged.people] == pytest.approx([0.2, 0.9])
    assert (judged.people[0].low, judged.people[0].high) == (0.1, 0.3)
    assert (judged.highest, judged.score, judged.candidates) == (0.9, 0.8, 2)


def test_the_timeline_holds_every_frame_looked_at_and_what_tells_most():
    judged = judge_video(video(1, 0, 1, 2, 2, 1), (0.1, 0.5, 0.8, 0.6, 0.3), Calibration())
    line = judged.timeline
    assert [moment.time for moment in line.moments] == [0, 1, 2, 3, 4, 5]
    assert [moment.score for moment in line.moments] == [0.1, None, 0.5, 0.8, 0.6, 0.3]
    assert line.share_with_face == pytest.approx(5 / 6)
    assert line.seconds_between == 1
    assert line.spread == pytest.approx((0.1, 0.3, 0.5, 0.6, 0.8))
    # One of each person, then more of the highest.
    assert [judged.faces[index].score for index in line.telling] == [0.8, 0.6, 0.5]


def test_a_clip_gives_each_person_one_score():
    found = video(1, 1, 2, 2)
    judged = judge_clips(found, {1: [0, 1], 2: [2, 3, 3]}, (0.2, 0.9), TEN)
    assert [(clip.person, clip.frames, clip.score) for clip in judged.clips] == [
        (1, (0, 10), 0.2),
        (2, (20, 30, 30), 0.9),
    ]
    assert [(person.faces, person.score) for person in judged.people] == [(2, 0.2), (2, 0.9)]
    assert (judged.score, judged.candidates) == (0.8, 2)
    assert judged.timeline.spread is None


def test_the_clips_of_a_file_are_worked_out_once(monkeypatch):
    """Of four faces a clip of three takes the middles of three parts: places 0, 2 and 3 of the person's."""
    calls = []

    def counted(count, frames):
        calls.append((count, frames))
        return spread(count, frames)

    monkeypatch.setattr(joining, "spread", counted)
    found = video(2, 1, 1, 1, 1)
    crops = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    file = Scorable.of(dataclasses.replace(found, crops=crops), 3)
    assert file.inputs.shape == (1, 3, 2, 2, 3)
    assert file.inputs[0, :, 0, 0, 0].tolist() == [1, 3, 4]
    judged = file.join([0.9], TEN)
    assert [(clip.person, clip.frames, clip.score) for clip in judged.clips] == [(1, (10, 30, 40), 0.9)]
    assert calls == [(4, 3)]


def test_a_file_of_which_nobody_gives_a_clip_loses_its_faces():
    file = Scorable.of(video(1, 2), 3)
    assert (file.look.faces, file.look.reason) == ((), "too_few_faces")
    assert file.look.detail == "faces of a person: 1; needed: 2 for a model that takes 3"
    assert file.join([], TEN) == joining.Judged()
    alone = Scorable.of(video(1, 2), 0)
    assert (len(alone.look.faces), alone.clips) == (2, None)


def test_without_levels_the_scores_stay():
    judged = judge_video(video(1, 1), (0.9, 0.9), TEN)
    bare = judged.without_levels()
    assert {face.level for face in judged.faces} == {"substantial"}
    assert {face.level for face in bare.faces} == {person.level for person in bare.people} == {None}
    np.testing.assert_equal([face.score for face in bare.faces], [0.9, 0.9])
