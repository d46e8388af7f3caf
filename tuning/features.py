"""Features of frozen backbones, computed once and shared by all trials, workers and restarts.

A search computes only once what does not change: if only the head is trained and nothing before it is
random, the values that enter the head's first trained or random layer depend only on the face.
With augmentation they also depend on (seed, epoch), and are kept for each epoch: trials with one seed
see the same augmented faces.
"""

import hashlib
import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from filelock import FileLock

from dfdetect.data.faces import Pass, Store
from dfdetect.data.features import FeatureStore, Vectors
from dfdetect.data.pipeline import make_batches
from dfdetect.models.blocks import backbone_layers
from dfdetect.models.weights import weights_origin
from dfdetect.recipe import Recipe
from dfdetect.runs.checkpoint import seed_generators
from dfdetect.runs.devices import dtype_policy
from face_extraction.atomic import atomic_path
from face_extraction.progress import progress

BATCH = 64


@dataclass(frozen=True)
class Reduced:
    """A model cut into two, where its trained or random part begins.

    Attributes:
        body: from faces to features; nothing in it is trained or random.
        head: from features to `p_fake`; its layers are those of the whole model.
    """

    body: keras.Model
    head: keras.Model


def reduce_model(model: keras.Model) -> Reduced | str:
    """Cut a model before its first layer that is trained or random.

    Returns:
        The two parts, or the reason why the model cannot be cut.
    """
    backbone = backbone_layers(model)
    for layer in backbone:
        if layer.trainable_variables:
            return f"the backbone is trained (from {layer.name})"
        if seed_generators(layer):
            return f"the backbone drops features at random in training ({layer.name})"
    names = {layer.name for layer in backbone}
    cut = model.get_layer("features").output
    for layer in model.layers:
        if layer.name in names:
            continue
        if layer.input is not cut or layer.variables or seed_generators(layer):
            break
        cut = layer.output
    # The parts need the model's policy too: by it, compiling decides whether the loss is scaled.
    with dtype_policy(model.dtype_policy.name):
        return Reduced(keras.Model(model.input, cut), keras.Model(cut, model.output))


class FeatureCache:
    """A folder with cached features.

    Args:
        folder: its path.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def store(
        self, reduced: Reduced, model: keras.Model, recipe: Recipe, images: Store, digest: str
    ) -> FeatureStore:
        """A store of the features of `images`.

        Args:
            reduced: the model, cut in two.
            model: the whole model.
            recipe: the recipe that the model was built from.
            images: the faces or clips.
            digest: SHA-256 of the manifest.
        """
        key = _key(model, recipe, images, digest)

        def compute(faces: Pass) -> Vectors:
            return self._table(reduced.body, faces, self.folder / key)

        return FeatureStore(images, compute)

    def _table(self, body: keras.Model, faces: Pass, folder: Path) -> Vectors:
        name = "plain"
        if faces.policy != "none":
            order = hashlib.sha256(faces.order.tobytes()).hexdigest()[:12]
            name = "-".join([faces.policy, *map(str, faces.seed), order])
        path = folder / f"{name}.npy"
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):  # another worker may be computing it
            if not path.is_file():
                with atomic_path(path) as temporary:
                    _compute(body, faces, temporary)
        table: Vectors = np.load(path, mmap_mode="r")
        return table


def _compute(body: keras.Model, faces: Pass, path: Path) -> None:
    """Write the features of a pass, in its order."""
    every = Pass(faces.store, faces.order, BATCH, faces.policy, faces.seed)
    shape = (len(faces.order), *body.output_shape[1:])
    # On disk, because the maps of a large backbone may not fit into memory.
    table = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    with progress("features", len(every.order), unit="faces") as advance:
        row = 0
        for rgb, _, _ in itertools.islice(make_batches(every), every.steps):
            values = np.asarray(body.predict_on_batch(rgb), dtype=np.float32)
            table[row : row + len(values)] = values
            row += len(values)
            advance(len(values))
    table.flush()


def _key(model: keras.Model, recipe: Recipe, images: Store, digest: str) -> str:
    """A file name that changes with anything that decides the features."""
    origin = weights_origin(model)
    facts = [
        recipe.model,
        recipe.normalisation,
        sorted(recipe.options.items()),
        [origin.source, origin.sha256],
        recipe.seed,  # it decides weights that come from no file
        images.shape,
        recipe.precision,
        keras.backend.backend(),
        digest,
        [sample.path for sample in images.samples],
    ]
    return f"{recipe.model}-{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]}"
