"""Figures of a training's history: loss and accuracy by epoch."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfdetect.recipe import lower_is_better
from dfdetect.render.figures.canvas import BLUE, GREEN, GREY, ORANGE, canvas, not_defined

if TYPE_CHECKING:
    from matplotlib.axes import Axes

History = Sequence[Mapping[str, Any]]


def best_epoch(history: History, monitor: str) -> int | None:
    """The epoch with the best `monitor`, the first if several are equal; for a loss the lowest is best.

    Returns:
        Its number in the history; None if no epoch has a value of that name.
    """
    rows = [row for row in history if not math.isnan(_number(row, monitor))]
    if not rows:
        return None
    sign = -1 if lower_is_better(monitor) else 1
    return int(max(rows, key=lambda row: sign * _number(row, monitor))["epoch"])


def kept_because(monitor: str) -> str:
    """Why an epoch was kept, in words."""
    return "the last" if monitor == "epoch" else f"the best by {monitor}"


def loss_curves(history: History, path: Path, *, monitor: str = "val_auc") -> None:
    """Draw the loss in training and validation, over the learning rate.

    Args:
        history: one row an epoch with the keys epoch, loss, val_loss and learning_rate.
        path: the PNG file.
        monitor: the value that chose the best epoch.
    """
    with canvas(path) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        curves = (("loss", "training", GREY, "--"), ("val_loss", "validation", BLUE, "-"))
        _draw(upper, history, curves, monitor)
        upper.set_ylabel("loss")
        _line(lower, history, ("learning_rate", "learning rate at the end", GREY, "-"))
        lower.set(xlabel="epoch", ylabel="rate", ylim=(0, None))
        lower.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2))


def accuracy_curves(history: History, path: Path, *, monitor: str = "val_auc") -> None:
    """Draw accuracy in training and validation, and validation AUC.

    Args:
        history: one row an epoch with the keys epoch, accuracy, val_accuracy and val_auc.
        path: the PNG file.
        monitor: the value that chose the best epoch.
    """
    with canvas(path) as figure:
        axes = figure.subplots()
        curves = (
            ("accuracy", "accuracy, training", GREY, "--"),
            ("val_accuracy", "accuracy, validation", BLUE, "-"),
            ("val_auc", "AUC, validation", GREEN, "-"),
        )
        _draw(axes, history, curves, monitor)
        axes.set(xlabel="epoch", ylabel="accuracy, AUC")


def _draw(axes: "Axes", history: History, curves: Sequence[tuple[str, str, str, str]], monitor: str) -> None:
    drawn = [_line(axes, history, curve) for curve in curves]
    if not any(drawn):
        not_defined(axes, "no epoch was trained")
        return
    for before, row in pairwise(history):
        if row.get("phase") != before.get("phase"):
            axes.axvline(row["epoch"] - 0.5, color=GREY, linewidth=0.8, label="end of the head's phase")
    best = best_epoch(history, monitor)
    if best is not None:
        axes.axvline(best, color=ORANGE, linewidth=1.2, linestyle=":", label=f"kept epoch: {best}")
    axes.legend()


def _line(axes: "Axes", history: History, curve: tuple[str, str, str, str]) -> bool:
    from matplotlib.ticker import MaxNLocator

    key, label, colour, style = curve
    values = [_number(row, key) for row in history]
    if all(math.isnan(value) for value in values):
        return False
    epochs = [row["epoch"] for row in history]
    # A dot keeps a lone epoch visible, or one between two without a value.
    marker = "o" if len(epochs) <= 40 else ""
    axes.plot(epochs, values, color=colour, linestyle=style, label=label, marker=marker, markersize=3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
    return True


def _number(row: Mapping[str, Any], key: str) -> float:
    value = row.get(key)
    return math.nan if value is None else float(value)
