"""Figures that explain scores: a face beside its heat maps and its prediction, and curves of faithfulness."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dfdetect.render.figures.canvas import (
    AMBER,
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    ORANGE_TEXT,
    PURPLE,
    canvas,
)
from dfdetect.render.text import shown_score

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOTE_WIDTH = 26
"""Letters of a line upon a heat map."""
Rgb = NDArray[np.uint8]
METHOD_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, AMBER)


@dataclass(frozen=True)
class HeatPictures:
    """One method's heat map of a face, as pictures.

    Attributes:
        title: the method's name.
        heat: the map in colours, uint8 of shape (H, W, 3).
        laid: the face with the map laid over it, of the same shape.
        note: what a reader must know of the map, such as why it is empty; or "".
    """

    title: str
    heat: Rgb
    laid: Rgb
    note: str = ""


@dataclass(frozen=True)
class Prediction:
    """What is predicted of a face.

    Attributes:
        p_fake: 0 to 1.
        threshold: a score from here on is called fake.
        said: what the score means, in words.
    """

    p_fake: float
    threshold: float
    said: str

    @property
    def fake(self) -> bool:
        """Whether the face is called fake."""
        return self.p_fake >= self.threshold


def explained_face(face: Rgb, maps: Sequence[HeatPictures], prediction: Prediction, path: Path) -> None:
    """Draw a face, its heat maps, the face under them, and the prediction (Report E).

    Args:
        face: uint8 of shape (H, W, 3).
        maps: one row each, at least one.
        prediction: what is predicted of it.
        path: the PNG file.
    """
    with canvas(path, 9.2, 0.55 + 2.3 * len(maps)) as figure:
        grid = figure.add_gridspec(len(maps), 4, width_ratios=(1, 1, 1, 1.05))
        _picture(figure.add_subplot(grid[0, 0]), face, "Face")
        for row, each in enumerate(maps):
            axes = figure.add_subplot(grid[row, 1])
            _picture(axes, each.heat, f"{each.title}: heat map")
            side = each.heat.shape[1]
            wrapped = textwrap.fill(each.note, NOTE_WIDTH)
            axes.text(side / 2, side / 2, wrapped, ha="center", va="center", size=8.5, color="white")
            _picture(figure.add_subplot(grid[row, 2]), each.laid, "Laid over the face")
        _predicted(figure.add_subplot(grid[0, 3]), prediction)


def _picture(axes: "Axes", rgb: Rgb, title: str) -> None:
    axes.imshow(rgb, aspect="equal")
    axes.set_title(title, size=9.5)
    axes.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
    axes.grid(False)
    axes.spines[:].set(visible=True, color=FAINT)


def _predicted(axes: "Axes", prediction: Prediction) -> None:
    """The score on a scale from real to fake, and what it means."""
    colour = ORANGE if prediction.fake else BLUE
    axes.set_title("Prediction", size=9.5)
    axes.set(xlim=(-0.04, 1.04), ylim=(0, 1))
    axes.set_axis_off()
    axes.text(
        0.5, 0.8, shown_score(prediction.p_fake, prediction.threshold), ha="center", size=20, weight="bold",
        color=ORANGE_TEXT if prediction.fake else BLUE,
    )  # fmt: skip
    axes.plot([0, 1], [0.6, 0.6], color=FAINT, linewidth=7, solid_capstyle="butt")
    axes.plot([0, prediction.p_fake], [0.6, 0.6], color=colour, linewidth=7, solid_capstyle="butt")
    axes.plot([prediction.threshold] * 2, [0.54, 0.66], color=INK, linewidth=1.4)
    axes.text(0, 0.5, "0 real", va="top", size=8, color=GREY)
    axes.text(1, 0.5, "1 fake", va="top", ha="right", size=8, color=GREY)
    axes.text(0.5, 0.34, prediction.said, ha="center", va="top", size=9, wrap=True)


def fading_curves(
    panels: Mapping[str, Mapping[str, Sequence[float]]], dull: Sequence[str], path: Path
) -> None:
    """Draw how the score changes with the share of the pixels that were changed, hottest first.

    Args:
        panels: by the panel's title, and by the order's name, the mean `p_fake` at equally spaced shares from
            0 to 1.
        dull: names of the baselines, drawn in grey.
        path: the PNG file.
    """
    with canvas(path, 0.6 + 3.6 * len(panels), 4.2) as figure:
        cells = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, (title, curves) in zip(cells, panels.items(), strict=True):
            for number, (order, heights) in enumerate(curves.items()):
                style: dict[str, Any] = {"color": METHOD_COLOURS[number % len(METHOD_COLOURS)]}
                if order in dull:
                    style = {"color": GREY, "linestyle": ("--", ":")[list(dull).index(order) % 2]}
                axes.plot(np.linspace(0, 1, len(heights)), heights, label=order, **style)
            axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="share of the pixels")
            axes.set_title(title, size=9.5)
        cells[0].set_ylabel("mean p_fake")
        figure.legend(*cells[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)


def heat_sheet(rows: Sequence[Sequence[Rgb]], titles: Sequence[str], path: Path) -> None:
    """Draw rows of pictures under common titles.

    Args:
        rows: pictures, each uint8 of shape (H, W, 3); as many in each row as titles, at least one row.
        titles: of the columns.
        path: the PNG file.
    """
    with canvas(path, 0.3 + 1.5 * len(titles), 0.35 + 1.45 * len(rows)) as figure:
        cells = figure.subplots(len(rows), len(titles), squeeze=False)
        for number, (line, pictures) in enumerate(zip(cells, rows, strict=True)):
            for axes, rgb, name in zip(line, pictures, titles, strict=True):
                _picture(axes, rgb, "" if number else name)
