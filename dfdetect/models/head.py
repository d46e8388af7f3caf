"""The head that all families share: pool, optional dense layer, dropout, logit, `p_fake`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from keras import KerasTensor

    from dfdetect.models.registry import Backbone


def mark_features(features: "KerasTensor") -> "KerasTensor":
    """Pass the values through a layer named `features`, so that a family can build its own top on them."""
    return keras.layers.Identity(name="features")(features)


def attach(backbone: "Backbone", *, dense_units: int, dropout: float, seed: int) -> "KerasTensor":
    """Put the head on a backbone.

    Args:
        backbone: the result of the family's function.
        dense_units: units of a ReLU layer before the dropout; 0 = no such layer.
        dropout: share of the features dropped, 0 to 1.
        seed: seed of the dropout.

    Returns:
        `p_fake` of shape (B, 1), float32, 0 to 1.
    """
    x = backbone.embedding
    if x is None:
        features = mark_features(backbone.features)
        pool = {
            3: keras.layers.GlobalAveragePooling1D,
            4: keras.layers.GlobalAveragePooling2D,
        }[len(features.shape)]
        x = pool(name="head_pool")(features)
    if dense_units:
        x = keras.layers.Dense(dense_units, activation="relu", name="head_dense")(x)
    x = keras.layers.Dropout(dropout, seed=seed, name="head_dropout")(x)
    logit = keras.layers.Dense(1, dtype="float32", name="logit")(x)
    return keras.layers.Activation("sigmoid", dtype="float32", name="p_fake")(logit)


def logits_of(model: keras.Model) -> "KerasTensor":
    """The logits behind a model's `p_fake`, in its own graph: a layer may stand in the graphs of several."""
    history = model.output._keras_history
    return history.operation._inbound_nodes[history.node_index].input_tensors[0]


def in_head(layer: str) -> bool:
    """Whether a layer of this name belongs to the head; no pretrained backbone has such a layer."""
    return layer == "logit" or layer.startswith("head_")


def leave_head(random_layers: Iterable[str]) -> bool:
    """Whether layers of the head are among those left random, as after loading published weights."""
    return any(map(in_head, random_layers))


def penalise_kernels(model: keras.Model, l2: float) -> None:
    """Add `l2` times the sum of squares of every kernel to the loss.

    Keras counts the penalty only while the kernel is trainable. It reads the penalty from the variable, and
    ignores a layer's `kernel_regularizer` that is set after construction.
    """
    if l2:
        for variable in model.trainable_variables:
            if variable.name.endswith("kernel"):
                variable.regularizer = keras.regularizers.L2(l2)
