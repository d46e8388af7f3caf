"""DeiT (Touvron et al. 2021): a ViT trained only on ImageNet, with a convolutional network as its teacher.

The distilled form has a second learned token after the class token, with its own position. The class token
learned the labels; the second token learned the teacher's answers.
`vit` says why the graph is our own and not keras-hub's.
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
LEADING = 2
SIZES = {
    "ti": Size(width=192, heads=3, preset="deit_tiny_distilled_patch16_224_imagenet"),
    "s": Size(width=384, heads=6, preset="deit_small_distilled_patch16_224_imagenet"),
}
REFERENCE = "https://arxiv.org/abs/2012.12877"
FACTS = facts(PATCH, normalisation="torch", reference=REFERENCE, pretrained="imagenet")
# Where keras-hub's blocks have our layers.
LAYERS = {
    "norm1": "layer_norm_1",
    "attention": "mha",
    "norm2": "layer_norm_2",
    "dense1": "mlp.dense",
    "dense2": "output_layer.dense",
}
# The authors' epsilon is our 1e-6. keras-hub's conversion takes it from Transformers' configuration, whose
# default is 1e-12; compared with the variance of a token both are negligible.
ALSO = {"layer_norm_epsilon": (1e-12,)}


def _deit(image: "KerasTensor", size: str) -> Backbone:
    """A distilled DeiT without its tops; the embedding is the mean of the class and distillation tokens.

    The paper adds the outputs of two classifiers, one on each token (section 4); here one head reads
    the mean of the tokens. `features` are all tokens: class token, distillation token, patches by rows.
    """
    from keras import layers

    from dfdetect.models.head import mark_features
    from dfdetect.models.layers.transformer import embed, encode

    form = SIZES[size]
    x = embed(image, patch=PATCH, width=form.width, grid=GRID, leading=LEADING)
    features = mark_features(encode(x, depth=form.depth, heads=form.heads))
    return Backbone(features, layers.GlobalAveragePooling1D(name="top_pool")(features[:, :LEADING]))


def _weights(network: Any) -> Iterator[tuple[str, Sequence[Any]]]:
    """Our layers' names, each with its values from keras-hub's network."""
    from keras import ops

    stem, encoder = (network.get_layer(f"deit_{part}") for part in ("patching_and_embedding", "encoder"))
    yield "patch", stem.patch_embedding.weights
    leading = ops.concatenate([stem.class_token, stem.distillation_token], axis=1)
    yield "tokens", [leading, stem.position_embedding]
    yield from block_weights(encoder.encoder_layers, LAYERS)
    yield "norm", encoder.layer_norm.weights


def _preset(size: str) -> Preset:
    settings = SIZES[size].settings(image_shape=(SIDE, SIDE, 3), patch_size=(PATCH, PATCH))
    return Preset(SIZES[size].preset, "DeiTBackbone", settings, _weights, ALSO)


@register("deit_ti16", preset=_preset("ti"), **FACTS)
def deit_ti16(image: "KerasTensor") -> Backbone:
    """DeiT-Ti/16, distilled: 12 blocks of 192 channels."""
    return _deit(image, "ti")


@register("deit_s16", preset=_preset("s"), **FACTS)
def deit_s16(image: "KerasTensor") -> Backbone:
    """DeiT-S/16, distilled: 12 blocks of 384 channels."""
    return _deit(image, "s")
