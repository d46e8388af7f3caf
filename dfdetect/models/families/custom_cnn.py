"""The plain CNN of Report C, its first approach, trained from scratch.

The report is "Deep Fake Image Detection" by Mehta, Patel and Shah. It names convolution, pooling and dense
layers, but shows their sizes only in a figure. So the sizes here are our own, the usual ones: four 3x3
convolutions, each with max pooling, then a dense layer. The maps are averaged before the dense layer, so any
image size is accepted.
"""

from typing import TYPE_CHECKING

from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    from keras import KerasTensor

FILTERS = (32, 64, 128, 256)


@register(
    "custom_cnn",
    image_size=224,
    min_image_size=32,
    normalisation="unit",
    blocks=r"(stage\d)_",
    reference="Report C",
)
def custom_cnn(image: "KerasTensor", *, units: int = 128) -> Backbone:
    """Four stages of convolution and pooling, and a dense layer of `units`; a block is one stage."""
    from keras import layers

    from dfdetect.models.head import mark_features

    x = image
    for number, filters in enumerate(FILTERS, start=1):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"stage{number}_conv")(x)
        x = layers.MaxPooling2D(name=f"stage{number}_pool")(x)
    features = mark_features(x)
    x = layers.GlobalAveragePooling2D(name="top_pool")(features)
    return Backbone(features, embedding=layers.Dense(units, activation="relu", name="top_dense")(x))
