"""Batches for Keras: tf.data on the TensorFlow backend, NumPy batches on others."""

import math
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from dfdetect.data.faces import Pass
from dfdetect.data.features import FeatureBatches, FeatureStore
from face_extraction.machine import available_cores

if TYPE_CHECKING:
    import tensorflow as tf


def make_batches(faces: Pass) -> Any:
    """The (rgb, label, weight) batches of one pass, for `keras.Model.fit` and `predict`.

    `rgb` is uint8 of shape (B, image_size, image_size, 3), or (B, T, image_size, image_size, 3) for clips;
    `label` is float32 (B, 1), `weight` float32 (B,). Batches keep the order of the pass and cover all of it;
    the last can be smaller. A `FeatureStore` gives features in place of `rgb`.
    """
    if isinstance(faces.store, FeatureStore):
        return FeatureBatches(faces.store, faces)
    return make_dataset(faces) if keras.backend.backend() == "tensorflow" else NumpyBatches(faces)


def make_dataset(faces: Pass) -> "tf.data.Dataset":
    """The pass as a tf.data pipeline: load and augment on all cores, batch, prefetch two batches.

    tf.data's autotuning is off. Its thread sleeps for 10 ms, 20 ms, 40 ms and so on up to a minute, and the
    end of an epoch waits until it wakes (seen with TensorFlow 2.21): on a CPU a short epoch took up to twice
    as long.

    An exception in `load` ends the iteration with TensorFlow's error, whose text ends with ours. That is
    rare, because `dfdetect.data.faces.open_faces` has decoded each file before.
    """
    import tensorflow as tf

    if faces.together > 1:
        return _dataset_of_pairs(faces)
    labels, weights = faces.targets()

    def load(position: Any, label: Any, weight: Any) -> tuple[Any, Any, Any]:
        rgb = tf.numpy_function(faces.item, [position], tf.uint8, stateful=False)
        return tf.ensure_shape(rgb, faces.store.shape), label, weight

    positions = np.arange(len(faces.order))
    return (
        tf.data.Dataset.from_tensor_slices((positions, labels, weights))
        .map(load, num_parallel_calls=available_cores(), deterministic=True)
        .batch(faces.batch_size)
        .prefetch(2)
        .with_options(_options())
    )


def _dataset_of_pairs(faces: Pass) -> "tf.data.Dataset":
    """Like `make_dataset`, but one call makes both pictures of a pair."""
    import tensorflow as tf

    labels, weights = faces.targets()
    count, together = len(faces.order), faces.together

    def load(start: Any) -> tuple[Any, Any, Any]:
        def rows(first: Any) -> tuple[Any, Any, Any]:
            part = slice(int(first), min(int(first) + together, count))
            return faces.rows(part.start, part.stop), labels[part], weights[part]

        rgb, label, weight = tf.numpy_function(
            rows, [start], (tf.uint8, tf.float32, tf.float32), stateful=False
        )
        return (
            tf.ensure_shape(rgb, (None, *faces.store.shape)),
            tf.ensure_shape(label, (None, 1)),
            tf.ensure_shape(weight, (None,)),
        )

    return (
        tf.data.Dataset.from_tensor_slices(np.arange(0, count, together))
        .map(load, num_parallel_calls=available_cores(), deterministic=True)
        .unbatch()
        .batch(faces.batch_size)
        .apply(tf.data.experimental.assert_cardinality(faces.steps))
        .prefetch(2)
        .with_options(_options())
    )


def _options() -> Any:
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return options


class NumpyBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The pass as NumPy batches; one thread for each core loads faces.

    It loads ahead one batch more than it needs to give each thread a face, so memory grows with the
    number of cores by faces, not by batches.

    Keras' own workers gave the first batches in another order on the JAX backend (Keras 3.15).
    """

    def __init__(self, faces: Pass) -> None:
        super().__init__(workers=1)
        self._faces = faces
        self._targets = faces.targets()
        cores = available_cores()
        self._ahead = 1 + math.ceil(cores / faces.batch_size)
        self._pool = ThreadPoolExecutor(cores)
        self._coming: dict[int, list[Future[Any]]] = {}

    def __len__(self) -> int:
        """The number of batches."""
        return self._faces.steps

    def __getitem__(self, step: int) -> tuple[Any, Any, Any]:
        """Batch number `step`."""
        together = self._faces.together
        for number in range(step, min(step + 1 + self._ahead, len(self))):
            if number not in self._coming:
                rows = self._rows(number)
                self._coming[number] = [
                    self._pool.submit(self._faces.rows, start, min(start + together, rows.stop))
                    for start in range(rows.start, rows.stop, together)
                ]
        rgb = np.concatenate([part.result() for part in self._coming.pop(step)])
        rows = self._rows(step)
        labels, weights = self._targets
        return rgb, labels[rows], weights[rows]

    def _rows(self, step: int) -> slice:
        start = step * self._faces.batch_size
        return slice(start, min(start + self._faces.batch_size, len(self._faces.order)))
