"""The figures of a run, in the order and with the captions of its page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dfdetect.metrics.estimates import Metrics, useful_levels
from dfdetect.predictions import Predictions
from dfdetect.render.figures.cases import Load, case_sheet
from dfdetect.render.figures.curves import History, accuracy_curves, best_epoch, kept_because, loss_curves
from dfdetect.render.figures.plots import confusion, histogram, precision_recall, reliability, roc

FOLDER = "figures"


@dataclass(frozen=True)
class Figure:
    """A drawn figure.

    Attributes:
        file: its PNG file, relative to the run's folder, with forward slashes.
        title: a few words.
        caption: its content, in sentences.
        wide: it needs the whole width of a page.
        photo: it shows photos, whose colours a dark page must not change.
    """

    file: str
    title: str
    caption: str
    wide: bool = False
    photo: bool = False


Plan = tuple[Figure, Callable[[Path], None]]


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The data of a run's figures.

    Attributes:
        history: one row an epoch; empty for an untrained model.
        predictions: by split, for faces or clips; only the first split in `reading_order` is shown.
        metrics: of these predictions, by split and level.
        threshold: a score from here on is called fake.
        load: from a sample's path to its crop, uint8 RGB of shape (H, W, 3).
        monitor: the value that chose the best epoch.
        training_only: what the training loss contains and the validation loss lacks, in words.
    """

    history: History
    predictions: Mapping[str, Predictions]
    metrics: Mapping[str, Mapping[str, Metrics]]
    threshold: float
    load: Load
    monitor: str = "val_auc"
    training_only: Sequence[str] = ("dropout", "augmentation")


def draw_all(drawing: Drawing, folder: Path) -> list[Figure]:
    """Draw every figure that the data allow, into the folder "figures" in a run's folder.

    Returns:
        The figures in the order of display.
    """
    plans = _plans(drawing)
    for figure, draw in plans:
        draw(folder / figure.file)
    return [figure for figure, _ in plans]


def list_figures(drawing: Drawing) -> list[Figure]:
    """The figures that `draw_all` draws, in the same order."""
    return [figure for figure, _ in _plans(drawing)]


def _plans(drawing: Drawing) -> list[Plan]:
    plans = list(_history_plans(drawing.history, drawing.monitor, drawing.training_only))
    for split in reading_order(drawing.metrics)[:1]:
        plans += _score_plans(drawing, split)
    return plans


def reading_order(metrics: Mapping[str, Mapping[str, Metrics]]) -> list[str]:
    """The measured splits: "test" first, then the others, "val" last."""
    return sorted(
        (split for split in metrics if metrics[split]), key=lambda name: (name == "val") - (name == "test")
    )


def _history_plans(history: History, monitor: str, training_only: Sequence[str]) -> Iterator[Plan]:
    if not history:
        return
    best = best_epoch(history, monitor)
    kept = f" The model is that of epoch {best}, {kept_because(monitor)}." if best is not None else ""
    yield (
        Figure(
            f"{FOLDER}/loss.png",
            "Loss",
            f"Mean loss of each epoch, in training (with {', '.join(training_only)}) and in validation "
            f"(without).{kept}",
        ),
        lambda path: loss_curves(history, path, monitor=monitor),
    )
    yield (
        Figure(
            f"{FOLDER}/accuracy.png",
            "Accuracy by epoch",
            "Share of right decisions at p_fake 0.5, as during training, and AUC of the validation split. "
            "The tables use the chosen threshold instead.",
        ),
        lambda path: accuracy_curves(history, path, monitor=monitor),
    )


def _score_plans(drawing: Drawing, split: str) -> Iterator[Plan]:
    predictions, threshold = drawing.predictions[split], drawing.threshold
    levels = useful_levels(drawing.metrics[split])
    level = "face" if "face" in levels else next(iter(levels))
    scored = predictions.at_level(level)
    yield (
        Figure(
            f"{FOLDER}/roc.png",
            f"ROC curve, {split}",
            "Fakes found against false alarms at every threshold. Dots mark the equal error rate, diamonds "
            "the threshold in use. Brackets are 95 % intervals.",
        ),
        lambda path: roc(predictions, levels, path),
    )
    yield (
        Figure(
            f"{FOLDER}/precision_recall.png",
            f"Precision and recall, {split}",
            "Precision depends on the share of fakes in the data (dotted): guessing would give that line.",
        ),
        lambda path: precision_recall(predictions, levels, path),
    )
    yield (
        Figure(
            f"{FOLDER}/reliability.png",
            f"Calibration, {split}",
            "Share of fakes among samples with similar p_fake, in 15 bins of equal width, with their counts "
            "below. On the dotted line a p_fake of 0.8 would mean that 8 of 10 are fake.",
        ),
        lambda path: reliability(scored, levels[level], path),
    )
    yield (
        Figure(
            f"{FOLDER}/scores.png",
            f"Scores, {split}",
            "How p_fake is distributed in each class, as shares of that class. Everything right of the "
            "threshold is called fake.",
        ),
        lambda path: histogram(predictions, threshold, path),
    )
    yield (
        Figure(
            f"{FOLDER}/confusion.png",
            f"Confusion matrix, {split}",
            "Counts at the threshold; percentages are shares of the row, that is, of the true class.",
            wide=True,
        ),
        lambda path: confusion(levels, path),
    )
    yield (
        Figure(
            f"{FOLDER}/cases.png",
            f"Best and worst cases, {split}",
            "The surest decisions, right and wrong, with their p_fake: "
            + ("at most one face of each video." if "face" in levels else "the first face of each clip."),
            wide=True,
            photo=True,
        ),
        lambda path: case_sheet(predictions, threshold, drawing.load, path),
    )
