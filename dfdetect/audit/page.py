"""The page of an audit: the leaks, with pictures of examples."""

import base64
from dataclasses import dataclass
from pathlib import Path

from dfdetect.audit.auditing import Audit, Repair, Target
from dfdetect.audit.links import Crossing
from dfdetect.audit.registry import list_kinds
from dfdetect.audit.scores import Scores
from dfdetect.audit.table import findings_table, repair_line, verdict
from dfdetect.render.run_content import INTERVALS
from dfdetect.render.table import Table, columns
from dfdetect.render.templating import render
from face_extraction.images import Unreadable, jpeg_bytes, read_rgb, resize
from face_extraction.manifest import LABEL_NAMES, SPLITS, FaceSample, count_table
from face_extraction.wording import plural

PICTURE = 128  # side of an example's picture, in pixels


def render_audit(
    target: Target, result: Audit, scores: Scores | None, repaired: tuple[Path, Repair] | None, command: str
) -> str:
    """The page as HTML text, with the pictures inside."""
    return render(
        "audit.html.j2",
        name=target.name,
        clean=result.clean,
        verdict=verdict(result),
        counts=", ".join(
            f"{int((result.rows.splits == i).sum()):,} {split}" for i, split in enumerate(SPLITS)
        ),
        findings=findings_table(result),
        scores=scores,
        intervals=INTERVALS,
        repaired=(repaired[0], repair_line(repaired[1]), count_table(repaired[1].samples))
        if repaired
        else (),
        kinds=[
            (kind, result.found[kind].note, [_crossing(result, each) for each in found])
            for kind, found in result.crossings.items()
            if found
        ],
        looked=_looked(result),
        unread=len(result.unread),
        counts_table=count_table(result.rows.samples),
        command=command,
    )


@dataclass(frozen=True)
class _Face:
    """One face of an example.

    Attributes:
        sample: its row.
        label: the name of its label.
        where: the video and frame that it was cut from; without a video, its file.
        picture: a small JPEG in base64; "" if the crop cannot be read.
    """

    sample: FaceSample
    label: str
    where: str
    picture: str


def _crossing(result: Audit, found: Crossing) -> tuple[str, list[list[_Face]]]:
    """What two splits have in common: a heading and pairs of faces."""
    first, second = found.splits
    heading = (
        f"{first} – {second}: {plural(found.pairs, 'pair')}, {plural(found.rows[0], f'{first} row')}, "
        f"{plural(found.rows[1], f'{second} row')}"
    )
    samples = result.rows.samples
    return heading, [[_face(samples[row], result.rows.folder) for row in pair] for pair in found.examples]


def _face(sample: FaceSample, folder: Path) -> _Face:
    where = f"{sample.video}, frame {sample.frame}" if sample.video and sample.frame else sample.video
    return _Face(sample, LABEL_NAMES[sample.label], where or sample.path, _picture(folder / sample.path))


def _picture(path: Path) -> str:
    try:
        rgb = resize(read_rgb(path), PICTURE)
    except Unreadable:
        return ""
    return base64.b64encode(jpeg_bytes(rgb)).decode()


def _looked(result: Audit) -> Table:
    rows = []
    for kind in list_kinds():
        if kind in result.found:
            leaks = result.crossings[kind]
            state = "found" if leaks else "none found"
            note = result.found[kind].note
        else:
            state, note = "not looked for", result.skipped.get(kind, "not asked for (--kinds)")
        told = {"none found": kind.meaning, "found": "See above."}.get(state, "")
        rows.append([kind.name, state, f"{note} {told}".strip()])
    return Table(columns(["kind", "result", "what was compared"]), rows, "Kinds")
