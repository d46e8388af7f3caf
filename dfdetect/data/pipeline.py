"""Batches for Keras: tf.data on the TensorFlow backend, NumPy batches on any other."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from dfdetect.data.faces import Pass

if TYPE_CHECKING:
    import tensorflow as tf

# Batches made ahead while the model computes.
AHEAD = 2


def make_batches(faces: Pass) -> Any:
    """What `keras.Model.fit` and `predict` take for one pass: (rgb, label, weight) batches.

    `rgb` is uint8 of shape (B, image_size, image_size, 3), `label` float32 (B, 1), `weight` float32
    (B,). The order is that of the pass and complete, to the last, smaller batch.
    """
    return make_dataset(faces) if keras.backend.backend() == "tensorflow" else NumpyBatches(faces)


def make_dataset(faces: Pass) -> "tf.data.Dataset":
    """The pass as a tf.data pipeline: load and augment in parallel, batch, prefetch.

    An exception in a map ends the iteration with TensorFlow's error, whose text ends with ours.
    `dfdetect.data.faces.open_faces` has decoded each file before, so that this stays an exception.
    """
    import tensorflow as tf

    size = faces.store.image_size
    labels, weights = faces.targets()

    def load(position: Any, label: Any, weight: Any) -> tuple[Any, Any, Any]:
        rgb = tf.numpy_function(faces.face, [position], tf.uint8, stateful=False)
        return tf.ensure_shape(rgb, (size, size, 3)), label, weight

    positions = np.arange(len(faces.order))
    return (
        tf.data.Dataset.from_tensor_slices((positions, labels, weights))
        .map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(faces.batch_size)
        .prefetch(AHEAD)
    )


class NumpyBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The pass as NumPy batches, loaded by threads a few batches ahead."""

    def __init__(self, faces: Pass) -> None:
        super().__init__(workers=AHEAD, use_multiprocessing=False, max_queue_size=2 * AHEAD)
        self._faces = faces
        self._targets = faces.targets()
        self._pool = ThreadPoolExecutor(os.cpu_count())

    def __len__(self) -> int:
        """The number of batches."""
        return self._faces.steps

    def __getitem__(self, step: int) -> tuple[Any, Any, Any]:
        """Batch number `step`."""
        start = step * self._faces.batch_size
        rows = range(start, min(start + self._faces.batch_size, len(self._faces.order)))
        rgb = np.stack(list(self._pool.map(self._faces.face, rows)))
        labels, weights = self._targets
        return rgb, labels[rows.start : rows.stop], weights[rows.start : rows.stop]
