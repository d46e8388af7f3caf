"""The vision transformer of Dosovitskiy et al. (2021) at patch 16, in four sizes.

The graph is our own, made of Keras' layers. keras-hub nests its blocks in one layer, and its wheels and
dependencies (275 MB with tensorflow-text, which ties TensorFlow to its own release) would serve only
downloads. The extra `hub` installs it for published weights; see `presets`.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dfdetect.models.presets import Preset
from dfdetect.models.registry import Backbone, register
from dfdetect.models.transformers import Size, block_weights, facts

if TYPE_CHECKING:
    from keras import KerasTensor

PATCH = 16
# Patches on a side at 224 pixels, the size of the published tables of positions.
GRID = 14
SIDE = PATCH * GRID
# The presets were trained on ImageNet-21k and tuned on ImageNet.
SIZES = {
    "ti": Size(width=192, heads=3),
    "s": Size(width=384, heads=6),
    "b": Size(width=768, heads=12, preset="vit_base_patch16_224_imagenet"),
    "l": Size(width=1024, heads=16, depth=24, preset="vit_large_patch16_224_imagenet"),
}
FACTS = facts(PATCH, normalisation="tf", reference="https://arxiv.org/abs/2010.11929")
# Where keras-hub's blocks have our layers.
LAYERS = {
    "norm1": "layer_norm_1",
    "attention": "mha",
    "norm2": "layer_norm_2",
    "dense1": "mlp.dense_1",
    "dense2": "mlp.dense_2",
}


def _vit(image: "KerasTensor", size: str) -> Backbone:
    """A ViT without its top; the embedding is the class token, as in the paper.

    `features` are all tokens, the class token first, then the patches by rows. After the last block
    the logit no longer depends on the patches, so a heat map has to start before the last
    attention, at the layer `block12_norm1` (ViT-L: `block24_norm1`).
    """
    from dfdetect.models.head import mark_features
    from dfdetect.models.layers.transformer import embed, encode

    form = SIZES[size]
    x = embed(image, patch=PATCH, width=form.width, grid=GRID)
    features = mark_features(encode(x, depth=form.depth, heads=form.heads))
    return Backbone(features, embedding=features[:, 0])


def _weights(network: Any) -> Iterator[tuple[str, Sequence[Any]]]:
    """Our layers' names, each with its values from keras-hub's network."""
    stem, encoder = (network.get_layer(f"vit_{part}") for part in ("patching_and_embedding", "encoder"))
    yield "patch", stem.patch_embedding.weights
    yield "tokens", [stem.class_token, stem.position_embedding.embeddings]
    yield from block_weights(encoder.encoder_layers, LAYERS)
    yield "norm", encoder.layer_norm.weights


def _preset(size: str) -> Preset:
    settings = SIZES[size].settings("mlp_dim", image_shape=(SIDE, SIDE, 3), patch_size=(PATCH, PATCH))
    return Preset(SIZES[size].preset, "ViTBackbone", settings, _weights)


@register("vit_ti16", preset=_preset("ti"), **FACTS)
def vit_ti16(image: "KerasTensor") -> Backbone:
    """ViT-Ti/16: 12 blocks of 192 channels (sizes of Touvron et al. 2021)."""
    return _vit(image, "ti")


@register("vit_s16", preset=_preset("s"), **FACTS)
def vit_s16(image: "KerasTensor") -> Backbone:
    """ViT-S/16: 12 blocks of 384 channels (sizes of Touvron et al. 2021)."""
    return _vit(image, "s")


# Report B fine-tunes "the last transformer block" of a ViT whose size it does not name.
@register("vit_b16", report_b="last:1", pretrained="imagenet", preset=_preset("b"), **FACTS)
def vit_b16(image: "KerasTensor") -> Backbone:
    """ViT-B/16: 12 blocks of 768 channels."""
    return _vit(image, "b")


@register("vit_l16", pretrained="imagenet", preset=_preset("l"), **FACTS)
def vit_l16(image: "KerasTensor") -> Backbone:
    """ViT-L/16: 24 blocks of 1024 channels."""
    return _vit(image, "l")
