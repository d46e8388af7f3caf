"""DenseNet-121 (Huang et al. 2017): every layer sees all earlier maps of its stage."""

from typing import TYPE_CHECKING

from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    from keras import KerasTensor


# The network's closing batch normalisation belongs to the last block.
# Report B's "last five blocks": the network has only four dense blocks, so we read a block as one dense
# layer, as Keras names them. Five of torchvision's modules, from the second transition on, would be last:42.
@register(
    "densenet121",
    image_size=224,
    min_image_size=32,
    normalisation="torch",
    blocks=r"(conv[2-5]_block\d+|pool[2-4])_",
    reference="https://arxiv.org/abs/1608.06993",
    pretrained="imagenet",
    report_b="last:5",
)
def densenet121(image: "KerasTensor", *, weights: str | None) -> Backbone:
    """DenseNet-121 without its top: stem, 58 dense layers, 3 transitions; 1024 channels, stride 32."""
    import keras

    network = keras.applications.DenseNet121(include_top=False, input_tensor=image, weights=weights)
    return Backbone(network.output)
