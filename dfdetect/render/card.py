"""The model card of a run, in Markdown.

Its sections are those of Mitchell et al. 2019, "Model Cards for Model Reporting" (figure 1).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dfdetect import __version__
from dfdetect.metrics.estimates import Metrics
from dfdetect.metrics.measures import MEASURES
from dfdetect.render.report import INTERVALS, PARTS, RunReport, plural, show

USES = """\
- **Meant for** research on deepfake detection: to replicate and compare published results, and to
  sort material that a person then looks at.
- **Not meant for** a verdict about a person or a recording without other evidence, for pictures
  without a face, or for kinds of forgery that are not in the training data."""

LIMITS = """\
- The numbers hold for data like the test data. Detectors lose much on other data: in DeepfakeBench,
  Xception trained on FaceForensics++ falls from a frame AUC of .964 there to .737 on Celeb-DF v2.
  Measure on your own data before you rely on a score.
- Compression, scaling, and cropping by another tool shift the scores.
- A score of 0.9 is not a probability of 0.9 unless the calibration error says so, and then only at
  the share of fakes in the test data.
- A low score is no proof that a recording is real."""

ETHICS = """\
- The faces belong to people; the terms of the data set say what may be done with them.
- A wrong "fake" can discredit a true recording, a wrong "real" can pass a forgery. Which error costs
  more depends on the use: choose the threshold for it.
- How errors differ by age, sex or skin colour was not measured: the manifest holds no such labels."""


def render_model_card(report: RunReport) -> str:
    """The model card as Markdown text; everything from outside is escaped."""
    parts = [
        f"# Model card: {escape(report.title)}",
        *(f"> **Note.** {escape(notice)}" for notice in (*report.notices, *report.remarks())),
        "## Model details",
        _what(report),
        _facts(report.environment, skip=("command",)),
        "## Intended use",
        USES,
        "## Factors",
        "Results depend on how a face was faked, on compression and resolution, and on who is shown. "
        "The list of predictions in the run folder names data set and method of each sample, so that "
        "each can be measured alone.",
        "## Metrics",
        f"A `p_fake` of {report.threshold:.4f} or more is called fake. This threshold was "
        f"{report.threshold_origin}. It is used unchanged for all splits and levels. {INTERVALS}",
        "\n".join(f"- **{each.title}**: {each.meaning}" for each in MEASURES.values()),
        "## Training and evaluation data",
        f"Counts of faces, clips and groups{_apart(report)}. {report.choices()}",
        _fence(report.data_table),
        f"Without a score: {plural(len(report.unscored), 'sample')}"
        + (", listed in the run's page." if report.unscored else "."),
        "## Quantitative analyses",
        _metrics_table(report.columns()),
        "## Ethical considerations",
        ETHICS,
        "## Caveats and recommendations",
        LIMITS,
        "## How to reproduce",
        "The run was made by" if report.command else "The command that made this run is not known.",
        _fence(show(report.command)) if report.command else "",
        "with this recipe, every default filled in:",
        _facts(report.recipe),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def escape(value: Any) -> str:
    """Text from outside as Markdown that shows it as it is, on one line."""
    text = re.sub(r"\s+", " ", show(value))
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]|#~!>])", r"\\\1", text)


def _code(value: Any) -> str:
    return show(value).replace("`", "'").replace("\n", " ").replace("|", "\\|")


def _fence(text: str) -> str:
    """A block of code, whose fence is longer than any run of backticks in it."""
    if not text:
        return ""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _facts(facts: Mapping[str, Any], skip: Sequence[str] = ()) -> str:
    rows = [
        f"| {escape(name.replace('_', ' '))} | {escape(value)} |"
        for name, value in facts.items()
        if name not in skip
    ]
    return "\n".join(["| | |", "|---|---|", *rows]) if rows else ""


def _what(report: RunReport) -> str:
    made = f"`{_code(report.model)}`, made with dfdetect {__version__}. It takes"
    if report.frames:
        return (
            f"A binary classifier of clips, {made} {report.frames} RGB face crops of one person in a clip, "
            "evenly spaced over it, and returns one `p_fake` for them, 0 (real) to 1 (fake)."
        )
    return (
        f"A binary classifier of face crops, {made} an RGB face crop and returns `p_fake`, 0 (real) to 1 "
        "(fake). The score of a video is the highest of its people's, each the mean over their faces."
    )


def _apart(report: RunReport) -> str:
    return "" if report.recipe.get("split") == "random" else "; no group stands in two splits"


def _metrics_table(columns: Sequence[tuple[str, str, Metrics]]) -> str:
    if not columns:
        return "No split was measured."
    rows = [
        ["", *(f"{split}, by {level}" for split, level, _ in columns)],
        ["---", *("---:" for _ in columns)],
        ["n", *(f"{m.n:,} ({m.n_real:,} real, {m.n_fake:,} fake)" for *_, m in columns)],
        ["groups", *(f"{m.n_groups:,}" for *_, m in columns)],
        ["threshold", *(f"{m.threshold:.4f}" for *_, m in columns)],
    ]
    for part, heading in PARTS.items():
        rows.append([f"**{heading}**", *("" for _ in columns)])
        for name, each in MEASURES.items():
            if each.part == part:
                rows.append([each.title, *(escape(m.estimates[name]) for *_, m in columns)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
