"""Figures: what they draw, and what they do when there is nothing to draw."""

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from dfdetect.metrics.estimates import LEVELS, Metrics, compute_metrics, useful_levels
from dfdetect.predictions import Predictions
from dfdetect.render.figures.cases import case_sheet, surest
from dfdetect.render.figures.curves import History, accuracy_curves, best_epoch, loss_curves
from dfdetect.render.figures.drawing import Drawing, Figure, draw_all, reading_order
from dfdetect.render.figures.plots import confusion, histogram, precision_recall, reliability, roc
from face_extraction.manifest import FaceSample

PNG = b"\x89PNG\r\n\x1a\n"
HISTORY = [
    {"epoch": 1.0, "loss": 0.7, "accuracy": 0.5, "val_loss": 0.6, "val_accuracy": 0.6, "val_auc": 0.7},
    {"epoch": 2.0, "loss": 0.5, "accuracy": 0.8, "val_loss": 0.4, "val_accuracy": 0.7, "val_auc": 0.9},
    {"epoch": 3.0, "loss": 0.3, "accuracy": 0.9, "val_loss": 0.5, "val_accuracy": 0.8, "val_auc": 0.9},
]


def make(labels: list[int], scores: list[float], videos: list[str] | None = None) -> Predictions:
    names = videos or [""] * len(labels)
    samples = [
        FaceSample(f"{index}.png", label, "test", str(index), video=video)
        for index, (label, video) in enumerate(zip(labels, names, strict=True))
    ]
    return Predictions(samples, np.array(scores, dtype=np.float64))


def measured(predictions: Predictions, threshold: float = 0.5) -> dict[str, Metrics]:
    return {
        level: compute_metrics(predictions, threshold=threshold, level=level, resamples=50)
        for level in LEVELS
    }


def load(path: str) -> NDArray[np.uint8]:
    return np.full((20, 16, 3), int(path.split(".")[0]) % 256, dtype=np.uint8)


def texts(figure: Canvas) -> str:
    """All words in a figure."""
    found = [text.get_text() for axes in figure.axes for text in axes.texts]
    for axes in figure.axes:
        found += [axes.get_title("left"), axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
        legend = axes.get_legend()
        found += [text.get_text() for text in legend.get_texts()] if legend else []
    return "\n".join(found)


def line(figure: Canvas, start: str) -> NDArray[np.float64]:
    """The points of the line whose label starts so, shape (points, 2)."""
    lines = [line for axes in figure.axes for line in axes.lines]
    return np.asarray(next(each for each in lines if str(each.get_label()).startswith(start)).get_xydata())


CLIPS = make([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.4, 0.4, 0.5, 0.9], ["a", "a", "b", "c", "d", "b"])


def test_best_epoch_is_the_first_of_equals_and_the_lowest_loss() -> None:
    assert best_epoch(HISTORY, "val_auc") == 2
    assert best_epoch(HISTORY, "val_loss") == 2
    assert best_epoch(HISTORY, "val_accuracy") == 3
    assert best_epoch([{"epoch": 1, "val_auc": math.nan}, {"epoch": 2, "val_auc": 0.1}], "val_auc") == 2
    assert best_epoch([{"epoch": 1, "val_auc": math.nan}, {"epoch": 2}], "val_auc") is None


def test_curves_show_the_history_and_mark_the_best_epoch(tmp_path: Path, drawn: list[Canvas]) -> None:
    loss_curves(HISTORY, tmp_path / "loss.png")
    accuracy_curves(HISTORY, tmp_path / "accuracy.png", monitor="val_accuracy")
    np.testing.assert_allclose(line(drawn[0], "validation"), [[1, 0.6], [2, 0.4], [3, 0.5]])
    np.testing.assert_allclose(line(drawn[1], "accuracy, training"), [[1, 0.5], [2, 0.8], [3, 0.9]])
    assert "kept epoch: 2" in texts(drawn[0])
    assert line(drawn[1], "kept epoch")[:, 0].tolist() == [3, 3]


@pytest.mark.parametrize("history", [[], [{"epoch": 1}], [{"epoch": 1, "loss": None, "val_loss": math.nan}]])
def test_curves_of_nothing_say_so(tmp_path: Path, drawn: list[Canvas], history: list[Any]) -> None:
    loss_curves(history, tmp_path / "loss.png")
    accuracy_curves(history, tmp_path / "accuracy.png")
    assert all("not defined" in texts(figure) for figure in drawn)


def test_roc_is_the_curve_with_its_points_and_intervals(tmp_path: Path, drawn: list[Canvas]) -> None:
    metrics = {"face": compute_metrics(make([0, 0, 1, 0, 1], [0.1, 0.2, 0.4, 0.4, 0.5]), threshold=0.45)}
    roc(make([0, 0, 1, 0, 1], [0.1, 0.2, 0.4, 0.4, 0.5]), metrics, tmp_path / "roc.png")
    curve = [[0, 0], [0, 1 / 2], [1 / 3, 1], [2 / 3, 1], [1, 1]]
    np.testing.assert_allclose(line(drawn[0], "face: AUC"), curve)
    np.testing.assert_allclose(line(drawn[0], "face: EER"), [[0.2, 0.8]])
    np.testing.assert_allclose(line(drawn[0], "face: at threshold 0.450"), [[0, 0.5]])
    assert str(metrics["face"].estimates["auc"]) in texts(drawn[0])


def test_precision_recall_steps_have_the_area_of_average_precision(
    tmp_path: Path, drawn: list[Canvas]
) -> None:
    precision_recall(CLIPS, measured(CLIPS), tmp_path / "pr.png")
    for level in LEVELS:
        points = line(drawn[0], f"{level}: average precision")
        area = float((np.diff(points[:, 0]) * points[1:, 1]).sum())
        assert area == pytest.approx(measured(CLIPS)[level].estimates["average_precision"].value)


def test_confusion_shows_counts_and_row_percentages(tmp_path: Path, drawn: list[Canvas]) -> None:
    predictions = make([0, 0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.8, 0.9, 0.2])
    confusion({"face": measured(predictions)["face"]}, tmp_path / "confusion.png")
    shown = [text.get_text() for text in drawn[0].axes[0].texts]
    assert shown == ["3", "75.0%", "1", "25.0%", "1", "50.0%", "1", "50.0%"]


def test_reliability_shows_bins_and_counts(tmp_path: Path, drawn: list[Canvas]) -> None:
    predictions = make([0, 1, 1, 1], [0.02, 0.04, 0.5, 1.0])
    reliability(predictions, measured(predictions)["face"], tmp_path / "reliability.png")
    np.testing.assert_allclose(line(drawn[0], "face: ECE"), [[0.03, 0.5], [0.5, 1], [1, 1]])
    heights = [bar.get_height() for bar in drawn[0].axes[1].patches]  # type: ignore[attr-defined]
    assert heights == [2, *[0] * 6, 1, *[0] * 6, 1]


def test_histogram_shows_shares_of_each_class(tmp_path: Path, drawn: list[Canvas]) -> None:
    histogram(make([0, 1, 1, 1, 1, -1], [0.0, 0.9, 0.9, 1.0, 0.2, 0.5]), 0.7, tmp_path / "scores.png")
    outlines = [patch for patch in drawn[0].axes[0].patches if str(patch.get_label()).startswith("fake")]
    values = outlines[0].get_data().values  # type: ignore[attr-defined]
    assert values.sum() == pytest.approx(1.0)
    assert values[36] == 0.5
    assert "real, n = 1\nfake, n = 4\nthreshold 0.700" in texts(drawn[0])
    axes = drawn[0].axes[0]
    legend = axes.get_legend()
    assert legend is not None
    assert legend.get_window_extent().y0 >= axes.get_window_extent().y1  # bars may stand anywhere


def test_a_case_beside_the_threshold_shows_on_which_side_it_is(tmp_path: Path, drawn: list[Canvas]) -> None:
    case_sheet(make([0, 1], [0.49999, 0.9]), 0.5, load, tmp_path / "cases.png")
    assert {"0.49999", "0.900"} <= set(texts(drawn[0]).splitlines())


def test_surest_cases_are_ordered_and_one_a_clip() -> None:
    labels, scores = [1, 1, 1, 1, 0, -1], [0.9, 0.95, 0.2, 0.6, 0.99, 1.0]
    predictions = make(labels, scores, ["a", "a", "b", "c", "d", "e"])
    assert surest(predictions, label=1, called=1, threshold=0.5) == [1, 3]
    assert surest(predictions, label=1, called=0, threshold=0.5) == [2]
    assert surest(predictions, label=0, called=1, threshold=0.5) == [4]
    assert surest(predictions, label=0, called=0, threshold=0.5) == []
    many = make([1] * 20, list(np.linspace(0.6, 1, 20)))
    assert surest(many, label=1, called=1, threshold=0.5) == list(range(19, -1, -1))
    units = np.array([0, 1, 2, 0, 4, 5])
    assert surest(predictions, label=1, called=1, threshold=0.5, units=units) == [1, 0]


def test_the_sheet_says_none_and_shows_what_cannot_be_read(tmp_path: Path, drawn: list[Canvas]) -> None:
    def broken(path: str) -> NDArray[np.uint8]:
        if path == "1.png":
            raise OSError(path)
        return load(path)

    case_sheet(make([1, 0], [0.9, 0.1]), 0.5, broken, tmp_path / "cases.png")
    words = texts(drawn[0])
    assert words.count("none") == 2
    assert words.count("not\nreadable") == 1
    assert "0.900" in words
    assert "0.100" in words


DRAW: dict[str, Callable[[Predictions, dict[str, Metrics], Path], None]] = {
    "roc": roc,
    "precision_recall": precision_recall,
    "confusion": lambda _, metrics, path: confusion(metrics, path),
    "reliability": lambda predictions, metrics, path: reliability(predictions, metrics["face"], path),
    "histogram": lambda predictions, _, path: histogram(predictions, 0.5, path),
    "cases": lambda predictions, _, path: case_sheet(predictions, 0.5, load, path),
}


@pytest.mark.parametrize("labels", [[], [-1], [0], [1, 1], [0, 1]])
@pytest.mark.parametrize("name", DRAW)
def test_tiny_and_one_class_data_give_a_figure(
    tmp_path: Path, drawn: list[Canvas], name: str, labels: list[int]
) -> None:
    predictions = make(labels, [0.5] * len(labels))
    DRAW[name](predictions, measured(predictions), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(PNG)
    if name in ("roc", "precision_recall"):
        assert ("not defined" in texts(drawn[0])) == (labels != [0, 1])


def test_a_missing_class_is_named(tmp_path: Path, drawn: list[Canvas]) -> None:
    predictions = make([1, 1], [0.2, 0.8])
    roc(predictions, measured(predictions), tmp_path / "roc.png")
    assert "no real samples" in texts(drawn[0])


def test_test_comes_first_and_val_last() -> None:
    one = measured(CLIPS)
    assert reading_order({"val": one, "all": one, "test": one, "empty": {}}) == ["test", "all", "val"]


def test_a_level_that_repeats_another_is_left_out() -> None:
    stills = make([0, 1], [0.1, 0.9])
    assert list(useful_levels(measured(stills))) == ["face"]
    assert list(useful_levels(measured(CLIPS))) == ["face", "video"]


def drawn_of(
    folder: Path, history: History = (), predictions: Any = MappingProxyType({}), **more: Any
) -> list[Figure]:
    metrics = {split: measured(scored) for split, scored in predictions.items()}
    drawing = Drawing(
        history=history, predictions=predictions, metrics=metrics, threshold=0.5, load=load, **more
    )
    return draw_all(drawing, folder)


def test_draw_all_writes_what_it_lists_and_prefers_the_test_split(tmp_path: Path) -> None:
    figures = drawn_of(tmp_path, HISTORY, {"val": CLIPS, "test": CLIPS})
    assert [figure.file.split("/")[1] for figure in figures] == [
        "loss.png", "accuracy.png", "roc.png", "precision_recall.png", "reliability.png", "scores.png",
        "confusion.png", "cases.png",
    ]  # fmt: skip
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")} == {f.file for f in figures}
    assert all(figure.title.endswith(", test") for figure in figures[2:])
    assert "epoch 2" in figures[0].caption


def test_the_losses_caption_names_what_training_alone_has(tmp_path: Path) -> None:
    only = ("dropout", "label smoothing")
    (loss, *_) = drawn_of(tmp_path, HISTORY, training_only=only)
    assert "in training (with dropout, label smoothing) and in validation (without)." in loss.caption


def test_draw_all_without_a_test_split_or_a_history(tmp_path: Path) -> None:
    figures = drawn_of(tmp_path, predictions={"val": CLIPS})
    assert len(figures) == 6
    assert all(figure.title.endswith(", val") for figure in figures)
    assert drawn_of(tmp_path) == []


def test_equal_data_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        histogram(CLIPS, 0.5, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_failed_drawing_leaves_the_old_figure(tmp_path: Path) -> None:
    def fail(path: str) -> NDArray[np.uint8]:
        raise RuntimeError(path)

    path = tmp_path / "cases.png"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError):
        case_sheet(CLIPS, 0.5, fail, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_matplotlib_comes_with_the_first_figure_and_pyplot_never(tmp_path: Path) -> None:
    code = f"""
import sys, pathlib, numpy
import dfdetect.render.run_page
from dfdetect.predictions import Predictions
assert not any(name.startswith(("matplotlib", "sklearn", "keras", "tensorflow")) for name in sys.modules)
from dfdetect.render.figures.plots import histogram
histogram(Predictions([], numpy.empty(0)), 0.5, pathlib.Path({str(tmp_path / "x.png")!r}))
assert "matplotlib.figure" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
