"""MesoNet (Afchar et al. 2018): two small networks that look at mesoscopic properties of images.

The architectures follow section 3 of the paper and the layers of the authors' published code.
"""

from typing import TYPE_CHECKING, Any

from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    import keras
    from keras import KerasTensor


def flip_polarity(model: "keras.Model") -> None:
    """Turn the authors' output, in which 1 means REAL, into `p_fake`: sigmoid(-x) = 1 - sigmoid(x)."""
    for variable in model.get_layer("logit").weights:
        variable.assign(-variable.value)


FACTS: dict[str, Any] = {
    "image_size": 256,
    "min_image_size": 32,
    "normalisation": "unit",
    "blocks": r"(stage\d)_",
    "reference": "https://arxiv.org/abs/1809.00888",
    "adapt_legacy": flip_polarity,
}


def _finish(x: "KerasTensor", number: int, pool: int = 2) -> "KerasTensor":
    """Close a stage with batch normalisation and max pooling."""
    from keras import layers

    # Keras' default epsilon 1e-3 is also that of the authors' Keras 2.1.
    x = layers.BatchNormalization(name=f"stage{number}_bn")(x)
    return layers.MaxPooling2D(pool, padding="same", name=f"stage{number}_pool")(x)


def _stage(x: "KerasTensor", number: int, filters: int, kernel: int, pool: int = 2) -> "KerasTensor":
    from keras import layers

    name = f"stage{number}_conv"
    x = layers.Conv2D(filters, kernel, padding="same", activation="relu", name=name)(x)
    return _finish(x, number, pool)


def _inception(x: "KerasTensor", number: int, filters: tuple[int, int, int, int]) -> "KerasTensor":
    """Four branches: 1x1, and 1x1 followed by 3x3 with dilation 1, 2 and 3."""
    from keras import layers

    def convolve(x: "KerasTensor", branch: int, kernel: int, dilation: int = 1) -> "KerasTensor":
        return layers.Conv2D(
            filters[branch],
            kernel,
            padding="same",
            dilation_rate=dilation,
            activation="relu",
            name=f"stage{number}_branch{branch}_{kernel}x{kernel}",
        )(x)

    branches = [convolve(x, 0, 1)]
    branches += [convolve(convolve(x, branch, 1), branch, 3, dilation=branch) for branch in (1, 2, 3)]
    return _finish(layers.Concatenate(name=f"stage{number}_concat")(branches), number)


def _top(x: "KerasTensor") -> Backbone:
    """The authors' top without its last dropout, which the shared head's `dropout` replaces."""
    from keras import layers

    from dfdetect.models.head import mark_features

    features = mark_features(x)
    x = layers.Flatten(name="top_flatten")(features)
    x = layers.Dropout(0.5, name="top_dropout")(x)
    x = layers.Dense(16, name="top_dense")(x)
    return Backbone(features, embedding=layers.LeakyReLU(negative_slope=0.1, name="top_relu")(x))


@register("meso4", **FACTS)
def meso4(image: "KerasTensor") -> Backbone:
    """Meso-4: four convolutions. The authors' dropout is 0.5; their weights need 256 pixels."""
    x = _stage(image, 1, 8, kernel=3)
    x = _stage(x, 2, 8, kernel=5)
    x = _stage(x, 3, 16, kernel=5)
    return _top(_stage(x, 4, 16, kernel=5, pool=4))


@register("mesoinception4", **FACTS)
def mesoinception4(image: "KerasTensor") -> Backbone:
    """MesoInception-4: Meso-4 whose first two stages are inception modules with dilation."""
    x = _inception(image, 1, (1, 4, 4, 2))
    x = _inception(x, 2, (2, 4, 4, 2))
    x = _stage(x, 3, 16, kernel=5)
    return _top(_stage(x, 4, 16, kernel=5, pool=4))
