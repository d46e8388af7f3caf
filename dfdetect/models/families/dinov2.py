"""DINOv2 with registers (Oquab et al. 2023; Darcet et al. 2024): a foundation backbone.

Detectors that generalise to other data keep such a backbone frozen and train only its layer normalisations
and the head: `trainable` "norm". It was trained without labels on 142 million images.
`vit` says why the graph is our own and not keras-hub's.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dfdetect.models.presets import Preset
from dfdetect.models.registry import Backbone, register
from dfdetect.models.transformers import Size, block_weights, facts

if TYPE_CHECKING:
    from keras import KerasTensor

PATCH = 14
# The published tables of positions are for images of 518 pixels.
GRID = 37
SIDE = PATCH * GRID
REGISTERS = 4
SIZES = {
    "s": Size(width=384, heads=6, preset="dinov2_with_registers_small"),
    "b": Size(width=768, heads=12, preset="dinov2_with_registers_base"),
}
REFERENCE = "https://arxiv.org/abs/2309.16588"
FACTS = facts(PATCH, normalisation="torch", reference=REFERENCE, pretrained="lvd142m")
# Where keras-hub's blocks have our layers.
LAYERS = {
    "norm1": "norm1",
    "attention": "attention",
    "scale1": "layer_scale1",
    "norm2": "norm2",
    "dense1": "mlp.fc1",
    "dense2": "mlp.fc2",
    "scale2": "layer_scale2",
}
# The first concerns other outputs than ours, a pyramid of maps; the second is keras-hub's default.
ALSO = {"apply_layernorm": (True,), "position_embedding_shape": ([SIDE, SIDE, 3],)}


def _dinov2(image: "KerasTensor", size: str) -> Backbone:
    """A DINOv2 ViT; the embedding is the class token and the mean of the patches, as in its linear probes.

    `features` are all tokens: the class token, four registers, the patches by rows.
    """
    from keras import layers

    from dfdetect.models.head import mark_features
    from dfdetect.models.layers.transformer import embed, encode

    form = SIZES[size]
    x = embed(image, patch=PATCH, width=form.width, grid=GRID, registers=REGISTERS)
    features = mark_features(encode(x, depth=form.depth, heads=form.heads, scaled=True))
    mean = layers.GlobalAveragePooling1D(name="top_pool")(features[:, 1 + REGISTERS :])
    return Backbone(features, embedding=layers.Concatenate(name="top_join")([features[:, 0], mean]))


def _weights(network: Any) -> Iterator[tuple[str, Sequence[Any]]]:
    """Our layers' names, each with its values from keras-hub's network."""
    stem = network.embeddings
    yield "patch", stem.patch_embeddings.projection.weights
    yield "tokens", [stem.cls_token, stem.register_tokens, stem.position_embeddings]
    yield from block_weights(network.encoder.layers, LAYERS)
    yield "norm", network.layernorm.weights


def _preset(size: str) -> Preset:
    settings = SIZES[size].settings(
        image_shape=(SIDE, SIDE, 3),
        position_embedding_shape=(SIDE, SIDE),
        patch_size=PATCH,
        num_register_tokens=REGISTERS,
    )
    return Preset(SIZES[size].preset, "DINOV2Backbone", settings, _weights, ALSO)


@register("dinov2_s14", preset=_preset("s"), **FACTS)
def dinov2_s14(image: "KerasTensor") -> Backbone:
    """DINOv2 ViT-S/14 with four registers: 12 blocks of 384 channels."""
    return _dinov2(image, "s")


@register("dinov2_b14", preset=_preset("b"), **FACTS)
def dinov2_b14(image: "KerasTensor") -> Backbone:
    """DINOv2 ViT-B/14 with four registers: 12 blocks of 768 channels."""
    return _dinov2(image, "b")
