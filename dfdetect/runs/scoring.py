"""Score samples: none is dropped, no score is made up."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from dfdetect.data.clips import InputSize, open_store
from dfdetect.data.faces import Pass, Store
from dfdetect.models.build import frames_of
from dfdetect.models.light import LightModel, Model
from dfdetect.predictions import Predictions
from face_extraction.ledger import LedgerRow
from face_extraction.manifest import FaceSample

if TYPE_CHECKING:
    import keras

BATCH = 32
"""Faces, or clips, that `score_crops` scores at once."""


def score(
    model: "keras.Model",
    folder: Path,
    samples: Sequence[FaceSample],
    *,
    batch_size: int,
    title: str = "score",
) -> tuple[Predictions, list[LedgerRow]]:
    """Score every face once, or every clip if the model takes clips, in order.

    Args:
        model: a model of `dfdetect.models`.
        folder: the manifest's folder.
        samples: the samples to score; those with unknown labels too.
        batch_size: faces or clips a batch. It does not change the scores.
        title: the title of the progress bar.

    Returns:
        Predictions of the readable faces or clips, and a ledger row for each of the others. Together
        they cover all.
    """
    size = InputSize(model.input_shape[-2], frames_of(model))
    store, ledger = open_store(folder, samples, size, title=title)
    return Predictions(store.samples, score_store(model, store, batch_size)), ledger


def score_crops(model: Model, crops: NDArray[np.uint8], *, compiled: bool = True) -> NDArray[Any]:
    """`p_fake` of crops in memory, in their order: shape (n,), in the model's precision.

    Args:
        model: a model of `dfdetect.models`, or a light one.
        crops: at least one face or clip, as the model takes them.
        compiled: compile the model's function at its first use, which takes as long as scoring some 50 faces
            without. Only TensorFlow can do without.
    """
    score_batch = model.predict_on_batch
    if not compiled and not isinstance(model, LightModel) and _on_tensorflow():
        score_batch = partial(cast(Any, model), training=False)
    # Not `predict`: its tf.data pipeline can take as long to end as it ran.
    parts = [crops[start : start + BATCH] for start in range(0, len(crops), BATCH)]
    return np.concatenate([np.asarray(score_batch(part))[:, 0] for part in parts])


def _on_tensorflow() -> bool:
    import keras

    return bool(keras.backend.backend() == "tensorflow")


def score_store(model: "keras.Model", store: Store, batch_size: int) -> NDArray[np.float64]:
    """`p_fake` of everything in the store, in its order: float64 of shape (n,)."""
    from dfdetect.data.pipeline import make_batches

    if not len(store):
        return np.zeros(0)
    faces = Pass(store, np.arange(len(store)), batch_size)
    p_fake = model.predict(make_batches(faces), verbose=0)
    return np.asarray(p_fake, dtype=np.float64)[:, 0]
