"""MobileNet v1 (Howard et al. 2017): depthwise and pointwise convolutions in turn."""

from typing import TYPE_CHECKING

from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    from keras import KerasTensor


# Report B's "last five layers", of a MobileNet whose version it does not name: we read a layer as a depthwise
# and a pointwise convolution, as the paper calls that pair.
@register(
    "mobilenet",
    image_size=224,
    min_image_size=32,
    normalisation="tf",
    blocks=r"(conv)_(?:pad|dw|pw)(_\d+)",
    reference="https://arxiv.org/abs/1704.04861",
    pretrained="imagenet",
    report_b="last:5",
)
def mobilenet(image: "KerasTensor", *, weights: str | None) -> Backbone:
    """MobileNet 1.0 without its top: the stem and 13 pairs, 1024 channels, stride 32."""
    import keras

    # This shape only chooses the download, weights trained at 224 pixels; the image may have any size.
    network = keras.applications.MobileNet(
        include_top=False, input_tensor=image, input_shape=(224, 224, 3), weights=weights
    )
    return Backbone(network.output)
