"""The sheet of best and worst cases: the faces that a model was surest of, rightly and wrongly."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dfdetect.predictions import Predictions
from dfdetect.render.figures.canvas import CLASS_TEXT, FAINT, GREY, canvas
from dfdetect.render.text import shown_score
from face_extraction.ledger import ItemFailed
from face_extraction.manifest import FAKE, LABEL_NAMES, REAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Load = Callable[[str], NDArray[np.uint8]]
Units = NDArray[np.int64] | None

CASES = 8  # in a row
# True label, and the model's label.
ROWS = ((FAKE, FAKE), (REAL, REAL), (FAKE, REAL), (REAL, FAKE))


def case_sheet(predictions: Predictions, threshold: float, load: Load, path: Path) -> None:
    """Draw the surest right and wrong decisions for each class, at most one face a video.

    Args:
        predictions: of faces or clips; samples of unknown label are left out.
        threshold: a score from here on is called fake.
        load: from a sample's path to its crop, uint8 RGB of shape (H, W, 3). If it cannot read a crop
            (`OSError` or `ValueError`), a grey tile says so.
        path: the PNG file.
    """
    known = predictions.known()
    with canvas(path, 0.4 + 1.06 * CASES, 6.3) as figure:
        cells = figure.subplots(len(ROWS), CASES)
        for row, (label, called) in zip(cells, ROWS, strict=True):
            chosen = surest(known, label, called, threshold)[:CASES]
            for axes in row:
                axes.set_axis_off()
            verdict = "right" if label == called else "wrong"
            row[0].set_title(
                f"{LABEL_NAMES[label]}, called {LABEL_NAMES[called]} ({verdict})",
                loc="left", size=9.5, color=CLASS_TEXT[label], pad=6, weight="bold",
            )  # fmt: skip
            if not chosen:
                row[0].text(0, 0.5, "none", color=GREY, va="center")
            for axes, index in zip(row, chosen, strict=False):
                _tile(axes, known.samples[index].path, load)
                axes.text(
                    0.5, -0.05, shown_score(float(known.p_fake[index]), threshold),
                    ha="center", va="top", size=8.5, transform=axes.transAxes,
                )  # fmt: skip


def surest(
    predictions: Predictions, label: int, called: int, threshold: float, units: Units = None
) -> list[int]:
    """Indices of the samples of `label` that were called `called` most surely, one a video.

    Args:
        predictions: of faces or clips.
        label: their true label.
        called: the model's label at the threshold, 0 or 1.
        threshold: a score from here on is called fake.
        units: one of each of these instead, such as `predictions.groups`: numbers of shape (n,).

    Returns:
        The surest first; equal scores keep the order of the samples.
    """
    scores = predictions.p_fake
    mine = np.flatnonzero((predictions.labels == label) & ((scores >= threshold) == (called == FAKE)))
    order = mine[np.argsort(-scores[mine] if called == FAKE else scores[mine], kind="stable")]
    _, first = np.unique((predictions.videos if units is None else units)[order], return_index=True)
    return [int(index) for index in order[np.sort(first)]]


def _tile(axes: "Axes", path: str, load: Load) -> None:
    try:
        axes.imshow(load(path), aspect="equal")
    except (OSError, ItemFailed):
        axes.imshow(np.full((8, 8, 3), 0.93), aspect="equal")
        axes.text(3.5, 3.5, "not\nreadable", ha="center", va="center", size=8, color=GREY)
    axes.set_axis_on()
    axes.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
    axes.grid(False)
    axes.spines[:].set(visible=True, color=FAINT)
