"""Figures of one set of predictions: ROC, precision-recall, confusion, calibration, scores."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dfdetect.metrics.estimates import Metrics
from dfdetect.metrics.measures import ECE_BINS, Array, curve, ece_bins
from dfdetect.predictions import Predictions
from dfdetect.render.figures.canvas import (
    BLUE,
    CLASS_COLOURS,
    GREY,
    INK,
    LEVEL_COLOURS,
    ORANGE,
    canvas,
    not_defined,
    unit_square,
)
from face_extraction.manifest import FAKE, LABEL_NAMES, REAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HISTOGRAM_BINS = 40


def roc(predictions: Predictions, metrics: Mapping[str, Metrics], path: Path) -> None:
    """Draw the ROC curve of each level, its EER point, and the threshold in use.

    Args:
        predictions: for faces or clips.
        metrics: of these predictions, by level.
        path: the PNG file.
    """
    with canvas(path, 5.6, 5.6) as figure:
        axes = figure.subplots()
        if reason := _missing_class(predictions):
            return not_defined(axes, reason)
        unit_square(axes, "false positive rate (reals called fake)", "true positive rate (fakes found)")
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
        for level, measured in metrics.items():
            real, fake = _curve(predictions, level)
            colour, auc = LEVEL_COLOURS[level], measured.estimates["auc"]
            axes.plot(real / real[-1], fake / fake[-1], color=colour, label=f"{level}: AUC {auc}", zorder=3)
            rate = measured.estimates["eer"]
            axes.plot(
                rate.value, 1 - rate.value, "o", color=colour, markersize=6, markeredgecolor="white",
                zorder=5, label=f"{level}: EER {rate}",
            )  # fmt: skip
            (tn, fp), (fn, tp) = measured.confusion
            axes.plot(
                fp / (tn + fp), tp / (fn + tp), "D", color="white", markeredgecolor=colour, markersize=5,
                zorder=4, label=f"{level}: at threshold {measured.threshold:.3f}",
            )  # fmt: skip
        axes.legend(loc="lower right")


def precision_recall(predictions: Predictions, metrics: Mapping[str, Metrics], path: Path) -> None:
    """Draw precision against recall for each level, as the steps whose area is average precision.

    Args:
        predictions: for faces or clips.
        metrics: of these predictions, by level.
        path: the PNG file.
    """
    with canvas(path, 5.6, 5.6) as figure:
        axes = figure.subplots()
        if reason := _missing_class(predictions):
            return not_defined(axes, reason)
        unit_square(axes, "recall (fakes found)", "precision (fakes among those called fake)")
        for level, measured in metrics.items():
            real, fake = _curve(predictions, level)
            precision = fake[1:] / (fake[1:] + real[1:])
            recall, steps = fake / fake[-1], np.concatenate((precision[:1], precision))
            colour, share = LEVEL_COLOURS[level], measured.n_fake / measured.n
            found = measured.estimates["average_precision"]
            axes.plot(
                recall,
                steps,
                color=colour,
                drawstyle="steps-pre",
                label=f"{level}: average precision {found}",
            )
            axes.axhline(
                share,
                color=colour,
                linewidth=0.9,
                linestyle=":",
                label=f"{level}: share of fakes {share:.3f}",
            )
        axes.legend(loc="lower left")


def confusion(metrics: Mapping[str, Metrics], path: Path) -> None:
    """Draw a confusion matrix for each level: counts, and percentages of the row.

    Args:
        metrics: by level.
        path: the PNG file.
    """
    with canvas(path, 6.4, 3.5) as figure:
        panels = figure.subplots(1, len(metrics), squeeze=False)[0]
        for axes, (level, measured) in zip(panels, metrics.items(), strict=True):
            _matrix(axes, measured)
            axes.set_title(f"{level}, n = {measured.n:,}, threshold {measured.threshold:.3f}", size=9)


def reliability(predictions: Predictions, metrics: Metrics, path: Path) -> None:
    """Draw the share of fakes against `p_fake` in the bins of the calibration error, with their counts.

    Args:
        predictions: of the level that `metrics` measured.
        metrics: of these predictions.
        path: the PNG file.
    """
    known = predictions.known()
    ideal = f"\nif perfectly calibrated {metrics.ideal_ece}" if metrics.ideal_ece else ""
    bins = ece_bins(known.p_fake)
    counts = np.bincount(bins, minlength=ECE_BINS)
    filled = counts > 0
    with canvas(path) as figure:
        upper, lower = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
        if not len(known):
            lower.set_axis_off()
            return not_defined(upper, "no sample of known label")
        claimed = np.bincount(bins, known.p_fake, ECE_BINS)[filled] / counts[filled]
        found = np.bincount(bins, known.labels, ECE_BINS)[filled] / counts[filled]
        upper.set(xlim=(-0.01, 1.01), ylim=(-0.02, 1.02), ylabel="share of fakes")
        upper.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":", label="calibrated")
        upper.vlines(claimed, claimed, found, color=ORANGE, linewidth=2, label="gap")
        upper.plot(
            claimed, found, "o-", color=BLUE, markersize=4, linewidth=1.2,
            label=f"{metrics.level}: ECE {metrics.estimates['ece']}{ideal}",
        )  # fmt: skip
        upper.legend(loc="upper left")
        lower.bar((np.arange(ECE_BINS) + 0.5) / ECE_BINS, counts, 0.9 / ECE_BINS, color=BLUE, alpha=0.6)
        lower.set(xlabel="p_fake", ylabel=f"{metrics.level}s")


def histogram(predictions: Predictions, threshold: float, path: Path) -> None:
    """Draw how `p_fake` is distributed in each class, and the threshold.

    Args:
        predictions: samples of unknown label are left out.
        threshold: a score from here on is called fake.
        path: the PNG file.
    """
    with canvas(path) as figure:
        axes = figure.subplots()
        known = predictions.known()
        if not len(known):
            return not_defined(axes, "no sample of known label")
        for label in (REAL, FAKE):
            scores = known.p_fake[known.labels == label]
            name = f"{LABEL_NAMES[label]}, n = {len(scores):,}"
            counts, edges = np.histogram(scores, HISTOGRAM_BINS, (0.0, 1.0))
            # As shares of the class: with five fakes to a real, counts would hide the reals.
            share, colour = counts / max(len(scores), 1), CLASS_COLOURS[label]
            axes.stairs(share, edges, fill=True, color=colour, alpha=0.3)
            axes.stairs(share, edges, color=colour, linewidth=1.4, label=name)
        axes.axvline(threshold, color=INK, linewidth=1.2, linestyle="--", label=f"threshold {threshold:.3f}")
        axes.set(xlim=(-0.01, 1.01), ylim=(0, None), xlabel="p_fake", ylabel="share of the class")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)  # Bars may stand anywhere inside.


def _missing_class(predictions: Predictions) -> str:
    labels = predictions.labels
    missing = [LABEL_NAMES[label] for label in (REAL, FAKE) if not np.any(labels == label)]
    return f"no {' and no '.join(missing)} samples" if missing else ""


def _curve(predictions: Predictions, level: str) -> tuple[Array, Array]:
    """Counts of reals and fakes called fake as the threshold falls, each starting at 0."""
    known = predictions.at_level(level).known()
    return curve(known.labels, known.p_fake)


def _matrix(axes: "Axes", metrics: Metrics) -> None:
    counts = np.array(metrics.confusion)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Use half of the colour range, so that dark text stays readable on the darkest cell.
    axes.imshow(share, cmap="Blues", vmin=0, vmax=2)
    names = [LABEL_NAMES[REAL], LABEL_NAMES[FAKE]]
    axes.set_xticks([0, 1], [f"called {name}" for name in names])
    axes.set_yticks([0, 1], names, rotation=90, va="center")
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for (row, column), count in np.ndenumerate(counts):
        axes.text(column, row - 0.06, f"{count:,}", ha="center", va="center", size=14)
        part = f"{share[row, column]:.1%}" if counts[row].sum() else "none in the data"
        axes.text(column, row + 0.18, part, ha="center", va="center", size=9)
