"""Verdicts as text for a terminal."""

from collections.abc import Iterator, Sequence

from dfdetect.render.text import shown_score
from dfdetect.verdict import BLURRED, FEW_FACES, UNCERTAIN, WORDS, Face, Level, Record, Verdict
from face_extraction.atomic import csv_of

NONE = "no verdict"
NARROW = "  "


def table(verdicts: Sequence[Verdict]) -> str:
    """A line a file, with its people or faces below it; then what the words mean and rest on."""
    rows = [row for verdict in verdicts for row in _rows(verdict)]
    titles = ("file", "evidence", "score", "faces", "frames", "")
    widths = [max(len(row[place]) for row in [titles, *rows]) for place in range(5)]
    lines = []
    for row in [titles, *rows]:
        name, level, *numbers = (
            f"{cell:<{width}}" if place < 2 else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=False))
        )
        lines.append(NARROW.join([name, level, *numbers, row[5]]).rstrip())
    told = dict.fromkeys(line for verdict in verdicts for line in meaning(verdict))
    return "\n".join([*lines, *([""] if told else []), *told])


_CSV_COLUMNS = (
    "file kind level score highest candidates reason detail faces people frames sha256 model model_sha256 "
    "lower upper dfdetect"
)


def csv_rows(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as CSV with a line of titles; `--json` has the faces, too."""
    return csv_of(_CSV_COLUMNS.split(), map(_csv_row, verdicts))


def _csv_row(verdict: Verdict) -> list[object]:
    cuts, record = verdict.record.cuts, verdict.record
    return [
        _harmless(printable(verdict.file)),
        verdict.kind,
        verdict.level or "",
        _number(verdict.score),
        _number(verdict.highest),
        verdict.candidates,
        verdict.reason,
        printable(verdict.detail),
        verdict.n_faces,
        len(verdict.people),
        verdict.frames,
        record.sha256,
        record.model,
        record.model_sha256,
        _number(cuts.lower if cuts else None),
        _number(cuts.upper if cuts else None),
        verdict.dfdetect,
    ]


def _harmless(name: str) -> str:
    """A name that a spreadsheet does not take for a formula; it names the same file."""
    return f"./{name}" if name.startswith(("=", "+", "-", "@")) else name


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def meaning(verdict: Verdict) -> list[str]:
    """What the levels stand for, and what a reader has to know of the detector, a line each."""
    record = verdict.record
    if not verdict.kind:  # It could not be read: no cut and no skill say anything of it.
        return []
    told = "" if record.calibrated else "the scores are not calibrated"
    if cuts := record.cuts:
        between = f", {UNCERTAIN} ({WORDS[UNCERTAIN]}) between" if cuts.lower < cuts.upper else ""
        told = (
            f"evidence of manipulation in a {verdict.kind}: substantial from "
            f"{cuts.upper:.6g} on, little below {cuts.lower:.6g}{between}; cuts from {cuts.origin}"
        )
    skill = record.skill and f"the detector's skill: {record.skill}"
    return list(filter(None, [told, _worth(verdict), skill, record.note]))


def _worth(verdict: Verdict) -> str:
    """What an alarm is worth at the stated prevalence."""
    if not (worth := verdict.alarms):
        return ""
    return (
        f"if {100 * worth.prevalence:.3g} % of the files are fake, {worth.right:.0f} of 100 such alarms are "
        f"right [{worth.low:.0f}, {worth.high:.0f}]: substantial were {100 * worth.fakes_called:.3g} % of "
        f"the fakes and {100 * worth.reals_called:.3g} % of the reals, on {worth.origin}"
    )


def printable(name: object) -> str:
    """`name` without what would break a line or steer the terminal: such characters as Python writes them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name))


def _rows(verdict: Verdict) -> Iterator[tuple[str, str, str, str, str, str]]:
    word = verdict.level or NONE
    hidden = verdict.reason in (BLURRED, FEW_FACES)  # a score that is withheld means nothing
    notes = [
        verdict.detail or ("" if verdict.level else verdict.sentence),
        "" if hidden else _corrected(verdict),
        _turned(verdict),
        _apart(verdict),
    ]
    score = "-" if hidden else _score(verdict.score, verdict.record)
    yield (
        printable(verdict.file),
        word,
        score,
        str(verdict.n_faces),
        str(verdict.frames),
        "; ".join(printable(note).removesuffix(".") for note in notes if note),
    )
    if hidden:
        return
    for person in verdict.people if len(verdict.people) > 1 else ():
        note = "" if person.counts else "seen once: no part in the video's score"
        name = f"  person {person.person}"
        yield name, _word(person.level), _score(person.score, verdict.record), str(person.faces), "", note
    for face in verdict.faces if len(verdict.faces) > 1 and not verdict.people else ():
        yield _face(face, verdict)


def _face(face: Face, verdict: Verdict) -> tuple[str, str, str, str, str, str]:
    mark = "highest" if face.index == verdict.decided else "" if face.counts else "may be no face"
    name = f"  face {face.index + 1} at {face.box.left},{face.box.top}"
    return name, _word(face.level), _score(face.score, verdict.record), "", "", mark


def _word(level: Level | None) -> str:
    return level or "-"


def _score(score: float | None, record: Record) -> str:
    if score is None:
        return "-"
    return shown_score(score, record.cuts.upper) if record.cuts else f"{score:.3f}"


def _corrected(verdict: Verdict) -> str:
    """Why the score is below that of the highest face or person."""
    if verdict.highest is None or verdict.score == verdict.highest:
        return ""
    what = "faces" if verdict.kind == "photo" else "people"
    return f"highest of {verdict.candidates} {what}: {_score(verdict.highest, verdict.record)}"


def _apart(verdict: Verdict) -> str:
    """How far apart the frames lie that were looked at."""
    pace = verdict.timeline.pace if verdict.timeline else None
    return f"one frame every {pace:.3g} s" if pace else ""


def _turned(verdict: Verdict) -> str:
    rotation = verdict.faces[0].rotation if verdict.faces else 0
    return f"turned clockwise by {rotation} degrees" if rotation else ""
