"""ResNet-18 (He et al. 2016): basic residual blocks of two 3x3 convolutions.

The layout is torchvision's, which Reports A and D used: shortcuts with a 1x1 convolution where the
shape changes (the paper's option B), convolutions without bias, padding on all sides. keras-hub's published
weights are those of timm's `resnet18.a1_in1k` (Wightman et al. 2021), a network of the same form.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dfdetect.models.presets import Preset
from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    from keras import KerasTensor

FILTERS = (64, 128, 256, 512)
STRIDES = (1, 2, 2, 2)
BLOCKS = (2, 2, 2, 2)


def _convolve(x: "KerasTensor", filters: int, kernel: int, stride: int, name: str) -> "KerasTensor":
    """Convolution and batch normalisation, padded equally on all sides at any stride."""
    from keras import layers

    if kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
    x = layers.Conv2D(
        filters,
        kernel,
        stride,
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(epsilon=1e-5, name=f"{name}_bn")(x)


def _block(x: "KerasTensor", filters: int, stride: int, name: str) -> "KerasTensor":
    from keras import layers

    shortcut = x
    if stride > 1:
        shortcut = _convolve(x, filters, 1, stride, f"{name}_0")
    x = _convolve(x, filters, 3, stride, f"{name}_1")
    x = layers.ReLU(name=f"{name}_1_relu")(x)
    x = _convolve(x, filters, 3, 1, f"{name}_2")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_out")(x)


def _weights(network: Any) -> Iterator[tuple[str, Sequence[Any]]]:
    """Our layers' names, each with its values from keras-hub's network.

    keras-hub calls the first block `stack0_block0`; we use the paper's name, `conv2_block1`.
    """

    def ours(found: re.Match[str]) -> str:
        stack, block = map(int, found.groups())
        return f"conv{stack + 2}_block{block + 1}"

    for layer in network.layers:
        if layer.weights:
            yield re.sub(r"stack(\d)_block(\d)", ours, layer.name), layer.weights


SETTINGS = {
    "input_conv_filters": FILTERS[:1],
    "input_conv_kernel_sizes": (7,),
    "stackwise_num_filters": FILTERS,
    "stackwise_num_blocks": BLOCKS,
    "stackwise_num_strides": STRIDES,
    "block_type": "basic_block",
}


@register(
    "resnet18",
    image_size=224,
    min_image_size=32,
    normalisation="torch",
    blocks=r"(conv\d_block\d)_",
    reference="https://arxiv.org/abs/1512.03385",
    pretrained="imagenet",
    preset=Preset("resnet_18_imagenet", "ResNetBackbone", SETTINGS, _weights),
)
def resnet18(image: "KerasTensor") -> Backbone:
    """ResNet-18 without its top: the stem and 8 basic blocks, 512 channels, stride 32."""
    from keras import layers

    x = _convolve(image, FILTERS[0], 7, 2, "conv1")
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)
    for stage, (filters, count, stride) in enumerate(zip(FILTERS, BLOCKS, STRIDES, strict=True), start=2):
        for number in range(1, count + 1):
            x = _block(x, filters, stride if number == 1 else 1, f"conv{stage}_block{number}")
    return Backbone(x)
