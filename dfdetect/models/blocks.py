"""The blocks of a backbone, and which parts of a model are trained."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras

from face_extraction.errors import InputError

if TYPE_CHECKING:
    from dfdetect.models.registry import Family

STEM = "stem"
NORMALISATIONS = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
)


def backbone_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers that `features` depends on, input first; all others are the head."""
    layers: list[keras.Layer] = keras.Model(model.input, model.get_layer("features").output).layers
    return layers


def blocks(model: keras.Model, family: "Family") -> dict[str, list[keras.Layer]]:
    """The backbone's layers that have weights, by block, input first.

    The family's rule gives each layer's block. It is a function from the backbone's layers to block names,
    or a regular expression. If the expression matches a layer's name, its groups, joined, name the block; a
    layer that it does not match belongs to the block before it, or to the "stem" if there is none. Layers
    come in Keras' order, by depth in the graph, so names that Keras generates do not matter.
    """
    layers = backbone_layers(model)
    names = _named(layers, family.blocks) if isinstance(family.blocks, str) else family.blocks(layers)
    found: dict[str, list[keras.Layer]] = {}
    for layer, name in zip(layers, names, strict=True):
        if layer.weights:
            found.setdefault(name, []).append(layer)
    return found


def _named(layers: Sequence[keras.Layer], pattern: str) -> list[str]:
    names, current = [], STEM
    for layer in layers:
        if match := re.match(pattern, layer.name):
            current = "".join(group for group in match.groups() if group)
        names.append(current)
    return names


def set_trainable(model: keras.Model, family: "Family", trainable: str) -> None:
    """Choose what is trained; compile the model afterwards.

    Args:
        model: a model of the family.
        family: the family.
        trainable: "all"; "head": the layers after `features`; "last:N": the head and the last N
            blocks; "norm": the head and every batch, layer and group normalisation. Frozen batch
            normalisation uses its stored statistics and keeps them.

    Raises:
        InputError: `trainable` has another form, or the backbone has too few blocks or no normalisation.
    """
    found = blocks(model, family)
    # One by one: setting the model's own flag changes no layer if the flag is already true.
    for layer in model.layers:
        layer.trainable = True
    if trainable == "norm":
        frozen = [layer for layer in backbone_layers(model) if not isinstance(layer, NORMALISATIONS)]
        if all(layer in frozen for block in found.values() for layer in block):
            raise InputError(f"trainable 'norm': {family.name} has no normalisation layers; give head")
    else:
        count = _last(trainable, family.name, len(found))
        frozen = [layer for block in list(found.values())[: len(found) - count] for layer in block]
    for layer in frozen:
        layer.trainable = False


def _last(trainable: str, name: str, total: int) -> int:
    """The number of blocks, of `total`, that are trained."""
    if trainable in ("all", "head"):
        return total if trainable == "all" else 0
    word, _, number = trainable.partition(":")
    if word == "last" and number.isdecimal() and 1 <= int(number) <= total:
        return int(number)
    raise InputError(
        f"trainable {trainable!r}; accepted: all, head, norm, or last:N with N from 1 to {total}, "
        f"the number of blocks of {name}"
    )
