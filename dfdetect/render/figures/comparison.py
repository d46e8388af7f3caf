"""Figures that show several models side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dfdetect.predictions import Predictions
from dfdetect.render.figures.canvas import (
    AMBER,
    BLUE,
    CLASS_TEXT,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    ORANGE_TEXT,
    PURPLE,
    SKY,
    canvas,
    unit_square,
)
from dfdetect.render.figures.cases import Load
from dfdetect.render.text import shown_score
from face_extraction.manifest import FAKE, LABEL_NAMES, REAL

MODEL_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, AMBER, SKY, INK)
LINES = ("-", "--", ":", "-.")
COLUMNS = 3
ACROSS, UP = "false positive rate (reals called fake)", "true positive rate (fakes found)"
FACES = 4  # of each class
LINE = 0.38  # inches for a model's name and threshold


@dataclass(frozen=True)
class Curve:
    """One model's ROC curve.

    Attributes:
        name: the model's name.
        heights: share of fakes found at equally spaced shares of false alarms, from 0 to 1.
        auc: its AUC as text.
        n: how many test faces it rests on.
    """

    name: str
    heights: Sequence[float]
    auc: str
    n: int


def roc_curves(panels: Mapping[str, Sequence[Curve]], path: Path) -> None:
    """Draw ROC curves, all in one square or in several squares side by side.

    Args:
        panels: curves in the order of their legend, by the title of their square. A name has the same
            colour and line style in all squares; both change from name to name.
        path: the PNG file.
    """
    columns = min(len(panels), COLUMNS)
    rows, longest = -(-len(panels) // columns), max(map(len, panels.values()))
    side = 6.0 if columns == 1 else 3.7
    names = dict.fromkeys(curve.name for curves in panels.values() for curve in curves)
    places = {name: place for place, name in enumerate(names)}
    # Found by trial: inches for a line of the legend, so that none is cut, and extra below one square.
    line, below = (0.235, 0.25) if columns == 1 else (0.19, 0)
    height = side + 0.45 + line * longest + below
    with canvas(path, side * columns + 0.4, height * rows) as figure:
        cells = [*figure.subplots(rows, columns, squeeze=False).flat]
        for axes in cells:
            axes.set_axis_off()
        for (title, curves), axes in zip(panels.items(), cells, strict=False):
            axes.set_axis_on()
            unit_square(axes, *((ACROSS, UP) if columns == 1 else ("", "")))
            axes.set_title(", ".join(filter(None, (title, _sizes(curves)))))
            axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
            for curve in curves:
                place = places[curve.name]
                axes.plot(
                    np.linspace(0, 1, len(curve.heights)), curve.heights, linewidth=1.5,
                    color=MODEL_COLOURS[place % len(MODEL_COLOURS)], linestyle=LINES[place % len(LINES)],
                    label=f"{curve.name}: AUC {curve.auc}",
                )  # fmt: skip
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.11 if columns == 1 else -0.07))
        if columns > 1:
            figure.supxlabel(ACROSS, size=10)
            figure.supylabel(UP, size=10)


def faces_and_scores(models: Sequence[tuple[str, Predictions, float]], load: Load, path: Path) -> None:
    """Draw the same faces once, and below each every model's score, right or wrong at its threshold.

    Args:
        models: name, predictions of the same faces, and threshold of each.
        load: from a sample's path to its crop, uint8 RGB of shape (H, W, 3).
        path: the PNG file.
    """
    samples, labels = models[0][1].samples, models[0][1].labels
    # Spread over the samples, so that not all come from one video.
    chosen = []
    for label in (REAL, FAKE):
        rows = np.flatnonzero(labels == label)
        chosen += [int(row) for row in rows[np.linspace(0, len(rows) - 1, FACES).round().astype(int)]]
    with canvas(path, 1.9 + 1.06 * len(chosen), 1.6 + LINE * len(models)) as figure:
        ratios = (1.3, LINE * len(models))
        cells = figure.subplots(2, len(chosen) + 1, height_ratios=ratios, squeeze=False)
        for axes in cells.flat:
            axes.set_axis_off()
        for line, (name, _, threshold) in enumerate(models):
            told = f"{name}\nfake from {threshold:.4f}"
            cells[1][0].text(1, _height(line, models), told, ha="right", va="center", size=8)
        for (top, below), index in zip(cells.T[1:], chosen, strict=True):
            label = samples[index].label
            top.imshow(load(samples[index].path), aspect="equal")
            top.set_axis_on()
            top.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
            top.grid(False)
            top.spines[:].set(visible=True, color=FAINT)
            top.set_title(LABEL_NAMES[label], size=9.5, color=CLASS_TEXT[label], weight="bold")
            for line, (_, predictions, threshold) in enumerate(models):
                score = float(predictions.p_fake[index])
                right = (score >= threshold) == (label == FAKE)
                below.text(
                    0.5, _height(line, models), f"{shown_score(score, threshold)} {'✓' if right else '✗'}",
                    ha="center", va="center", size=9, color=INK if right else ORANGE_TEXT,
                )  # fmt: skip


def _sizes(curves: Sequence[Curve]) -> str:
    """How many test faces the curves rest on, such as "n = 90 to 120"."""
    sizes = [curve.n for curve in curves]
    return f"n = {min(sizes):,}" + (f" to {max(sizes):,}" if min(sizes) < max(sizes) else "")


def _height(line: int, models: Sequence[object]) -> float:
    return 1 - (line + 0.5) / len(models)
