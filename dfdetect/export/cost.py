"""What smaller numbers cost: the AUC of an export against that of the run, on the same faces."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dfdetect.data.clips import InputSize, open_store
from dfdetect.data.faces import Store
from dfdetect.data.opening import Data
from dfdetect.export.formats import Array
from dfdetect.metrics.comparison import Difference, Scored, bootstrap
from dfdetect.models.build import frames_of
from dfdetect.models.light import LightModel
from dfdetect.predictions import Predictions
from dfdetect.runs.scoring import BATCH, score_crops
from face_extraction.errors import InputError
from face_extraction.manifest import UNKNOWN

if TYPE_CHECKING:
    from dfdetect.models.light import Model

REPRESENTATIVE = 128
"""Faces, or clips, from which the ranges of whole numbers are taken."""


class Cost(NamedTuple):
    """What an export costs on faces that its ranges were not taken from.

    Attributes:
        n: faces, or clips.
        before: the run's AUC.
        after: the export's.
        change: after minus before, with its paired 95 % interval over groups.
    """

    n: int
    before: float
    after: float
    change: Difference


def representative(data: Data, model: "Model") -> Array:
    """Faces of the val split, evenly spaced over its rows, as a model takes them.

    Raises:
        InputError: there is none that can be read.
    """
    store = _store(data, model, "val", REPRESENTATIVE)
    return np.stack([store.load(index) for index in range(len(store))]).astype(np.float32)


def measure_cost(data: Data, model: "Model", score: Callable[[Array], Array], batch: int | None) -> Cost:
    """Score the test split by the run's model and by its export.

    Args:
        data: the faces.
        model: the run's.
        score: the export.
        batch: how many the export takes at once; None for any number.

    Raises:
        InputError: the test split lacks a class.
    """
    store = _store(data, model, "test", None)
    if len({label for label in store.labels.tolist() if label != UNKNOWN}) < 2:
        raise InputError(f"{data.path}: its test split lacks reals or fakes; without both there is no AUC")
    step = batch or BATCH
    light = LightModel(model.input_shape, "export", lambda rgb: _in_steps(score, rgb, step))
    pair = []
    for one in (light, model):
        parts = [
            score_crops(
                one, np.stack([store.load(row) for row in range(start, min(start + BATCH, len(store)))])
            )
            for start in range(0, len(store), BATCH)
        ]
        pair.append([Scored(Predictions(list(store.samples), np.concatenate(parts).astype(np.float64)), 0.5)])
    found = bootstrap(pair, ["auc"])
    after, before = found.points["auc"].tolist()
    return Cost(len(store), before, after, found.difference("auc", 0, 1))


def _in_steps(score: Callable[[Array], Array], rgb: Array, step: int) -> Array:
    return np.concatenate([score(rgb[start : start + step]) for start in range(0, len(rgb), step)])


def _store(data: Data, model: "Model", split: str, most: int | None) -> Store:
    rows = [sample for sample in data.samples if sample.split == split]
    frames = frames_of(model)
    if most and not frames and len(rows) > most:
        rows = [rows[place] for place in np.linspace(0, len(rows) - 1, most).astype(int)]
    store, _ = open_store(data.path.parent, rows, InputSize(model.input_shape[-2], frames), title=split)
    if not len(store):
        raise InputError(f"{data.path}: no face of split {split} that can be read")
    return store
