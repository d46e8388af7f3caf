"""The page of a search."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from dfdetect.data.opening import Data
from dfdetect.metrics.estimates import DASH
from dfdetect.recipe import Recipe
from dfdetect.render.document import document, fact_table, figure_list, text, text_table
from dfdetect.render.figures.drawing import Figure
from dfdetect.render.report import plural
from tuning.display import short
from tuning.figures import Importances
from tuning.job import Job
from tuning.rows import DONE, FAILED, PRUNED, Row, best_of, varied
from tuning.tables import ablation, note

OPTIMISTIC = (
    "The best of many trials was chosen by its validation score, which is therefore optimistic, the more so "
    "the more trials there were. Test faces were not opened: train the best recipe to measure it on them."
)


def render(
    title: str,
    job: Job,
    rows: Sequence[Row],
    recipes: Mapping[str, Recipe],
    data: Mapping[str, Data],
    notices: Sequence[str],
    figures: Sequence[Figure],
    found: Importances,
    out: Path,
) -> str:
    """The page as HTML text; everything from outside is escaped."""
    sections = [
        ("best", "Best", _best(job, rows, out)),
        ("figures", "Figures", figure_list(figures)),
        ("ablation", "Ablation table", _ablation(job, rows, recipes)),
        ("importance", "Importance", _importance(found)),
        ("trials", "Trials", _trials(job, rows)),
        ("made", "How it was made", _made(job, data)),
    ]
    return document(
        text(title),
        f'<p class="soft">{_summary(job, rows)}</p>',
        "\n".join(f'<p class="notice" role="note">{text(line)}</p>' for line in notices),
        sections,
        links='<a href="trials.csv">trials.csv</a> <a href="ablation.csv">ablation.csv</a>',
        footer=html.escape(OPTIMISTIC.partition(":")[0]) + ".",
    )


def _summary(job: Job, rows: Sequence[Row]) -> str:
    counts = ", ".join(
        f"{sum(row.state == state for row in rows)} {state}"
        for state in (DONE, PRUNED, FAILED)
        if any(row.state == state for row in rows)
    )
    report = f" · after {text(job.report)}" if job.report else ""
    return f"<strong>{text(job.strategy)}</strong> search · {plural(len(rows), 'trial')}: {counts}{report}"


def _best(job: Job, rows: Sequence[Row], out: Path) -> str:
    tiles = []
    for case in dict.fromkeys(row.case for row in rows):
        best = best_of([row for row in rows if row.case == case])
        if best is None:
            continue
        values = ", ".join(
            f"{text(name.removeprefix('options.').replace('_', ' '))} {text(short(value))}"
            for name, value in best.values.items()
        )
        tiles.append(
            f'<div class="tile"><h3>{text(case)}</h3><div class="number">{best.score:.4f}</div>'
            f'<div class="interval">{text(job.objective)}, trial {best.number}</div>'
            f'<div class="count">{values}</div></div>'
        )
    if not tiles:
        return "<p>No trial was done.</p>"
    return (
        f'<div class="tiles">\n{chr(10).join(tiles)}\n</div>\n<p class="soft below">{OPTIMISTIC}</p>\n'
        f'<pre class="command">python -m dfdetect.train --recipe {text(str(out))}</pre>'
    )


def _ablation(job: Job, rows: Sequence[Row], recipes: Mapping[str, Recipe]) -> str:
    head, body = ablation(rows, recipes)
    return text_table(head, body, "Ablation table") + f'<p class="soft">{note(job.folds)}</p>'


def _importance(found: Importances) -> str:
    names = list(
        dict.fromkeys(name for shares in found.values() if not isinstance(shares, str) for name in shares)
    )
    body = [
        [case, *([shares] if isinstance(shares, str) else [f"{shares.get(name, 0):.3f}" for name in names])]
        for case, shares in found.items()
    ]
    return text_table(["Case", *(name.replace("_", " ") for name in names)], body, "Importance")


def _trials(job: Job, rows: Sequence[Row]) -> str:
    names = varied(rows)
    head = ["Trial", "State", job.objective, *names, "Kept epoch", "Seconds", "Features", "Reason"]
    body = []
    for row in rows:
        features = {True: "once", False: "no"}.get(row.facts.get("features", ""), "")
        body.append(
            [
                row.label,
                row.state,
                DASH if row.score is None else f"{row.score:.4f}",
                *(short(row.values.get(name, "")) for name in names),
                str(row.facts.get("kept_epoch", "")),
                short(row.facts.get("seconds", "")),
                features,
                row.reason,
            ]
        )
    best = best_of(rows)
    return text_table(head, body, "Trials", best=best.label if best else "")


def _made(job: Job, data: Mapping[str, Data]) -> str:
    budget = {
        "strategy": job.strategy,
        "trials at most, of each case": job.trials,
        "objective": f"{job.objective}, mean over {job.folds} folds" if job.folds else job.objective,
        "report": job.report,
    }
    space = {
        axis.name: list(axis.values)
        or f"{axis.low:.6g} to {axis.high:.6g}{', logarithmic' if axis.log else ''}"
        for axis in job.space
    }
    names = {axis.name for axis in job.space}
    fixed = {name: value for name, value in job.recipe.items() if name not in names}
    first = next(iter(data.values()))
    return (
        f'<div class="pair">\n<div><h3>Search</h3>{fact_table(budget)}'
        f"<h3>Space</h3>{fact_table(space)}</div>\n"
        f"<div><h3>What did not vary</h3>{fact_table(fixed)}</div>\n</div>\n"
        f"<pre>{text(first.table())}</pre>"
    )
