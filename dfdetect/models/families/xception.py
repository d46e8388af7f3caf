"""Xception (Chollet 2017): depthwise separable convolutions with residual connections."""

from typing import TYPE_CHECKING

from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    from keras import KerasTensor


# A block's shortcut has no fixed name, but comes after the block's first convolution.
@register(
    "xception",
    image_size=299,
    min_image_size=71,
    normalisation="tf",
    blocks=r"(block\d+)_",
    reference="https://arxiv.org/abs/1610.02357",
    pretrained="imagenet",
)
def xception(image: "KerasTensor", *, weights: str | None) -> Backbone:
    """Xception without its top: 14 blocks, 2048 channels, stride 32."""
    import keras

    network = keras.applications.Xception(include_top=False, input_tensor=image, weights=weights)
    return Backbone(network.output)
