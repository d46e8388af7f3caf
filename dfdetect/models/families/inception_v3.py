"""Inception-v3 (Szegedy et al. 2016): parallel branches, concatenated."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    import keras
    from keras import KerasTensor

STEM_POOLS = 2


def modules(layers: "Sequence[keras.Layer]") -> list[str]:
    """Block names: the stem up to its second pooling, then a module up to each layer `mixedN`.

    Only the layers `mixedN` have fixed names; the first layer of a module has none.
    """
    import keras

    names, pools, module = [], 0, 0
    for layer in layers:
        names.append(f"mixed{module}" if pools == STEM_POOLS else "stem")
        if pools < STEM_POOLS:
            pools += isinstance(layer, keras.layers.MaxPooling2D)
        elif layer.name == f"mixed{module}":
            module += 1
    return names


# Report B's "last four layers": layers run in parallel in this network, so we read a layer as a module.
@register(
    "inception_v3",
    image_size=299,
    min_image_size=75,
    normalisation="tf",
    blocks=modules,
    reference="https://arxiv.org/abs/1512.00567",
    pretrained="imagenet",
    report_b="last:4",
)
def inception_v3(image: "KerasTensor", *, weights: str | None) -> Backbone:
    """Inception-v3 without its top: the stem and 11 modules, 2048 channels, stride 32."""
    import keras

    network = keras.applications.InceptionV3(include_top=False, input_tensor=image, weights=weights)
    return Backbone(network.output)
