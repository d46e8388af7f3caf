"""ConvNeXt-Tiny (Liu et al. 2022): a convolutional network with the design of a transformer."""

from typing import TYPE_CHECKING, Any

from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    from keras import KerasTensor


# The network's closing layer normalisation belongs to the last block.
@register(
    "convnext_tiny",
    image_size=224,
    min_image_size=32,
    normalisation="torch",
    blocks=r"convnext_tiny_(?:(stage_\d_block_\d)|(downsampling)_(?:layernorm|conv)(_\d))",
    reference="https://arxiv.org/abs/2201.03545",
    pretrained="imagenet",
)
def convnext_tiny(image: "KerasTensor", *, weights: str | None) -> Backbone:
    """ConvNeXt-Tiny without its top: stem, 18 blocks, 3 downsamplings; 768 channels, stride 32.

    The closing layer normalisation comes before the pooling, as in Keras' network without a top; the paper's
    classifier pools first. It has the same weights, and it normalises the maps in `features`.
    Keras' own input normalisation has no weights and equals our "torch", so it is left out.
    """
    import keras

    from dfdetect.models.rewire import rewire

    network = keras.applications.ConvNeXtTiny(
        include_top=False, include_preprocessing=False, input_tensor=image, weights=weights
    )

    def call(layer: Any, *inputs: Any, **settings: Any) -> Any:
        # Keras nests the stem and the downsamplings; our graphs are flat.
        if not isinstance(layer, keras.Sequential):
            return layer(*inputs, **settings)
        (x,) = inputs
        for inner in layer.layers:
            x = inner(x)
        return x

    return Backbone(rewire(network, call))
