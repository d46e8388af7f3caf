"""Verdicts: what is said of a photo or a video."""

from dataclasses import dataclass

from dfdetect.predictions import deciding
from face_extraction.manifest import Box
from face_extraction.settings import SURE

NO_SKILL = "no_skill"
"""The reason for no verdict beside a score: the model's own test shows that its scores mean nothing."""
FEW_FACES = "few_faces"
"""The reason that is told beside the verdict on a video of which few frames looked at show a face."""
FEWEST_SHOWN = 0.2
"""Such a video shows faces in less than this share of the frames looked at."""


@dataclass(frozen=True)
class FaceVerdict:
    """The score of one face.

    Attributes:
        p_fake: 0 to 1.
        box: where the face is, in pixels of the upright picture.
        frame: index of the frame; 0 in a photo.
        time: seconds from the video's start.
        person: whose face it is in the video, numbered from 1; 0 in a photo.
        confidence: in a photo, how sure the face detector is, from 0; None in a video, and of a picture
            taken whole.
        rotation: degrees by which a photo was turned clockwise before its face was found; `box` is where
            the face is without that turn.
    """

    p_fake: float
    box: Box
    frame: int = 0
    time: float = 0.0
    person: int = 0
    confidence: float | None = None
    rotation: int = 0

    @property
    def is_sure(self) -> bool:
        """Whether the box is a face without a doubt."""
        return self.confidence is None or self.confidence >= SURE


@dataclass(frozen=True)
class PersonVerdict:
    """What is said of one person in a video.

    Attributes:
        person: the number that their faces carry.
        p_fake: the mean over their faces, or the one score of them together.
        fake: whether `p_fake` reaches the threshold; None for a model without skill.
        faces: how many faces of theirs were scored.
    """

    person: int
    p_fake: float
    fake: bool | None
    faces: int


@dataclass(frozen=True)
class ClipVerdict:
    """The one score of several faces of a person, by a model that takes clips.

    Attributes:
        p_fake: 0 to 1.
        person: whose faces they are, numbered from 1 in the video.
        boxes: where each face is, in pixels of the upright frame; one stands twice where there were
            too few.
        frames: index of each one's frame.
        times: seconds from the video's start, of each.
    """

    p_fake: float
    person: int
    boxes: tuple[Box, ...]
    frames: tuple[int, ...]
    times: tuple[float, ...]


@dataclass(frozen=True)
class Verdict:
    """What is said of one file.

    Attributes:
        faces: the faces scored, by a model that takes single faces.
        p_fake: of a photo the highest of its faces (one fake face makes a fake photo; a box that may be
            no face has no part where another is sure), of a video
            that of its most suspicious person; None where nothing was scored.
        fake: whether `p_fake` reaches the threshold; None where there is no score, or the model has no skill.
        frames: frames looked at; 1 for a photo.
        reason: why there is no verdict, or what was wrong although there is one (of `ledger.REASONS`,
            `FEW_FACES` or `NO_SKILL`); "" if nothing.
        detail: the same, in words.
        clips: the scores of a model that takes clips, one a person.
        evidence: "substantial", "uncertain" or "little" evidence of manipulation, by the two cuts of a
            calibrated model; "" of a model without them, or without a verdict.
        people: the people of a video by their number. Those of whom a single face was seen have no
            part in the video's score where somebody was seen more often: it may be no face at all.
        decided: of a photo, the place in `faces` of the one whose score is the photo's; None otherwise.
    """

    faces: tuple[FaceVerdict, ...]
    p_fake: float | None
    fake: bool | None
    frames: int
    reason: str = ""
    detail: str = ""
    clips: tuple[ClipVerdict, ...] = ()
    people: tuple[PersonVerdict, ...] = ()
    evidence: str = ""
    decided: int | None = None

    @property
    def n_faces(self) -> int:
        """How many faces the verdict rests on."""
        return len(self.faces) + sum(len(set(clip.frames)) for clip in self.clips)

    def counts(self, person: PersonVerdict) -> bool:
        """Whether somebody in the video has a part in its score."""
        return bool(self.clips) or person.person in deciding({one.person: one.faces for one in self.people})
