"""From the faces of a file to what the model takes, and from its raw scores to the score of the file.

A person's raw score is the mean over their faces, as in a run's metrics; it is calibrated afterwards, as the
run's calibration was fitted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from dfdetect.data.clips import fewest, shortage, spread
from dfdetect.metrics.calibrating import Calibration
from dfdetect.predict.looking import Look, Rgb
from dfdetect.predictions import deciding, joined
from dfdetect.verdict import Clip, Face, FaceBox, Moment, Person, Timeline
from face_extraction.ledger import TOO_FEW

TELLING = 4
"""How many faces of a video are named as those that tell most."""


@dataclass(frozen=True)
class Judged:
    """What follows from a file's scores; the attributes are those of `Verdict`."""

    score: float | None = None
    highest: float | None = None
    candidates: int = 0
    faces: tuple[Face, ...] = ()
    people: tuple[Person, ...] = ()
    clips: tuple[Clip, ...] = ()
    decided: int | None = None
    timeline: Timeline | None = None

    def fields(self) -> dict[str, Any]:
        """The attributes by name."""
        return dict(vars(self))

    def without_levels(self) -> "Judged":
        """The same scores, which mean nothing by themselves."""
        faces = tuple(msgspec.structs.replace(face, level=None) for face in self.faces)
        people = tuple(msgspec.structs.replace(person, level=None) for person in self.people)
        return replace(self, faces=faces, people=people)


@dataclass(frozen=True)
class Scorable:
    """A file as a model takes it.

    Attributes:
        look: what was found in it; without faces if it gives no score.
        clips: for a model of clips, the places in `look.faces` of the faces that it takes of each person;
            None for one that takes single faces.
    """

    look: Look
    clips: Mapping[int, Sequence[int]] | None = None

    @classmethod
    def of(cls, found: Look, clip: int) -> "Scorable":
        """The file as a model takes it; it loses its faces if a model of clips gets too few of each person.

        Args:
            found: the file.
            clip: faces of a person that the model takes at once; 0 if it takes single faces.
        """
        if not clip or not found.faces:
            return cls(found)
        if clips := _clips(found, clip):
            return cls(found, clips)
        most = max(Counter(face.person for face in found.faces).values())
        nothing, why = Look(), shortage(most, clip)
        return cls(replace(found, faces=nothing.faces, crops=nothing.crops, reason=TOO_FEW, detail=why))

    @property
    def inputs(self) -> Rgb:
        """What goes through the model: RGB of shape (n, S, S, 3), or clips of T faces (n, T, S, S, 3)."""
        crops = self.look.crops
        return crops if self.clips is None else crops[list(self.clips.values())]

    def join(self, scores: Sequence[float], calibration: Calibration) -> Judged:
        """Join the scores of a file to what is said of it.

        Args:
            scores: of `inputs`, raw; none where it has no faces.
            calibration: of files of its kind.
        """
        if not self.look.faces:
            return Judged()
        if self.clips is not None:
            return judge_clips(self.look, self.clips, scores, calibration)
        how = judge_photo if self.look.kind == "photo" else judge_video
        return how(self.look, scores, calibration)


def _clips(found: Look, clip: int) -> dict[int, list[int]]:
    """The places of the faces that a model of clips takes of each person who was seen often enough."""
    people: dict[int, list[int]] = {}
    for place, face in enumerate(found.faces):
        people.setdefault(face.person, []).append(place)
    return {
        person: [places[index] for index in spread(len(places), clip)]
        for person, places in sorted(people.items())
        if len(places) >= fewest(clip)
    }


def judge_photo(found: Look, scores: Sequence[float], calibration: Calibration) -> Judged:
    """A photo's score comes from its highest face: one fake face makes a fake photo.

    A box that may be no face has no part in it where another is sure.

    Args:
        found: a photo with at least one face.
        scores: of its faces, raw, in their order.
        calibration: of photos.
    """
    faces = _faces(found, scores, calibration)
    sure = [face for face in faces if face.is_sure] or list(faces)
    highest = max(sure, key=lambda face: face.score)
    return Judged(
        score=calibration.corrected(highest.score, len(sure)),
        highest=highest.score,
        candidates=len(sure),
        faces=tuple(msgspec.structs.replace(face, counts=face in sure) for face in faces),
        decided=highest.index,
    )


def judge_video(found: Look, scores: Sequence[float], calibration: Calibration) -> Judged:
    """A video's score comes from its highest person; a person's is the mean over their faces.

    Args:
        found: a video with at least one face.
        scores: of its faces, raw, in their order.
        calibration: of videos.
    """
    own: dict[int, list[float]] = {}
    for face, score in zip(found.faces, scores, strict=True):
        own.setdefault(face.person, []).append(score)
    _, means = joined(own)
    who = deciding({person: len(values) for person, values in own.items()})
    people = []
    for person, values in sorted(own.items()):
        score, low, high = calibration.apply([means[person], min(values), max(values)]).tolist()
        level = calibration.grade(score)
        counts = person in who
        people.append(
            Person(
                person=person, score=score, level=level, faces=len(values), counts=counts, low=low, high=high
            )
        )
    faces = tuple(
        msgspec.structs.replace(face, counts=face.person in who)
        for face in _faces(found, scores, calibration)
    )
    order = sorted((person for person in people if person.counts), key=lambda person: -person.score)
    worst = order[0]
    return Judged(
        score=calibration.corrected(worst.score, len(who)),
        highest=worst.score,
        candidates=len(who),
        faces=faces,
        people=tuple(people),
        timeline=_timeline(found, faces, [person.person for person in order]),
    )


def judge_clips(
    found: Look, chosen: Mapping[int, Sequence[int]], scores: Sequence[float], calibration: Calibration
) -> Judged:
    """The same for a model that takes clips: it gives each person one score.

    Args:
        found: a video.
        chosen: the places of each person's faces in `found.faces` that the model took.
        scores: of the people, raw, in the order of `chosen`.
        calibration: of videos.
    """
    clips, people = [], []
    scores = calibration.apply(scores).tolist()
    for (person, rows), score in zip(chosen.items(), scores, strict=True):
        faces = [found.faces[row] for row in rows]
        clips.append(
            Clip(
                score=score,
                person=person,
                boxes=tuple(FaceBox.of(face.box) for face in faces),
                frames=tuple(face.frame for face in faces),
                times=tuple(face.time for face in faces),
            )
        )
        level = calibration.grade(score)
        people.append(
            Person(person=person, score=score, level=level, faces=len(set(rows)), low=score, high=score)
        )
    return Judged(
        score=calibration.corrected(max(scores), len(scores)),
        highest=max(scores),
        candidates=len(scores),
        people=tuple(people),
        clips=tuple(clips),
        timeline=_timeline(found, (), ()),
    )


def _faces(found: Look, scores: Sequence[float], calibration: Calibration) -> tuple[Face, ...]:
    return tuple(
        Face(
            index=index,
            score=score,
            level=calibration.grade(score),
            box=FaceBox.of(face.box),
            frame=face.frame,
            time=face.time,
            person=face.person,
            confidence=face.confidence,
            rotation=face.rotation,
        )
        for index, (score, face) in enumerate(
            zip(calibration.apply(scores).tolist(), found.faces, strict=True)
        )
    )


def _timeline(found: Look, faces: Sequence[Face], order: Sequence[int]) -> Timeline:
    """The frames looked at, and what tells most: each person's highest face, and more of the first's."""
    highest: dict[int, float] = {}
    for face in faces:
        if face.counts:
            highest[face.frame] = max(face.score, highest.get(face.frame, 0.0))
    times = [seen.time for seen in found.moments]
    ranked = sorted(faces, key=lambda face: -face.score)
    own = [[face for face in ranked if face.person == person] for person in order]
    firsts = [each[0] for each in own]
    told = [*firsts, *(own[0][1:] if own else [])][:TELLING]
    return Timeline(
        moments=tuple(
            Moment(frame=seen.frame, time=seen.time, score=highest.get(seen.frame)) for seen in found.moments
        ),
        share_with_face=found.shown / found.frames,
        seconds_between=float(np.median(np.diff(times))) if len(times) > 1 else None,
        spread=_spread(list(highest.values())),
        telling=tuple(face.index for face in sorted(told, key=lambda face: -face.score)),
    )


def _spread(scores: Sequence[float]) -> tuple[float, float, float, float, float] | None:
    if not scores:
        return None
    lowest, lower, middle, upper, highest = np.quantile(scores, [0, 0.25, 0.5, 0.75, 1]).tolist()
    return lowest, lower, middle, upper, highest
