"""What smaller numbers cost: the AUC of an export against that of the run, on the same faces."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from dfdetect.data.clips import InputSize, open_store
from dfdetect.data.faces import Rgb, Store
from dfdetect.data.opening import Data
from dfdetect.export.formats import Array
from dfdetect.metrics.comparison import Difference, Scored, bootstrap
from dfdetect.models.build import frames_of
from dfdetect.models.light import LightModel, Model
from dfdetect.predictions import Predictions
from dfdetect.runs.scoring import BATCH, score_crops
from face_extraction.errors import InputError
from face_extraction.manifest import UNKNOWN, of_split

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


def representative(data: Data, model: Model) -> Array:
    """Faces of the val split, evenly spaced over its rows, as a model takes them.

    Raises:
        InputError: there is none that can be read.
    """
    store = _store(data, model, "val", REPRESENTATIVE)
    return _stacked(store, _spread(len(store), REPRESENTATIVE)).astype(np.float32)


def measure_cost(data: Data, model: Model, score: Callable[[Array], Array]) -> Cost:
    """Score the test split by the run's model and by its export.

    Args:
        data: the faces.
        model: the run's.
        score: the export.

    Raises:
        InputError: the test split lacks a class.
    """
    store = _store(data, model, "test", None)
    if len({label for label in store.labels.tolist() if label != UNKNOWN}) < 2:
        raise InputError(f"{data.path}: its test split lacks reals or fakes; without both there is no AUC")
    models = LightModel(model.input_shape, "export", score), model
    parts = []
    for start in range(0, len(store), BATCH):
        crops = _stacked(store, range(start, min(start + BATCH, len(store))))
        parts.append([score_crops(one, crops) for one in models])
    scores = [np.concatenate(of_one).astype(np.float64) for of_one in zip(*parts, strict=True)]
    found = bootstrap([[Scored(Predictions(list(store.samples), each), 0.5)] for each in scores], ["auc"])
    after, before = found.points["auc"].tolist()
    return Cost(len(store), before, after, found.difference("auc", 0, 1))


def _stacked(store: Store, places: Iterable[int]) -> Rgb:
    return np.stack([store.load(place) for place in places])


def _spread(count: int, most: int) -> list[int]:
    """At most `most` places of `count`, evenly spaced."""
    return np.linspace(0, count - 1, min(count, most)).astype(int).tolist()  # type: ignore[no-any-return]


def _store(data: Data, model: Model, split: str, most: int | None) -> Store:
    rows = of_split(data.samples, split)
    if not rows:
        raise InputError(f"{data.path}: it has no rows of split {split!r}, which int8 needs")
    frames = frames_of(model)
    if most and not frames and len(rows) > most:
        rows = [rows[place] for place in _spread(len(rows), most)]
    store, _ = open_store(data.path.parent, rows, InputSize(model.input_shape[-2], frames), title=split)
    if not len(store):
        raise InputError(f"{data.path}: none of its {len(rows):,} faces of split {split!r} can be read")
    return store
