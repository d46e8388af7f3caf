"""The vision transformer of Dosovitskiy et al. (2021) at patch 16, in four sizes.

The graph is our own, made of Keras' layers. keras-hub nests its blocks in one layer, and its wheels and
dependencies (275 MB with tensorflow-text, which ties TensorFlow to its own release) would serve only
downloads. The extra `hub` installs it for published weights; see `presets`.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dfdetect.models.presets import Preset
from dfdetect.models.registry import Backbone, register

if TYPE_CHECKING:
    from keras import KerasTensor

PATCH = 16
# Patches on a side at 224 pixels, the size of the published tables of positions.
GRID = 14
DEPTHS = {"ti": 12, "s": 12, "b": 12, "l": 24}
WIDTHS = {"ti": 192, "s": 384, "b": 768, "l": 1024}
HEADS = {"ti": 3, "s": 6, "b": 12, "l": 16}
# keras-hub's names of the weights trained on ImageNet-21k and tuned on ImageNet; ti and s have none.
PRESETS = {"b": "vit_base_patch16_224_imagenet", "l": "vit_large_patch16_224_imagenet"}


def _vit(image: "KerasTensor", size: str) -> Backbone:
    """A ViT without its top; the embedding is the class token, as in the paper.

    `features` are all tokens, the class token first, then the patches by rows. After the last block
    the logit no longer depends on the patches, so a heat map has to start before the last
    attention, at the layer `block12_norm1` (ViT-L: `block24_norm1`).
    """
    from dfdetect.models.head import mark_features
    from dfdetect.models.layers.transformer import embed, encode

    x = embed(image, patch=PATCH, width=WIDTHS[size], grid=GRID)
    features = mark_features(encode(x, depth=DEPTHS[size], heads=HEADS[size]))
    return Backbone(features, embedding=features[:, 0])


def _weights(network: Any) -> Iterator[tuple[str, Sequence[Any]]]:
    """Our layers' names, each with its values from keras-hub's network."""
    stem, encoder = (network.get_layer(f"vit_{part}") for part in ("patching_and_embedding", "encoder"))
    yield "patch", stem.patch_embedding.weights
    yield "tokens", [stem.class_token, stem.position_embedding.embeddings]
    for number, block in enumerate(encoder.encoder_layers, start=1):
        yield f"block{number}_norm1", block.layer_norm_1.weights
        yield f"block{number}_attention", block.mha.weights
        yield f"block{number}_norm2", block.layer_norm_2.weights
        yield f"block{number}_dense1", block.mlp.dense_1.weights
        yield f"block{number}_dense2", block.mlp.dense_2.weights
    yield "norm", encoder.layer_norm.weights


def _facts(size: str) -> dict[str, Any]:
    """The facts to register for a size."""
    side = PATCH * GRID
    settings = {
        "image_shape": (side, side, 3),
        "patch_size": (PATCH, PATCH),
        "num_layers": DEPTHS[size],
        "num_heads": HEADS[size],
        "hidden_dim": WIDTHS[size],
        "mlp_dim": 4 * WIDTHS[size],
    }
    return {
        "image_size": side,
        "min_image_size": 2 * PATCH,
        "size_step": PATCH,
        "normalisation": "tf",
        "blocks": r"(block\d+)_",
        "reference": "https://arxiv.org/abs/2010.11929",
        "pretrained": "imagenet" if size in PRESETS else "",
        "preset": Preset(PRESETS.get(size, ""), "ViTBackbone", settings, _weights),
    }


@register("vit_ti16", **_facts("ti"))
def vit_ti16(image: "KerasTensor") -> Backbone:
    """ViT-Ti/16: 12 blocks of 192 channels (sizes of Touvron et al. 2021)."""
    return _vit(image, "ti")


@register("vit_s16", **_facts("s"))
def vit_s16(image: "KerasTensor") -> Backbone:
    """ViT-S/16: 12 blocks of 384 channels (sizes of Touvron et al. 2021)."""
    return _vit(image, "s")


# Report B fine-tunes "the last transformer block" of a ViT whose size it does not name.
@register("vit_b16", report_b="last:1", **_facts("b"))
def vit_b16(image: "KerasTensor") -> Backbone:
    """ViT-B/16: 12 blocks of 768 channels."""
    return _vit(image, "b")


@register("vit_l16", **_facts("l"))
def vit_l16(image: "KerasTensor") -> Backbone:
    """ViT-L/16: 24 blocks of 1024 channels."""
    return _vit(image, "l")
