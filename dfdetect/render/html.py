"""The page of a run as HTML: one file, without scripts, fonts or anything else from outside."""

import math
from collections import Counter
from collections.abc import Sequence

from dfdetect.metrics.estimates import DASH, Estimate, Metrics, shown
from dfdetect.metrics.measures import MEASURES
from dfdetect.render.document import document, fact_table, figure_list, table_row, text
from dfdetect.render.figures.curves import best_epoch, kept_because
from dfdetect.render.report import INTERVALS, PARTS, RunReport, history_table, plural

HEADLINE = ("auc", "accuracy")
LISTED = 1000  # unscored samples on the page; a browser grows slow with many more


def render_page(report: RunReport) -> str:
    """The page as HTML text; everything from outside is escaped."""
    sections = [
        ("results", "Results", _results(report)),
        ("figures", "Figures", figure_list(report.figures)),
        ("metrics", "All metrics", _metrics(report)),
        ("data", "Data", f"<pre>{text(report.data_table)}</pre>" if report.data_table else ""),
        ("reproduce", "How it was made", _making(report)),
        ("history", "History", _history(report)),
        ("unscored", "Samples without a score", _unscored(report.unscored)),
    ]
    return document(
        text(report.title),
        f'<p class="soft">{_summary(report)}</p>',
        _notices(report),
        sections,
        links='<a href="MODEL_CARD.md">Model card</a>',
        footer="Label 1 = fake; p_fake runs from 0 (real) to 1 (fake).",
    )


def _summary(report: RunReport) -> str:
    facts = [f"Model <strong>{text(report.model)}</strong>"]
    best = best_epoch(report.history, report.monitor)
    if best is not None:
        facts.append(f"kept epoch {best} of {len(report.history)}")
    facts.append(f"threshold {report.threshold:.4f}")
    return " · ".join(facts)


def _notices(report: RunReport) -> str:
    banners = "\n".join(f'<p class="notice" role="note">{text(notice)}</p>' for notice in report.notices)
    remarks = "".join(f"<li>{text(remark)}</li>" for remark in report.remarks())
    return banners + (f'\n<ul class="remarks">{remarks}</ul>' if remarks else "")


def _results(report: RunReport) -> str:
    columns = report.headline()
    if not columns:
        return "<p>No split was measured.</p>"
    tiles = "\n".join(
        _tile(name, split, level, metrics) for split, level, metrics in columns for name in HEADLINE
    )
    return f"""<div class="tiles">
{tiles}
</div>
<p class="soft below">A p_fake of {report.threshold:.4f} or more is called fake. This \
threshold was {text(report.threshold_origin)}. It is used unchanged for all numbers below. {INTERVALS}</p>"""


def _tile(name: str, split: str, level: str, metrics: Metrics) -> str:
    estimate = metrics.estimates[name]
    chance, note = 0.5, "a guess gives 0.500"
    if name == "accuracy" and metrics.n:
        chance = max(metrics.n_real, metrics.n_fake) / metrics.n
        usual = "fake" if metrics.n_fake >= metrics.n_real else "real"
        note = f"always saying {usual} gives {chance:.3f}"
    value = DASH if math.isnan(estimate.value) else shown(estimate.value)
    ends = "not estimable" if math.isnan(estimate.low) else f"{shown(estimate.low)} to {shown(estimate.high)}"
    return f"""<div class="tile">
<h3>{split.capitalize()} {MEASURES[name].title if name == "auc" else "accuracy"}, by {level}</h3>
<div class="number">{value}</div>
<div class="interval">95 % interval {ends}</div>
{_whisker(estimate, chance)}
<div class="count">{plural(metrics.n, level)}: {metrics.n_real:,} real, {metrics.n_fake:,} fake, \
{plural(metrics.n_groups, "group")}; {note}</div>
</div>"""


def _whisker(estimate: Estimate, chance: float) -> str:
    """The interval on a line from 0 to 1, with a mark at chance."""
    bars = [("track", 0.0, 1.0, 4, 2), ("chance", chance, 0.004, 1, 8)]
    if not math.isnan(estimate.low):
        bars.append(("range", estimate.low, estimate.high - estimate.low, 2, 6))
    if not math.isnan(estimate.value):
        bars.append(("point", estimate.value - 0.006, 0.012, 0, 10))
    shapes = "".join(
        f'<rect class="{kind}" x="{100 * left:.2f}" width="{100 * width:.2f}" y="{top}" height="{height}"/>'
        for kind, left, width, top, height in bars
    )
    return f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{shapes}</svg>'


def _metrics(report: RunReport) -> str:
    columns = report.columns()
    if not columns:
        return ""
    head = "".join(f'<th scope="col">{split}, by {level}</th>' for split, level, _ in columns)
    parts = [
        table_row("Samples", (f"{m.n:,}" for *_, m in columns)),
        table_row("Real / fake", (f"{m.n_real:,} / {m.n_fake:,}" for *_, m in columns)),
        table_row("Groups", (f"{m.n_groups:,}" for *_, m in columns)),
    ]
    for part, heading in PARTS.items():
        parts += [
            "</tbody>\n<tbody>",
            f'<tr><th class="part" scope="rowgroup" colspan="{len(columns) + 1}">{heading}</th></tr>',
            *(_decision_counts(columns) if part == "decision" else ()),
            *(
                table_row(measure.title, (_cell(m.estimates[name]) for *_, m in columns))
                for name, measure in MEASURES.items()
                if measure.part == part
            ),
        ]
    meanings = "".join(
        f"<dt>{m.title} ({m.better} is better)</dt><dd>{m.meaning}</dd>" for m in MEASURES.values()
    )
    by_video = "By video: the mean p_fake of a person's faces, of a clip's people the highest."
    if report.frames:
        by_video = f"A person's score is of {report.frames} faces together, a clip's the highest of them."
    return f"""<div class="table numbers" tabindex="0" role="region" aria-label="All metrics"><table>
<thead><tr><th scope="col">Metric</th>{head}</tr></thead>
<tbody>
{chr(10).join(parts)}
</tbody></table></div>
<p class="soft">{report.choices()} {by_video}</p>
<details><summary>What each metric means</summary><dl>{meanings}</dl></details>"""


def _decision_counts(columns: Sequence[tuple[str, str, Metrics]]) -> list[str]:
    cells = [metrics.confusion for *_, metrics in columns]
    return [
        table_row("Threshold", (f"{metrics.threshold:.4f}" for *_, metrics in columns)),
        table_row("Reals called real / fake", (f"{tn:,} / {fp:,}" for (tn, fp), _ in cells)),
        table_row("Fakes called real / fake", (f"{fn:,} / {tp:,}" for _, (fn, tp) in cells)),
    ]


def _cell(estimate: Estimate) -> str:
    value, _, ends = str(estimate).partition(" ")
    return f'{value} <span class="interval">{ends}</span>' if ends else value


def _making(report: RunReport) -> str:
    command = f'<h3>Command</h3><pre class="command">{text(report.command)}</pre>' if report.command else ""
    facts = {name: value for name, value in report.environment.items() if name != "command"}
    return (
        f'{command}\n<div class="pair">\n<div><h3>Recipe, every default filled in</h3>'
        f"{fact_table(report.recipe)}</div>\n<div><h3>Environment</h3>{fact_table(facts)}</div>\n</div>"
    )


def _history(report: RunReport) -> str:
    if not report.history:
        return ""
    names, rows = history_table(report)
    best = best_epoch(report.history, report.monitor)
    kept = "" if best is None else f"; marked: the one that was kept, {text(kept_because(report.monitor))}"
    head = "".join(f'<th scope="col">{text(name.replace("_", " "))}</th>' for name in names)
    body = "\n".join(
        table_row(cells[0], cells[1:], "best" if cells[0] == str(best) else "") for cells in rows
    )
    return f"""<details><summary>{plural(len(rows), "epoch")}{kept}</summary>
<div class="table numbers" tabindex="0" role="region" aria-label="History"><table>
<thead><tr>{head}</tr></thead><tbody>
{body}
</tbody></table></div></details>"""


def _unscored(unscored: Sequence[tuple[str, str, str]]) -> str:
    if not unscored:
        return "<p>None: every sample has a score.</p>"
    reasons = Counter(reason for _, reason, _ in unscored)
    summary = ", ".join(f"{count:,} {text(reason)}" for reason, count in reasons.most_common())
    rows = "\n".join(
        f"<tr>{''.join(f'<td>{text(value)}</td>' for value in row)}</tr>" for row in unscored[:LISTED]
    )
    more = len(unscored) - LISTED
    rest = f"<p>And {plural(more, 'more sample')}, in the run folder's list.</p>" if more > 0 else ""
    return f"""<p>{plural(len(unscored), "sample")} entered no number: {summary}.</p>
<div class="table unscored"><table><thead><tr><th scope="col">Sample</th><th scope="col">Reason</th>\
<th scope="col">Detail</th></tr></thead><tbody>
{rows}
</tbody></table></div>{rest}"""
