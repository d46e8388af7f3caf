"""What the service answers: the types of its JSON."""

from typing import Any, Literal

import msgspec

from dfdetect.verdict import Alarms, FaceBox, Level, Verdict

State = Literal["waiting", "looking", "scoring", "done", "failed"]


class Problem(msgspec.Struct, frozen=True):
    """Why a request was not answered.

    Attributes:
        error: one line.
    """

    error: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the service works.

    Attributes:
        status: "ok".
        in_work: files in work or waiting.
        queue: how many may be.
    """

    status: Literal["ok"]
    in_work: int
    queue: int


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """What the service takes; more is refused."""

    bytes: int
    seconds: float
    pixels: int
    queue: int
    cameras: int


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """The detector, and what must be known of it beside each verdict.

    Attributes:
        name: of the run.
        sha256: of the weights.
        skill: what it showed on its test split, in words.
        note: what it cannot judge.
        unfit: why it gives no verdict on anything; "" if it does.
        calibrated: whether its scores are calibrated.
        lower: little evidence below this score; null without cuts.
        upper: substantial evidence from this score on; null without cuts.
        cuts_from: the data that the cuts were chosen on.
        frames: frames of a video that are looked at.
        min_face: side of the smallest face that is looked for, in pixels.
        photos: whether it judges photos; a model of clips does not.
        heat_maps: whether it shows where it looked.
        words: what each level is called.
        unsaid: what a verdict does not tell, a sentence each.
        dfdetect: version of the package.
        limits: what the service takes.
    """

    name: str
    sha256: str
    skill: str
    note: str
    unfit: str
    calibrated: bool
    lower: float | None
    upper: float | None
    cuts_from: str
    frames: int
    min_face: int
    photos: bool
    heat_maps: bool
    words: dict[Level, str]
    unsaid: tuple[str, ...]
    dfdetect: str
    limits: Accepted


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """How far a file is.

    Attributes:
        id: of the job; who knows it sees the result.
        file: the name that came with the file, without folders.
        state: "waiting", "looking" for faces, "scoring" them, "done", or "failed": the file was refused.
        ahead: files before it that are not done.
        done: frames looked at.
        total: frames that will be looked at, if the file is a video that has so many.
        error: why it was refused.
        verdict: when it is done.
        stills: indices of the frames that can be fetched.
    """

    id: str
    file: str
    state: State
    ahead: int = 0
    done: int = 0
    total: int = 0
    error: str = ""
    verdict: Verdict | None = None
    stills: tuple[int, ...] = ()


class LiveFace(msgspec.Struct, frozen=True, kw_only=True):
    """A face before a webcam.

    Attributes:
        person: its number while it is followed, from 1.
        box: in pixels of the frame that was sent.
        score: the mean over its latest frames.
        level: what that alone would mean; null without a verdict.
    """

    person: int
    box: FaceBox
    score: float
    level: Level | None


class LiveFrame(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a webcam's frame, with those before it.

    Attributes:
        number: of the frame, from 1, in the order received.
        width: of the frame, in pixels.
        height: of the frame.
        faces: those found in it.
        level: of the highest face, corrected for their number; null without a verdict.
        sentence: the same in words.
        frames: over how many frames the scores were averaged at most.
        searched: whether the whole frame was searched; else only near the last places.
        milliseconds: from receiving the frame to this answer.
    """

    number: int
    width: int
    height: int
    faces: tuple[LiveFace, ...]
    level: Level | None
    sentence: str
    frames: int
    searched: bool
    milliseconds: float


ANSWERS = (Problem, Health, Model, Alarms, Job, LiveFrame, Verdict)


def components() -> dict[str, Any]:
    """The JSON schemas of all answers, by name, as OpenAPI has them."""
    _, schemas = msgspec.json.schema_components(ANSWERS, ref_template="#/components/schemas/{name}")
    for schema in schemas.values():
        schema["description"] = schema["description"].partition("\n\n")[0]
    return schemas
