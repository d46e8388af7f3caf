"""The evidence report of one verdict: a single HTML file that can be mailed and printed.

It loads nothing from outside and runs no script; pictures lie in it as data.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from dfdetect.metrics.estimates import DASH
from dfdetect.render.table import Cell, Table, columns
from dfdetect.render.templating import render
from dfdetect.render.text import clock, encodable, shown_score
from dfdetect.verdict import WORDS, Face, Level, Verdict
from face_extraction.wording import plural

LISTED = 200
"""Faces and moments in a table; many more would make the file slow to open."""
UNSAID = (
    "It is no proof. The detector looks for traces that some ways of changing a face leave behind. Other "
    "ways leave other traces, or none.",
    "“Little evidence” means only that nothing was found.",
    "Text-to-video and sound are not judged. Nor are faces that are generated whole, unless the note on the "
    "detector says that it can.",
    "What lies outside the faces is not judged: a true face may stand in a false scene, or beside false "
    "words.",
    "It does not tell who made the file, when, or why.",
)
"""What a reader might take from a verdict although it does not say so."""


@dataclass(frozen=True)
class Picture:
    """A picture for the report.

    Attributes:
        jpeg: the file's bytes; a PNG's do as well.
        title: what it shows.
        caption: more about it, or "".
    """

    jpeg: bytes
    title: str
    caption: str = ""

    @property
    def uri(self) -> str:
        """The picture as a link that holds it."""
        kind = "png" if self.jpeg.startswith(b"\x89PNG") else "jpeg"
        return f"data:image/{kind};base64,{base64.b64encode(self.jpeg).decode()}"


@dataclass(frozen=True)
class Shown:
    """A photo, or a frame of a video, and the faces in it.

    Attributes:
        picture: what is seen.
        faces: those to draw boxes around.
    """

    picture: Picture
    faces: tuple[Face, ...]


def render_verdict(verdict: Verdict, shown: Sequence[Shown], heat_maps: Sequence[Picture] | str = ()) -> str:
    """The report as HTML text; everything from outside is escaped.

    Args:
        verdict: what to report.
        shown: the photo, or the frames that tell most.
        heat_maps: where the detector looked, from `dfdetect.explain`; or why there are none, in a sentence.
    """
    return render(
        "verdict.html.j2",
        verdict=verdict,
        name=encodable(PurePath(verdict.file).name or verdict.file),
        words=WORDS,
        lines=_lines(verdict),
        unsaid=UNSAID,
        shown=[(one.picture, [_box(face, verdict) for face in one.faces]) for one in shown],
        heat_maps=heat_maps,
        dots=_dots(verdict),
        moments=_moments(verdict),
        people=_people(verdict),
        faces=_faces(verdict),
        facts=_facts(verdict),
        clock=clock,
        score=lambda value: _score(value, verdict),
        today=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )


def _lines(verdict: Verdict) -> list[str]:
    """What the verdict rests on, a sentence each."""
    lines = []
    if verdict.kind == "video" and verdict.frames:
        line = f"{plural(verdict.frames, 'frame')} looked at"
        if verdict.timeline:
            with_face = round(verdict.timeline.share_with_face * verdict.frames)
            line += f", {with_face} with a face"
            if verdict.timeline.pace:
                line += f": one frame every {verdict.timeline.pace:.3g} s"
        lines.append(f"{line}.")
    if verdict.people:
        lines.append(f"{plural(len(verdict.people), 'person')} seen.".replace("persons", "people"))
    if verdict.kind == "photo" and verdict.faces:
        lines.append(f"{plural(len(verdict.faces), 'face')} found.")
    if verdict.highest is not None and verdict.score != verdict.highest:
        what = "faces" if verdict.kind == "photo" else "people"
        cuts = verdict.record.cuts
        stops = cuts is not None and verdict.score == cuts.lower
        lines.append(
            f"The highest of {verdict.candidates} {what} scores {_score(verdict.highest, verdict)}. Among so "
            "many, a high score by chance is more likely, so the score is corrected for their number."
            + (" It is lowered no further than to the cut below which evidence is little." if stops else "")
        )
    return lines


def _box(face: Face, verdict: Verdict) -> dict[str, Any]:
    """A face's box in percent of the picture, with its label."""
    width, height = max(1, verdict.width), max(1, verdict.height)
    return {
        "left": 100 * face.box.left / width,
        "top": 100 * face.box.top / height,
        "width": 100 * (face.box.right - face.box.left) / width,
        "height": 100 * (face.box.bottom - face.box.top) / height,
        "label": str(face.person or face.index + 1),
        "side": "inside" if face.box.top < height / 10 else "above",
        "score": _score(face.score, verdict),
        "level": face.level or "none",
    }


def _dots(verdict: Verdict) -> list[dict[str, Any]]:
    """The faces of a video as points of a chart: time from 0 to 100, score from 0 to 100."""
    line = verdict.timeline
    if not line or not verdict.faces:
        return []
    end = max(line.moments[-1].time, 1e-9)
    return [
        {
            "left": 100 * face.time / end,
            "bottom": 100 * face.score,
            "level": face.level or "none",
            "label": f"{clock(face.time)}, person {face.person}: {_score(face.score, verdict)}",
        }
        for face in verdict.faces
    ]


def _moments(verdict: Verdict) -> Table | None:
    line = verdict.timeline
    if not line:
        return None
    rows: list[list[Cell]] = [
        [
            clock(moment.time),
            str(moment.frame),
            DASH if moment.score is None else _score(moment.score, verdict),
        ]
        for moment in line.moments[:LISTED]
    ]
    return Table(
        columns(["time"], ["frame", "highest score"]),
        rows,
        caption="Frames looked at",
        notes=_left_out(len(line.moments), "frame"),
    )


def _people(verdict: Verdict) -> Table | None:
    if not verdict.people:
        return None
    rows: list[list[Cell]] = [
        [
            f"person {person.person}",
            _word(person.level) + ("" if person.counts else " (seen once: no part in the score)"),
            _score(person.score, verdict),
            f"{_score(person.low, verdict)} to {_score(person.high, verdict)}",
            str(person.faces),
        ]
        for person in verdict.people
    ]
    return Table(
        columns(["person", "alone"], ["score", "range over their faces", "faces"]), rows, caption="People"
    )


def _faces(verdict: Verdict) -> Table | None:
    if verdict.kind != "photo" or not verdict.faces:
        return None
    rows: list[list[Cell]] = [
        [
            f"face {face.index + 1}",
            _word(face.level) + ("" if face.counts else " (may be no face: no part in the score)"),
            _score(face.score, verdict),
            f"{face.box.right - face.box.left} × {face.box.bottom - face.box.top}",
        ]
        for face in verdict.faces[:LISTED]
    ]
    return Table(
        columns(["face", "alone"], ["score", "size in pixels"]),
        rows,
        caption="Faces",
        notes=_left_out(len(verdict.faces), "face"),
    )


def _left_out(count: int, noun: str) -> list[str]:
    """What a table of at most `LISTED` rows leaves out of `count`; nothing if it shows all."""
    if count <= LISTED:
        return []
    return [f"{plural(count - LISTED, f'more {noun}')}; the JSON form of this verdict lists all."]


def _facts(verdict: Verdict) -> dict[str, Any]:
    """The technical record, by names for people."""
    record = verdict.record
    facts: dict[str, Any] = {
        "file": PurePath(verdict.file).name,
        "size in bytes": record.bytes,
        "SHA-256 of the file": record.sha256,
        "width × height": f"{verdict.width} × {verdict.height}" if verdict.width else "",
        "detector": record.model or "weights without a run",
        "SHA-256 of its weights": record.model_sha256,
    }
    if record.cuts:
        facts["cuts"] = f"substantial from {record.cuts.upper:.6g} on, little below {record.cuts.lower:.6g}"
        facts["cuts come from"] = record.cuts.origin
    facts |= {"skill": record.skill, "settings": record.settings, "versions": record.versions}
    facts |= {"dfdetect": verdict.dfdetect, "schema version": verdict.schema_version}
    return facts


def _word(level: Level | None) -> str:
    return DASH if level is None else WORDS[level].removesuffix(" of manipulation")


def _score(score: float | None, verdict: Verdict) -> str:
    if score is None:
        return DASH
    return shown_score(score, verdict.record.cuts.upper if verdict.record.cuts else 0.5)
