"""Precomputed features of faces, used in place of the faces."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from dfdetect.data.faces import Pass, Store

Vectors = NDArray[np.float32]


class FeatureStore:
    """The features that a model computes from the faces or clips of another store.

    Args:
        images: the faces or clips.
        compute: gives the features of a pass over `images`, float32 of shape (n, ...) in the pass's order.
            It is called many times with equal passes, so it should cache.
    """

    def __init__(self, images: Store, compute: Callable[[Pass], Vectors]) -> None:
        self.samples, self.labels, self.shape = images.samples, images.labels, images.shape
        self._images, self._compute = images, compute

    def __len__(self) -> int:
        """The number of faces or clips."""
        return len(self._images)

    def load(self, index: int) -> NDArray[np.uint8]:
        """Face or clip number `index` itself."""
        return self._images.load(index)

    def vectors(self, faces: Pass) -> tuple[Vectors, NDArray[np.int64]]:
        """The features of a pass over this store, as a table and the pass's row numbers in it.

        Without augmentation all passes share one table. With it, each (seed, epoch) has its own, because
        these decide the augmented faces.
        """
        if faces.policy == "none":
            every = Pass(self._images, np.arange(len(self)), faces.batch_size)
            return self._compute(every), faces.order
        same = Pass(self._images, faces.order, faces.batch_size, faces.policy, faces.seed)
        return self._compute(same), np.arange(len(faces.order))


class FeatureBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """A pass over a `FeatureStore` for Keras: every (features, label, weight) batch, in order."""

    def __init__(self, store: FeatureStore, faces: Pass) -> None:
        super().__init__(workers=1)
        self._faces = faces
        self._table, self._rows = store.vectors(faces)
        self._targets = faces.targets()

    def __len__(self) -> int:
        """The number of batches."""
        return self._faces.steps

    def __getitem__(self, step: int) -> tuple[Any, Any, Any]:
        """Batch number `step`."""
        rows = slice(step * self._faces.batch_size, (step + 1) * self._faces.batch_size)
        labels, weights = self._targets
        return np.asarray(self._table[self._rows[rows]]), labels[rows], weights[rows]
