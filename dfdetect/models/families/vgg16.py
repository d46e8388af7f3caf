"""VGG-16 (Simonyan & Zisserman 2015): 13 plain 3x3 convolutions."""

from typing import TYPE_CHECKING

from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    from keras import KerasTensor


# Report B's "last two layers": the last two convolutions, because our head replaces its dense layers.
@register(
    "vgg16",
    image_size=224,
    min_image_size=32,
    normalisation="caffe",
    blocks=r"(block\d_conv\d)",
    reference="https://arxiv.org/abs/1409.1556",
    pretrained="imagenet",
    report_b="last:2",
)
def vgg16(image: "KerasTensor", *, weights: str | None) -> Backbone:
    """VGG-16 without its dense layers; a block is one convolution; 512 channels, stride 32."""
    import keras

    network = keras.applications.VGG16(include_top=False, input_tensor=image, weights=weights)
    return Backbone(network.output)
