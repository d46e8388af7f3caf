"""A run's page, index.html: one file that loads no scripts, no fonts and nothing from outside."""

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from dfdetect.metrics.estimates import DASH, Estimate, Metrics, shown
from dfdetect.metrics.measures import MEASURES
from dfdetect.render.figures.curves import best_epoch, kept_because
from dfdetect.render.model_card import render_model_card
from dfdetect.render.run_content import IDEAL_NOTE, INTERVALS, RunContent
from dfdetect.render.table import Table, columns
from dfdetect.render.templating import render
from dfdetect.render.text import decimals, show
from face_extraction.atomic import write_text
from face_extraction.wording import plural

PAGE = "index.html"
MODEL_CARD = "MODEL_CARD.md"
HEADLINE = ("auc", "accuracy")
LISTED = 1000  # unscored samples on the page; many more would slow a browser down


def write_page(folder: Path, run: RunContent) -> None:
    """Write the page and the model card of a run into its folder, atomically.

    Args:
        folder: the run's folder, to which the files of `run.figures` are relative.
        run: what to show.
    """
    write_text(folder / MODEL_CARD, render_model_card(run))
    write_text(folder / PAGE, render_page(run))


def render_page(run: RunContent) -> str:
    """The page as HTML text; everything from outside is escaped."""
    reasons = Counter(reason for _, reason, _ in run.unscored)
    return render(
        "run.html.j2",
        run=run,
        measures=list(MEASURES.values()),
        intervals=INTERVALS,
        ideal_note=IDEAL_NOTE,
        best_epoch=best_epoch(run.history, run.monitor),
        kept_because=kept_because(run.monitor),
        tiles=[_tile(name, *column) for column in run.headline() for name in HEADLINE],
        metrics=run.metrics_table(),
        facts={name: value for name, value in run.environment.items() if name != "command"},
        history=_history(run),
        reasons=reasons.most_common(),
        unscored=_unscored(run),
        more=len(run.unscored) - LISTED,
    )


@dataclass(frozen=True)
class _Tile:
    """A number shown large.

    Attributes:
        title: the number's name.
        number: the number itself.
        interval: its interval in words.
        bars: the interval's picture as bars: class, left end and width in per cent, top and height of 10.
        count: how many faces or videos it rests on, and what a guess gives.
    """

    title: str
    number: str
    interval: str
    bars: list[tuple[str, float, float, int, int]]
    count: str


def _tile(name: str, split: str, level: str, metrics: Metrics) -> _Tile:
    estimate = metrics.estimates[name]
    chance, note = 0.5, "a guess gives 0.500"
    if name == "accuracy" and metrics.n:
        chance = max(metrics.n_real, metrics.n_fake) / metrics.n
        usual = "fake" if metrics.n_fake >= metrics.n_real else "real"
        note = f"always saying {usual} gives {chance:.3f}"
    unknown = math.isnan(estimate.low)
    return _Tile(
        f"{split.capitalize()} {MEASURES[name].title if name == 'auc' else 'accuracy'}, by {level}",
        DASH if math.isnan(estimate.value) else shown(estimate.value),
        "not estimable" if unknown else f"{shown(estimate.low)} to {shown(estimate.high)}",
        _bars(estimate, chance),
        f"{plural(metrics.n, level)}: {metrics.n_real:,} real, {metrics.n_fake:,} fake, "
        f"{plural(metrics.n_groups, 'group')}; {note}",
    )


def _bars(estimate: Estimate, chance: float) -> list[tuple[str, float, float, int, int]]:
    """The interval on a line from 0 to 100, with a mark at chance."""
    bars = [("track", 0.0, 1.0, 4, 2), ("chance", chance, 0.004, 1, 8)]
    if not math.isnan(estimate.low):
        bars.append(("range", estimate.low, estimate.high - estimate.low, 2, 6))
    if not math.isnan(estimate.value):
        bars.append(("point", estimate.value - 0.006, 0.012, 0, 10))
    return [(kind, 100 * left, 100 * width, top, height) for kind, left, width, top, height in bars]


def _history(run: RunContent) -> Table:
    """One row an epoch; the kept one is marked."""
    names = list(dict.fromkeys(("epoch", *(name for row in run.history for name in row))))
    rows = [
        [str(int(row[name])) if name in ("epoch", "phase") else decimals(row.get(name)) for name in names]
        for row in run.history
    ]
    best = best_epoch(run.history, run.monitor)
    marked = next((number for number, row in enumerate(rows) if row[0] == str(best)), None)
    first, *others = (name.replace("_", " ") for name in names)
    return Table(columns([first], others), rows, "History", best=marked)


def _unscored(run: RunContent) -> Table:
    rows = [[show(value) for value in row] for row in run.unscored[:LISTED]]
    return Table(columns(["Sample", "Reason", "Detail"]), rows, "Samples without a score")
