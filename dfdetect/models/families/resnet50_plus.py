"""ResNet-50 with one added layer, of Report B ("Deepfake Project").

The report lists "ResNet-50 with adding one layer" beside the plain one, but not which layer or how wide it
is. Here it is the usual one: a ReLU layer of 512 units on the pooled features. `resnet50` with `dense_units`
512 computes the same; this name is for the row of the report's table.
"""

from typing import TYPE_CHECKING

from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    from keras import KerasTensor


# Report B does not say how far this row is fine-tuned: we take the same as for `resnet50`.
@register(
    "resnet50_plus",
    image_size=224,
    min_image_size=32,
    normalisation="caffe",
    blocks=r"(conv\d_block\d+)_",
    reference="Report B",
    pretrained="imagenet",
    report_b="last:2",
)
def resnet50_plus(image: "KerasTensor", *, weights: str | None, units: int = 512) -> Backbone:
    """The backbone of `resnet50`, and a dense layer of `units` on its pooled features."""
    import keras
    from keras import layers

    from dfdetect.models.head import mark_features

    network = keras.applications.ResNet50(include_top=False, input_tensor=image, weights=weights)
    features = mark_features(network.output)
    x = layers.GlobalAveragePooling2D(name="top_pool")(features)
    return Backbone(features, embedding=layers.Dense(units, activation="relu", name="top_dense")(x))
