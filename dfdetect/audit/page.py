"""The page of an audit: what leaks, with pictures of it."""

import base64
from collections.abc import Sequence
from pathlib import Path

import cv2

from dfdetect.audit.auditing import Audit, Repair, Target
from dfdetect.audit.links import Crossing, Links
from dfdetect.audit.registry import Kind, list_kinds
from dfdetect.audit.scores import Scores
from dfdetect.audit.table import HEAD, finding_rows, repair_line, verdict
from dfdetect.render.document import document, text, text_table
from dfdetect.render.report import INTERVALS, plural
from face_extraction.images import Unreadable, read_rgb, resize
from face_extraction.manifest import LABEL_NAMES, SPLITS, FaceSample, count_table

PICTURE = 128  # side of an example's picture, in pixels


def render_audit(
    target: Target, result: Audit, scores: Scores | None, repaired: tuple[Path, Repair] | None, command: str
) -> str:
    """The page as HTML text; the pictures are in it."""
    leaks = not result.clean
    banner = f'<p class="notice" role="note">{text(verdict(result))}</p>' if leaks else ""
    counts = ", ".join(f"{int((result.rows.splits == i).sum()):,} {split}" for i, split in enumerate(SPLITS))
    sections = [
        ("findings", "Findings", _findings(result)),
        ("scores", "What it does to the numbers", _scores(scores) if scores else ""),
        ("clean", "A manifest without leaks", _repaired(*repaired) if repaired else ""),
        *(
            (f"kind-{kind.name}", kind.title, _kind(kind, result, found))
            for kind, found in result.crossings.items()
            if found
        ),
        ("looked", "What was looked for", _looked(result)),
        ("data", "Data", f"<pre>{text(count_table(result.rows.samples))}</pre>"),
        ("reproduce", "How it was made", f'<pre class="command">{text(command)}</pre>'),
    ]
    summary = f'<p class="soft">Rows of different splits that have something in common · {counts}</p>'
    words = "Leaks are looked for between splits; what rows of one split share is no leak."
    title = text(f"Leakage audit: {target.name}")
    return document(title, summary, banner, sections, footer=words)


def _findings(result: Audit) -> str:
    lead = "" if not result.clean else f"<p><strong>{text(verdict(result))}</strong></p>\n"
    note = (
        "Pairs: a row of the one split with a row of the other. Rows and groups: how many these pairs "
        "touch. Share: rows of the split named that have such a pair."
    )
    return f'{lead}{text_table(HEAD, finding_rows(result), "Findings", left=2)}\n<p class="soft">{note}</p>'


def _scores(scores: Scores) -> str:
    head, *rows = scores.lines()
    note = (
        f"Test predictions of {text(scores.run)}, which were made before this audit. <em>whole</em>: all "
        "test rows; <em>clean</em>: those that have nothing in common with train or val rows; "
        "<em>leaking</em>: the others. The parts can differ in how hard they are, too. " + INTERVALS
    )
    return f'{text_table(head, rows, "Scores", left=2)}\n<p class="soft">{note}</p>'


def _repaired(path: Path, repair: Repair) -> str:
    return (
        f"<p><strong>{text(path)}</strong>: {repair_line(repair)} All test rows stay; val rows that share "
        "something with them are dropped, and train rows that share something with either. No row changes "
        "its split. Audited again for the same kinds, it is clean.</p>"
        f"<pre>{text(count_table(repair.samples))}</pre>"
    )


def _kind(kind: Kind, result: Audit, found: Sequence[Crossing]) -> str:
    parts = [f"<p>{text(kind.meaning)}</p>", _note(result.found[kind])]
    for each in found:
        first, second = each.splits
        parts.append(
            f"<h3>{first} – {second}: {plural(each.pairs, 'pair')}, {plural(each.rows[0], f'{first} row')}, "
            f"{plural(each.rows[1], f'{second} row')}</h3>"
        )
        pairs = "\n".join(_pair(result, pair) for pair in each.examples)
        parts.append(f'<div class="pairs">\n{pairs}\n</div>')
    return "\n".join(part for part in parts if part)


def _note(links: Links) -> str:
    return f'<p class="soft">{text(links.note)}</p>' if links.note else ""


def _pair(result: Audit, pair: tuple[int, int]) -> str:
    samples = [result.rows.samples[row] for row in pair]
    faces = "".join(_face(sample, _picture(result.rows.folder / sample.path)) for sample in samples)
    return f'<div class="twins">{faces}</div>'


def _face(sample: FaceSample, picture: str) -> str:
    shown = (
        f'<img src="data:image/jpeg;base64,{picture}" alt="{text(sample.path)}">'
        if picture
        else '<span class="gone">not readable</span>'
    )
    words = f"{sample.split}, {LABEL_NAMES[sample.label]}"
    where = (
        f"{sample.video}, frame {sample.frame}"
        if sample.video and sample.frame
        else sample.video or sample.path
    )
    title = f"{sample.path} · group {sample.group} · {sample.method} · {sample.source}"
    caption = f"<figcaption><strong>{words}</strong>{text(where)}</figcaption>"
    return f'<figure title="{text(title)}">{shown}{caption}</figure>'


def _picture(path: Path) -> str:
    """A small JPEG of a crop, in base64; "" where it cannot be read."""
    try:
        rgb = resize(read_rgb(path), PICTURE)
    except Unreadable:
        return ""
    quality = [cv2.IMWRITE_JPEG_QUALITY, 85]
    return base64.b64encode(
        cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), quality)[1].tobytes()
    ).decode()


def _looked(result: Audit) -> str:
    rows = []
    for kind in list_kinds():
        if kind in result.found:
            leaks = result.crossings[kind]
            state = "found" if leaks else "none found"
            note = result.found[kind].note
        else:
            state, note = "not looked for", result.skipped.get(kind, "not asked for (--kinds)")
        rows.append([kind.name, state, f"{note} {kind.meaning if state == 'none found' else ''}".strip()])
    unread = result.unread
    more = f"<p>{plural(len(unread), 'crop')} could not be read; unread.csv lists them.</p>" if unread else ""
    return text_table(("kind", "result", "what was looked at"), rows, "Kinds") + more
