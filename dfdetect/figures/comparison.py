"""Figures that set several models side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dfdetect.figures.canvas import (
    BLUE,
    CLASS_COLOURS,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    canvas,
    unit_square,
)
from dfdetect.figures.cases import Load
from dfdetect.predictions import Predictions
from face_extraction.manifest import FAKE, LABEL_NAMES, REAL

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, "#B58900", "#56B4E9", INK)
LINES = ("-", "--", ":", "-.")
FACES = 4  # of each class


@dataclass(frozen=True)
class Curve:
    """One model's ROC curve.

    Attributes:
        name: the model's name.
        heights: share of fakes found at equally spaced shares of false alarms, from 0 to 1.
        auc: its AUC as text.
    """

    name: str
    heights: Sequence[float]
    auc: str


def roc_curves(curves: Sequence[Curve], path: Path) -> None:
    """Draw the ROC curves of all models in one figure.

    Args:
        curves: in the order of the legend; more than 7 change the line's style.
        path: the PNG file.
    """
    with canvas(path, 6.4, 6.2 + 0.19 * len(curves)) as figure:
        axes = figure.subplots()
        unit_square(axes, "false positive rate (reals called fake)", "true positive rate (fakes found)")
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
        for number, curve in enumerate(curves):
            axes.plot(
                np.linspace(0, 1, len(curve.heights)), curve.heights, linewidth=1.5,
                color=COLOURS[number % len(COLOURS)], linestyle=LINES[number // len(COLOURS) % len(LINES)],
                label=f"{curve.name}: AUC {curve.auc}",
            )  # fmt: skip
        figure.legend(loc="outside lower center")


def faces_and_scores(models: Sequence[tuple[str, Predictions, float]], load: Load, path: Path) -> None:
    """Draw the same faces once, and below each what every model says of it.

    Args:
        models: name, predictions of the same faces, and threshold of each.
        load: from a sample's path to its crop, uint8 RGB of shape (H, W, 3).
        path: the PNG file.
    """
    samples, labels = models[0][1].samples, models[0][1].labels
    # Evenly over the samples, so that not all come from one clip.
    chosen = []
    for label in (REAL, FAKE):
        rows = np.flatnonzero(labels == label)
        chosen += [int(row) for row in rows[np.linspace(0, len(rows) - 1, FACES).round().astype(int)]]
    with canvas(path, 1.9 + 1.06 * len(chosen), 1.6 + 0.3 * len(models)) as figure:
        ratios = (1.3, 0.3 * len(models))
        cells = figure.subplots(2, len(chosen) + 1, height_ratios=ratios, squeeze=False)
        for axes in cells.flat:
            axes.set_axis_off()
        for line, (name, *_) in enumerate(models):
            cells[1][0].text(1, _height(line, models), name, ha="right", va="center", size=9)
        for (top, below), index in zip(cells.T[1:], chosen, strict=True):
            label = samples[index].label
            top.imshow(load(samples[index].path), aspect="equal")
            top.set_axis_on()
            top.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
            top.grid(False)
            top.spines[:].set(visible=True, color=FAINT)
            top.set_title(LABEL_NAMES[label], size=9.5, color=CLASS_COLOURS[label], weight="bold")
            for line, (_, predictions, threshold) in enumerate(models):
                score = float(predictions.p_fake[index])
                right = (score >= threshold) == (label == FAKE)
                below.text(
                    0.5, _height(line, models), f"{score:.3f} {'✓' if right else '✗'}",
                    ha="center", va="center", size=9, color=INK if right else ORANGE,
                )  # fmt: skip


def _height(line: int, models: Sequence[object]) -> float:
    return 1 - (line + 0.5) / len(models)
