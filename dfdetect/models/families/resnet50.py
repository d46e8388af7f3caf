"""ResNet-50 (He et al. 2016): bottleneck residual blocks."""

from typing import TYPE_CHECKING

from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    from keras import KerasTensor


# Report B's "last two layers": a single convolution is no unit of this network, so we read a layer as a
# bottleneck. In torchvision a layer is a stage: they would be last:9, or last:3 if one of them is the
# classifier.
@register(
    "resnet50",
    image_size=224,
    min_image_size=32,
    normalisation="caffe",
    blocks=r"(conv\d_block\d+)_",
    reference="https://arxiv.org/abs/1512.03385",
    pretrained="imagenet",
    report_b="last:2",
)
def resnet50(image: "KerasTensor", *, weights: str | None) -> Backbone:
    """ResNet-50 without its top: the stem and 16 bottlenecks, 2048 channels, stride 32."""
    import keras

    network = keras.applications.ResNet50(include_top=False, input_tensor=image, weights=weights)
    return Backbone(network.output)
