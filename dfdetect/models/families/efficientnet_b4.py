"""EfficientNet-B4 (Tan & Le 2019): inverted residual blocks with squeeze and excitation."""

import math
from typing import TYPE_CHECKING, Any

from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    import keras
    from keras import KerasTensor

# ImageNet's mean and deviation, for RGB in 0..1.
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


@register(
    "efficientnet_b4",
    image_size=380,
    min_image_size=32,
    normalisation="none",
    blocks=r"(block\d[a-z]|top)_",
    reference="https://arxiv.org/abs/1905.11946",
    pretrained="imagenet",
)
def efficientnet_b4(image: "KerasTensor", *, weights: str | None) -> Backbone:
    """EfficientNet-B4 without its top: stem, 32 blocks, last convolution; 1792 channels, stride 32.

    The network normalises by itself, in a layer whose weights are part of Keras' files.
    """
    import keras

    network = keras.applications.EfficientNetB4(include_top=False, input_tensor=image, weights=weights)
    return Backbone(_normalised(network, fresh=weights is None))


def _normalised(network: "keras.Model", fresh: bool) -> "KerasTensor":
    """Give the network the normalisation that it has with ImageNet weights, whatever its weights.

    Keras normalises by mean and VARIANCE, but its ImageNet files hold the deviation in place of the
    variance. Keras corrects this with a second scaling, but only if it downloads the weights itself.
    Without it, weights loaded from a file would see other pixels than in their training.

    Args:
        network: Keras' network.
        fresh: its weights are random; its normalisation is then set to ImageNet's.
    """
    import keras
    import numpy as np

    from dfdetect.models.rewire import rewire

    scalings = [layer for layer in network.layers if isinstance(layer, keras.layers.Rescaling)]
    factors = [1 / math.sqrt(deviation) for deviation in DEVIATION]
    finish = keras.layers.Rescaling(factors, dtype="float32")

    def call(layer: Any, *inputs: Any, **settings: Any) -> Any:
        if layer in scalings[1:]:
            return inputs[0]
        if layer is scalings[0]:
            layer.dtype_policy = "float32"
        if not isinstance(layer, keras.layers.Normalization):
            return layer(*inputs, **settings)
        # As in `normalise.Normalize`: half precision would round the pixels.
        layer.dtype_policy = "float32"
        if fresh:
            layer.set_weights([np.array(MEAN), np.array(DEVIATION), np.array(0)])
        layer.finalize_state()
        return finish(layer(*inputs))

    return rewire(network, call)
