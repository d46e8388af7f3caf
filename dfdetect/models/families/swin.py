"""Swin-T (Liu et al. 2021): attention in shifted windows, on maps that shrink from stage to stage.

`vit` says why the graph is our own and not keras-hub's. keras-hub's also computes other windows than the
paper's if a map is not a multiple of 7.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dfdetect.models.presets import Preset
from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    from keras import KerasTensor

PATCH = 4
WIDTH = 96
DEPTHS = (2, 2, 6, 2)
HEADS = (3, 6, 12, 24)
EPSILON = 1e-5


def _dense(units: int, name: str, **settings: Any) -> Any:
    import keras

    start = keras.initializers.TruncatedNormal(stddev=0.02)
    return keras.layers.Dense(units, kernel_initializer=start, name=name, **settings)


def _block(x: "KerasTensor", heads: int, shifted: bool, drop: float, name: str) -> "KerasTensor":
    """Attention and a perceptron, each added to its input; with chance `drop` an image skips one of them."""
    from keras import layers

    from dfdetect.models.layers.windows import WindowAttention

    width, single = x.shape[-1], (None, 1, 1, 1)
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm1")(x)
    y = WindowAttention(heads, shifted=shifted, name=f"{name}_attention")(y)
    y = layers.Dropout(drop, noise_shape=single, name=f"{name}_drop1")(y)
    x = layers.Add(name=f"{name}_add1")([x, y])
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm2")(x)
    y = _dense(4 * width, f"{name}_dense1", activation="gelu")(y)
    y = _dense(width, f"{name}_dense2")(y)
    y = layers.Dropout(drop, noise_shape=single, name=f"{name}_drop2")(y)
    return layers.Add(name=f"{name}_add2")([x, y])


def _merge(x: "KerasTensor", name: str) -> "KerasTensor":
    """Join each 2x2 of places, and halve the channels: (B, h, w, c) to (B, h/2, w/2, 2c)."""
    from keras import layers

    _, height, width, channels = x.shape
    x = layers.Reshape((height // 2, 2, width // 2, 2, channels), name=f"{name}_split")(x)
    # By columns, then by rows: the order of the published weights.
    x = layers.Permute((1, 3, 4, 2, 5), name=f"{name}_order")(x)
    x = layers.Reshape((height // 2, width // 2, 4 * channels), name=f"{name}_join")(x)
    x = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm")(x)
    return _dense(2 * channels, f"{name}_dense", use_bias=False)(x)


def _weights(network: Any) -> Iterator[tuple[str, Sequence[Any]]]:
    """Our layers' names, each with its values from keras-hub's network."""
    yield "patch", network.patch_embedding.proj.weights
    yield "patch_norm", network.patch_embedding.norm.weights
    for stage, theirs in enumerate(network.stages, start=1):
        for number, block in enumerate(theirs.blocks, start=1):
            name, attention = f"stage{stage}_block{number}", block.attn
            yield f"{name}_norm1", block.norm1.weights
            parts = (attention.qkv, attention.proj)
            yield (
                f"{name}_attention",
                [attention.relative_position_bias_table, *(w for part in parts for w in part.weights)],
            )
            yield f"{name}_norm2", block.norm2.weights
            yield f"{name}_dense1", block.mlp.fc1.weights
            yield f"{name}_dense2", block.mlp.fc2.weights
        if theirs.downsample is not None:
            yield f"stage{stage}_merge_norm", theirs.downsample.norm.weights
            yield f"stage{stage}_merge_dense", theirs.downsample.reduction.weights
    yield "norm", network.norm.weights


SETTINGS = {
    "image_shape": (224, 224, 3),
    "patch_size": PATCH,
    "embed_dim": WIDTH,
    "depths": DEPTHS,
    "num_heads": HEADS,
    "window_size": 7,
}


@register(
    "swin_t",
    image_size=224,
    min_image_size=32,
    size_step=32,
    normalisation="torch",
    blocks=r"(stage\d_(?:block\d|merge))_",
    reference="https://arxiv.org/abs/2103.14030",
    pretrained="imagenet",
    preset=Preset("swin_tiny_patch4_window7_224", "SwinTransformerBackbone", SETTINGS, _weights),
)
def swin_t(image: "KerasTensor", *, drop_path: float = 0.2) -> Backbone:
    """Swin-T without its top: stem, 12 blocks, 3 mergings; 768 channels, stride 32.

    `drop_path` is the chance that an image skips a branch of the last block in training. The chance
    rises from 0 at the first block (stochastic depth; 0.2 in the paper).
    """
    from keras import layers

    x = layers.Conv2D(WIDTH, PATCH, PATCH, kernel_initializer="lecun_normal", name="patch")(image)
    x = layers.LayerNormalization(epsilon=EPSILON, name="patch_norm")(x)
    done = 0
    for stage, (depth, heads) in enumerate(zip(DEPTHS, HEADS, strict=True), start=1):
        for number in range(1, depth + 1):
            drop = drop_path * done / (sum(DEPTHS) - 1)
            x = _block(x, heads, number % 2 == 0, drop, f"stage{stage}_block{number}")
            done += 1
        if stage < len(DEPTHS):
            x = _merge(x, f"stage{stage}_merge")
    return Backbone(layers.LayerNormalization(epsilon=EPSILON, name="norm")(x))
