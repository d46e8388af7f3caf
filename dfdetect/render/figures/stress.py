"""The figure of disturbed faces: a small panel for each kind, the AUC by severity."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dfdetect.metrics.estimates import CHANCE, Estimate
from dfdetect.render.figures.canvas import BLUE, GREY, ORANGE, canvas

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

COLUMNS = 6
ROOM = 0.02
"""Of AUC, above and below what is drawn."""


@dataclass(frozen=True)
class Point:
    """One severity.

    Attributes:
        severity: its number, as text.
        auc: the AUC there.
        lost: whether the loss is certain: the paired interval of the AUC's change lies below 0.
    """

    severity: str
    auc: Estimate
    lost: bool


@dataclass(frozen=True)
class Panel:
    """One kind of disturbance.

    Attributes:
        title: its name.
        unit: what the severities count.
        points: mild first.
    """

    title: str
    unit: str
    points: Sequence[Point]


def stress_panels(panels: Sequence[Panel], undisturbed: Estimate, path: Path) -> None:
    """Draw the AUC by severity, with bands of 95 % and the undisturbed AUC as a line.

    Args:
        panels: at least one.
        undisturbed: the AUC of the undisturbed faces.
        path: the PNG file.
    """
    columns = min(len(panels), COLUMNS)
    rows = -(-len(panels) // columns)
    with canvas(path, 0.7 + 2.1 * columns, 0.7 + 1.95 * rows) as figure:
        cells = [*figure.subplots(rows, columns, squeeze=False, sharey=True).flat]
        for axes in cells[len(panels) :]:
            axes.set_axis_off()
        for axes, panel in zip(cells, panels, strict=False):
            _draw(axes, panel, undisturbed.value)
        cells[0].set_ylim(*_range(panels, undisturbed))
        for axes in cells[::columns]:
            axes.set_ylabel("AUC", size=8)
        lost = any(point.lost for panel in panels for point in panel.points)
        figure.legend(
            handles=_key(lost=lost), loc="outside lower center", ncols=(1, 2, 3, 5)[min(columns, 4) - 1]
        )


def _draw(axes: "Axes", panel: Panel, undisturbed: float) -> None:
    places = range(1, len(panel.points) + 1)
    values = [point.auc.value for point in panel.points]
    axes.axhline(undisturbed, color=GREY, linewidth=0.9, linestyle="--")
    axes.axhline(CHANCE, color=GREY, linewidth=0.8, linestyle=":")
    axes.fill_between(
        places,
        [point.auc.low for point in panel.points],
        [point.auc.high for point in panel.points],
        color=BLUE,
        alpha=0.16,
        linewidth=0,
    )
    if len(values) == 1:  # a band of one point cannot be seen
        (auc,) = (point.auc for point in panel.points)
        axes.plot([1, 1], [auc.low, auc.high], color=BLUE, alpha=0.35, linewidth=5, solid_capstyle="butt")
    axes.plot(places, values, color=BLUE, linewidth=1.3)
    for lost, colour in ((False, BLUE), (True, ORANGE)):
        own = [place for place, point in zip(places, panel.points, strict=True) if point.lost == lost]
        axes.plot(own, [values[place - 1] for place in own], "o", color=colour, markersize=4)
    axes.set_title(panel.title, size=9.5)
    axes.set_xlabel(panel.unit, size=8)
    axes.set_xticks(list(places), [point.severity for point in panel.points], size=7.5)
    axes.tick_params(axis="y", labelsize=7.5)
    axes.set_xlim(0.6, len(values) + 0.4)


def _range(panels: Sequence[Panel], undisturbed: Estimate) -> tuple[float, float]:
    """All that is drawn, and chance."""
    every = [undisturbed, *(point.auc for panel in panels for point in panel.points)]
    ends = [end for auc in every for end in (auc.value, auc.low, auc.high) if not math.isnan(end)]
    return max(0.0, min([CHANCE, *ends]) - ROOM), min(1.0, max([CHANCE, *ends]) + ROOM)


def _key(*, lost: bool) -> list["Artist"]:
    """The legend: what lines, band and dots mean; with `lost`, some loss is certain."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    certain = [Line2D([], [], color=ORANGE, marker="o", markersize=4, linestyle="", label="certain loss")]
    return [
        Line2D([], [], color=BLUE, marker="o", markersize=4, label="AUC"),
        Patch(color=BLUE, alpha=0.16, linewidth=0, label="95 % interval"),
        *(certain if lost else []),
        Line2D([], [], color=GREY, linewidth=0.9, linestyle="--", label="undisturbed"),
        Line2D([], [], color=GREY, linewidth=0.8, linestyle=":", label="chance"),
    ]
