"""DINOv2 with registers (Oquab et al. 2023; Darcet et al. 2024): a foundation backbone.

Detectors that generalise to other data keep such a backbone frozen and train only its layer normalisations
and the head: `trainable` "norm". It was trained without labels on 142 million images.
`vit` says why the graph is our own and not keras-hub's.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dfdetect.models.presets import Preset
from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    from keras import KerasTensor

PATCH = 14
# The published tables of positions are for images of 518 pixels.
GRID = 37
DEPTH = 12
REGISTERS = 4
WIDTHS = {"s": 384, "b": 768}
HEADS = {"s": 6, "b": 12}
# The first concerns other outputs than ours, a pyramid of maps; the second is keras-hub's default.
ALSO = {"apply_layernorm": (True,), "position_embedding_shape": ([PATCH * GRID, PATCH * GRID, 3],)}
PRESETS = {"s": "dinov2_with_registers_small", "b": "dinov2_with_registers_base"}


def _dinov2(image: "KerasTensor", size: str) -> Backbone:
    """A DINOv2 ViT; the embedding is the class token and the mean of the patches, as in its linear probes.

    `features` are all tokens: the class token, four registers, the patches by rows.
    """
    from keras import layers

    from dfdetect.models.head import mark_features
    from dfdetect.models.layers.transformer import embed, encode

    x = embed(image, patch=PATCH, width=WIDTHS[size], grid=GRID, registers=REGISTERS)
    features = mark_features(encode(x, depth=DEPTH, heads=HEADS[size], scaled=True))
    mean = layers.GlobalAveragePooling1D(name="top_pool")(features[:, 1 + REGISTERS :])
    return Backbone(features, embedding=layers.Concatenate(name="top_join")([features[:, 0], mean]))


def _weights(network: Any) -> Iterator[tuple[str, Sequence[Any]]]:
    """Our layers' names, each with its values from keras-hub's network."""
    stem = network.embeddings
    yield "patch", stem.patch_embeddings.projection.weights
    yield "tokens", [stem.cls_token, stem.register_tokens, stem.position_embeddings]
    for number, block in enumerate(network.encoder.layers, start=1):
        yield f"block{number}_norm1", block.norm1.weights
        yield f"block{number}_attention", block.attention.weights
        yield f"block{number}_scale1", block.layer_scale1.weights
        yield f"block{number}_norm2", block.norm2.weights
        yield f"block{number}_dense1", block.mlp.fc1.weights
        yield f"block{number}_dense2", block.mlp.fc2.weights
        yield f"block{number}_scale2", block.layer_scale2.weights
    yield "norm", network.layernorm.weights


def _facts(size: str) -> dict[str, Any]:
    """The facts to register for a size."""
    side = PATCH * GRID
    settings = {
        "image_shape": (side, side, 3),
        "position_embedding_shape": (side, side),
        "patch_size": PATCH,
        "num_layers": DEPTH,
        "num_heads": HEADS[size],
        "hidden_dim": WIDTHS[size],
        "intermediate_dim": 4 * WIDTHS[size],
        "num_register_tokens": REGISTERS,
    }
    return {
        "image_size": 224,
        "min_image_size": 2 * PATCH,
        "size_step": PATCH,
        "normalisation": "torch",
        "blocks": r"(block\d+)_",
        "reference": "https://arxiv.org/abs/2309.16588",
        "pretrained": "lvd142m",
        "preset": Preset(PRESETS[size], "DINOV2Backbone", settings, _weights, ALSO),
    }


@register("dinov2_s14", **_facts("s"))
def dinov2_s14(image: "KerasTensor") -> Backbone:
    """DINOv2 ViT-S/14 with four registers: 12 blocks of 384 channels."""
    return _dinov2(image, "s")


@register("dinov2_b14", **_facts("b"))
def dinov2_b14(image: "KerasTensor") -> Backbone:
    """DINOv2 ViT-B/14 with four registers: 12 blocks of 768 channels."""
    return _dinov2(image, "b")
