"""AlexNet (Krizhevsky et al. 2012) with batch normalisation, and with a recurrent top.

Reports A and D train it on torchvision's networks, so this is torchvision's form: one tower of
64, 192, 384, 256 and 256 filters (Krizhevsky 2014). The two towers of 2012 only split the network
between two cards. Report D adds batch normalisation, here between each convolution and its ReLU.
"""

from typing import TYPE_CHECKING

from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    from keras import KerasTensor

# Filters, kernel, stride, and whether max pooling of 3x3 at stride 2 follows.
STAGES = (
    (64, 11, 4, True),
    (192, 5, 1, True),
    (384, 3, 1, False),
    (256, 3, 1, False),
    (256, 3, 1, True),
)


def _stages(image: "KerasTensor") -> "KerasTensor":
    """The five convolutions, and the layer `features`: 256 channels, 6x6 at 224 pixels.

    For clips (B, T, H, W, 3) the maps are (B, T, h, w, 256); each frame is treated as an image.
    """
    from keras import layers

    from dfdetect.models.head import mark_features
    from dfdetect.models.layers.frames import fold, unfold

    clips = len(image.shape) == 5
    x = fold(image) if clips else image
    for number, (filters, kernel, stride, pool) in enumerate(STAGES, start=1):
        name = f"stage{number}"
        # The first convolution is padded by 2, as torchvision's; the others keep the size.
        x = layers.ZeroPadding2D(2 if stride > 1 else kernel // 2, name=f"{name}_pad")(x)
        x = layers.Conv2D(filters, kernel, stride, kernel_initializer="he_normal", name=f"{name}_conv")(x)
        x = layers.BatchNormalization(name=f"{name}_bn")(x)
        x = layers.ReLU(name=f"{name}_relu")(x)
        if pool:
            x = layers.MaxPooling2D(3, 2, name=f"{name}_pool")(x)
    return mark_features(unfold(x, image.shape[1]) if clips else x)


@register(
    "alexnet",
    image_size=224,
    min_image_size=63,
    normalisation="torch",
    blocks=r"(stage\d)_",
    reference="https://arxiv.org/abs/1404.5997",
)
def alexnet(image: "KerasTensor", *, units: int = 4096) -> Backbone:
    """Five stages and two dense layers of `units`, each after dropout; a block is one stage.

    The first dense layer sees every place of the map, so weights of a whole model fit only one image
    size.
    """
    from keras import layers

    features = _stages(image)
    x = layers.Flatten(name="top_flatten")(features)
    for number in (1, 2):
        x = layers.Dropout(0.5, name=f"top_dropout{number}")(x)
        x = layers.Dense(units, activation="relu", name=f"top_dense{number}")(x)
    return Backbone(features, embedding=x)


@register(
    "alexnet_rnn",
    image_size=224,
    min_image_size=63,
    normalisation="torch",
    blocks=r"(stage\d)_",
    reference="Report A: AlexNet + RNN",
    clips=True,
)
def alexnet_rnn(image: "KerasTensor", *, units: int = 256) -> Backbone:
    """AlexNet with an LSTM of `units` in place of its dense layers; the last state is the embedding.

    Report A names neither the kind of recurrent layer nor its sequence. For single images the sequence is
    the rows of the last map, top first. For clips it is the frames, each averaged over its map,
    as in Guera and Delp 2018, "Deepfake Video Detection Using Recurrent Neural Networks" (section 3).
    """
    from keras import layers, ops

    features = _stages(image)
    if len(features.shape) == 5:
        x = ops.mean(features, axis=(2, 3))
    else:
        _, height, width, channels = features.shape
        x = layers.Reshape((height, width * channels), name="top_rows")(features)
    return Backbone(features, embedding=layers.LSTM(units, name="top_lstm")(x))
