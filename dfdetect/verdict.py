"""Verdicts: what is said of a photo or a video. The one type that the command, pages and the service speak.

The JSON form is `Verdict.to_json`; its schema is committed as `verdict.schema.json` beside this file.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from dfdetect import __version__
from face_extraction.errors import InputError, one_line
from face_extraction.json_file import parse_json
from face_extraction.ledger import REASONS
from face_extraction.manifest import Box
from face_extraction.settings import SURE

SCHEMA_VERSION = 2
"""Raised whenever a field changes its name or meaning. Version 1 was a flat row."""
SCHEMA_FILE = Path(__file__).with_name("verdict.schema.json")

Level = Literal["substantial", "uncertain", "little"]
SUBSTANTIAL: Level = "substantial"
UNCERTAIN: Level = "uncertain"
LITTLE: Level = "little"
WORDS: dict[Level, str] = {
    SUBSTANTIAL: "substantial evidence of manipulation",
    UNCERTAIN: "no conclusion",
    LITTLE: "little evidence of manipulation",
}
"""What each level is called before people."""

NO_SKILL, DRAWN, UNCALIBRATED = "no_skill", "drawn", "uncalibrated"
FEW_FACES, BLURRED = "few_faces", "blurred"
WITHHELD = {
    NO_SKILL: "the detector showed no skill on its own test",
    DRAWN: "the detector was trained on drawings and has seen no photograph",
    UNCALIBRATED: "nobody measured what the scores of this detector mean",
    FEW_FACES: "too few frames of the video show a face",
    BLURRED: "all faces are too blurred",
}
"""Reasons for no verdict although there is a score. `ledger.REASONS` has those for no score."""
WHY = {**REASONS, **WITHHELD}
FEWEST_SHOWN = 0.2
"""A video that shows faces in less than this share of the frames looked at gets no verdict."""


class FaceBox(msgspec.Struct, frozen=True):
    """Where a face is, in pixels of the photo or frame as a player shows it (upright, whole)."""

    top: int
    right: int
    bottom: int
    left: int

    @classmethod
    def of(cls, box: Box) -> "FaceBox":
        """The same box as JSON has it."""
        return cls(*box)


class Face(msgspec.Struct, frozen=True, kw_only=True):
    """One face that was scored.

    Attributes:
        index: its place in `Verdict.faces`, from 0.
        score: 0 to 1, higher means more like a fake; calibrated if `Record.calibrated`.
        level: what the score alone would mean; None without a verdict.
        box: where the face is.
        frame: index of the frame in the video; 0 in a photo.
        time: seconds from the video's start; 0 in a photo.
        person: whose face it is in the video, numbered from 1; 0 in a photo.
        counts: whether it has a part in the file's score. A box that may be no face has none where another
            is sure, nor has a person seen once where somebody was seen more often.
        confidence: in a photo, how sure the face detector is, from 0; None in a video, and of a picture
            taken whole.
        rotation: degrees by which a photo was turned clockwise before its face was found; `box` is where
            the face is without that turn.
    """

    index: int
    score: float
    box: FaceBox
    level: Level | None = None
    frame: int = 0
    time: float = 0.0
    person: int = 0
    counts: bool = True
    confidence: float | None = None
    rotation: int = 0

    @property
    def is_sure(self) -> bool:
        """Whether the box is a face without a doubt."""
        return self.confidence is None or self.confidence >= SURE


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one person in a video.

    Attributes:
        person: the number that their faces carry.
        score: the mean over their faces, or the one score of them together.
        level: what the score alone would mean; None without a verdict.
        faces: how many of their faces were scored.
        counts: whether they have a part in the video's score.
        low: the lowest score of one of their faces; `score` for a model that takes clips.
        high: the highest.
    """

    person: int
    score: float
    faces: int
    level: Level | None = None
    counts: bool = True
    low: float
    high: float


class Clip(msgspec.Struct, frozen=True, kw_only=True):
    """The one score of several faces of a person, by a model that takes clips.

    Attributes:
        score: 0 to 1.
        person: whose faces they are, numbered from 1 in the video.
        boxes: where each face is; one stands twice where there were too few.
        frames: index of each one's frame.
        times: seconds from the video's start, of each.
    """

    score: float
    person: int
    boxes: tuple[FaceBox, ...]
    frames: tuple[int, ...]
    times: tuple[float, ...]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A frame that was looked at.

    Attributes:
        frame: its index in the video.
        time: seconds from the video's start.
        score: the highest score of a face in it; None if it shows none, or the model takes clips.
    """

    frame: int
    time: float
    score: float | None = None


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """How the score runs through a video.

    Attributes:
        moments: the frames looked at, in order.
        share_with_face: the share of them that show a face, 0 to 1.
        seconds_between: how far apart they lie, the median in seconds; None of a single one.
        spread: lowest, lower quartile, median, upper quartile and highest of the moments' scores; None
            without scores.
        telling: places in `Verdict.faces` of the faces that tell most, the highest score first.
    """

    moments: tuple[Moment, ...]
    share_with_face: float
    seconds_between: float | None = None
    spread: tuple[float, float, float, float, float] | None = None
    telling: tuple[int, ...] = ()

    @property
    def pace(self) -> float | None:
        """How far apart the frames looked at lie on average, in seconds; None of a single one."""
        if len(self.moments) < 2:
            return None
        return (self.moments[-1].time - self.moments[0].time) / (len(self.moments) - 1)


class Alarms(msgspec.Struct, frozen=True, kw_only=True):
    """What "substantial evidence" is worth where fakes are as frequent as `prevalence`.

    Attributes:
        prevalence: the share of fakes among the files judged, 0 to 1.
        right: of 100 such alarms, how many are right.
        low: lower end of its 95 % interval.
        high: upper end.
        reals_called: the share of reals called substantial, on the data of `origin`.
        fakes_called: the same of fakes.
        origin: where both were measured, in words.
    """

    prevalence: float
    right: float
    low: float
    high: float
    reals_called: float
    fakes_called: float
    origin: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The C2PA manifest of a file: who signed it, and what they say they did to it.

    Attributes:
        state: "none"; "valid" (whole, and signed by a trusted signer); "untrusted" (whole, by a signer
            whom nobody vouches for here); "invalid" (changed since it was signed, or damaged); "unread"
            (not looked for, because the extra `c2pa` is not installed).
        told: the state in a sentence.
        signer: who signed, as the certificate says; "" if unknown.
        generator: the program that made the manifest.
        sources: what the manifest says the content is, such as "trainedAlgorithmicMedia".
        actions: what it says was done, such as "c2pa.edited".
    """

    state: Literal["none", "valid", "untrusted", "invalid", "unread"]
    told: str
    signer: str = ""
    generator: str = ""
    sources: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()

    @property
    def says_generated(self) -> bool:
        """Whether it says that the content was generated by a trained model, whole or in part."""
        return any(source.lower().endswith("trainedalgorithmicmedia") for source in self.sources)


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says about where it comes from. It has no part in the score.

    Attributes:
        manifest: its C2PA manifest.
        tags: of EXIF, XMP and the container, by name.
        hints: signs of how it was made or encoded, a sentence each.
        caution: what to remember of all this.
    """

    manifest: Manifest
    tags: dict[str, str] = {}
    hints: tuple[str, ...] = ()
    caution: str = "All of this is easily stripped or forged."


class Cuts(msgspec.Struct, frozen=True, kw_only=True):
    """Between which scores the level changes.

    Attributes:
        lower: little evidence below it.
        upper: substantial evidence from it on.
        origin: the data that they were chosen on, in words.
        reals: how many held-out real files correct the highest of several scores; 0: it is not corrected.
    """

    lower: float
    upper: float
    origin: str
    reals: int = 0


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to repeat a verdict.

    Attributes:
        sha256: of the file judged; "" if it could not be read.
        bytes: its size; 0 if it could not be read.
        model: the run's name; "" for weights without a run.
        model_sha256: of the weights.
        skill: what the model showed on its test split, in words.
        note: the cautions to show beside every verdict.
        calibrated: whether scores are calibrated.
        cuts: None if the scores are not calibrated.
        settings: how faces were looked for and cut.
        versions: of Python and the packages that have a part in the score.
    """

    sha256: str = ""
    bytes: int = 0
    model: str = ""
    model_sha256: str = ""
    skill: str = ""
    note: str = ""
    calibrated: bool = False
    cuts: Cuts | None = None
    settings: dict[str, bool | int | float | str] = {}
    versions: dict[str, str] = {}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one file.

    Example:
        >>> verdict = Verdict(file="photo.jpg", kind="photo", level="little", score=0.1)
        >>> verdict.sentence
        'Little evidence of manipulation.'
        >>> Verdict.from_json(verdict.to_json()) == verdict
        True

    Attributes:
        file: the path as it was given.
        schema_version: of these fields.
        dfdetect: version of the package.
        kind: "photo" or "video"; "" if the file could not be read.
        level: "substantial", "uncertain" or "little" evidence of manipulation; None if there is no verdict.
        sentence: the verdict in words.
        reason: why there is no verdict, or what was wrong although there is one; "" if nothing. One of `WHY`.
        detail: the same, in exact words.
        score: 0 to 1, corrected for the number of faces; None where nothing was scored.
        highest: the highest score of a face (photo) or person (video) that counts, not corrected.
        candidates: how many faces or people `highest` is the highest of.
        width: of the photo or frames as shown, in pixels; 0 if unknown. Boxes lie in it.
        height: the same.
        faces: the faces scored, by a model that takes single faces.
        people: the people of a video, by their number.
        clips: the scores of a model that takes clips, one a person.
        decided: place in `faces` of the photo's highest face that counts; None otherwise.
        frames: frames looked at; 1 for a photo.
        timeline: of a video.
        alarms: what an alarm is worth at a stated prevalence; None if none was stated.
        provenance: what the file says about where it comes from; None if it was not looked at.
        record: what is needed to repeat the verdict.
    """

    file: str
    schema_version: int = SCHEMA_VERSION
    dfdetect: str = __version__
    kind: Literal["photo", "video", ""] = ""
    level: Level | None = None
    sentence: str = ""
    reason: str = ""
    detail: str = ""
    score: float | None = None
    highest: float | None = None
    candidates: int = 0
    width: int = 0
    height: int = 0
    faces: tuple[Face, ...] = ()
    people: tuple[Person, ...] = ()
    clips: tuple[Clip, ...] = ()
    decided: int | None = None
    frames: int = 0
    timeline: Timeline | None = None
    alarms: Alarms | None = None
    provenance: Provenance | None = None
    record: Record = Record()

    def __post_init__(self) -> None:
        """Say the verdict in words."""
        msgspec.structs.force_setattr(self, "sentence", say(self.level, self.reason))

    @property
    def n_faces(self) -> int:
        """How many faces the verdict rests on."""
        return len(self.faces) + sum(len(set(clip.frames)) for clip in self.clips)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON has them."""
        values: dict[str, Any] = msgspec.to_builtins(self)
        return values

    def to_json(self, *, indent: int | None = None) -> str:
        """One JSON object, in ASCII: a file name may hold what UTF-8 lacks. Its first field is `file`."""
        return json.dumps(self.to_dict(), allow_nan=False, indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Verdict":
        """The reverse of `to_json`.

        Raises:
            InputError: it is no verdict of this schema version.
        """
        try:
            values = parse_json(text)
            version = values["schema_version"]
            if version != SCHEMA_VERSION:
                raise InputError(f"a verdict of schema version {version}; accepted: {SCHEMA_VERSION}")
            return msgspec.convert(values, cls)
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"not a verdict of dfdetect: {one_line(error)}") from None


def say(level: Level | None, reason: str = "") -> str:
    """The verdict as a sentence.

    Args:
        level: None if there is no verdict.
        reason: why there is none; one of `WHY`.
    """
    if level:
        return f"{WORDS[level].capitalize()}."
    return f"No verdict: {WHY.get(reason, reason)}."


def json_list(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as one JSON list, indented."""
    return json.dumps([verdict.to_dict() for verdict in verdicts], allow_nan=False, indent=2)


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a verdict; each field says what its docstring says."""
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Verdict)}
    for kind in made["$defs"].values():
        about, _, attributes = kind["description"].partition("\n\nAttributes:\n")
        kind["description"] = about.partition("\n\n")[0]
        for name, told in re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", attributes, re.MULTILINE):
            kind["properties"][name]["description"] = " ".join(told.split())
    made["$defs"]["Verdict"]["properties"]["dfdetect"].pop("default")  # another one in each release
    return made
