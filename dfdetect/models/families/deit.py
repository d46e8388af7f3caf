"""DeiT (Touvron et al. 2021): a ViT trained only on ImageNet, with a convolutional network as its teacher.

The distilled form has a second learned token after the class token, with its own position. The class token
learned the labels; the second token learned the teacher's answers.
`vit` says why the graph is our own and not keras-hub's.
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
DEPTH = 12
LEADING = 2
WIDTHS = {"ti": 192, "s": 384}
HEADS = {"ti": 3, "s": 6}
PRESETS = {
    "ti": "deit_tiny_distilled_patch16_224_imagenet",
    "s": "deit_small_distilled_patch16_224_imagenet",
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

    x = embed(image, patch=PATCH, width=WIDTHS[size], grid=GRID, leading=LEADING)
    features = mark_features(encode(x, depth=DEPTH, heads=HEADS[size]))
    return Backbone(features, layers.GlobalAveragePooling1D(name="top_pool")(features[:, :LEADING]))


def _weights(network: Any) -> Iterator[tuple[str, Sequence[Any]]]:
    """Our layers' names, each with its values from keras-hub's network."""
    from keras import ops

    stem, encoder = (network.get_layer(f"deit_{part}") for part in ("patching_and_embedding", "encoder"))
    yield "patch", stem.patch_embedding.weights
    leading = ops.concatenate([stem.class_token, stem.distillation_token], axis=1)
    yield "tokens", [leading, stem.position_embedding]
    for number, block in enumerate(encoder.encoder_layers, start=1):
        yield f"block{number}_norm1", block.layer_norm_1.weights
        yield f"block{number}_attention", block.mha.weights
        yield f"block{number}_norm2", block.layer_norm_2.weights
        yield f"block{number}_dense1", block.mlp.dense.weights
        yield f"block{number}_dense2", block.output_layer.dense.weights
    yield "norm", encoder.layer_norm.weights


def _facts(size: str) -> dict[str, Any]:
    """The facts to register for a size."""
    side = PATCH * GRID
    settings = {
        "image_shape": (side, side, 3),
        "patch_size": (PATCH, PATCH),
        "num_layers": DEPTH,
        "num_heads": HEADS[size],
        "hidden_dim": WIDTHS[size],
        "intermediate_dim": 4 * WIDTHS[size],
    }
    return {
        "image_size": side,
        "min_image_size": 2 * PATCH,
        "size_step": PATCH,
        "normalisation": "torch",
        "blocks": r"(block\d+)_",
        "reference": "https://arxiv.org/abs/2012.12877",
        "pretrained": "imagenet",
        "preset": Preset(PRESETS[size], "DeiTBackbone", settings, _weights, ALSO),
    }


@register("deit_ti16", **_facts("ti"))
def deit_ti16(image: "KerasTensor") -> Backbone:
    """DeiT-Ti/16, distilled: 12 blocks of 192 channels."""
    return _deit(image, "ti")


@register("deit_s16", **_facts("s"))
def deit_s16(image: "KerasTensor") -> Backbone:
    """DeiT-S/16, distilled: 12 blocks of 384 channels."""
    return _deit(image, "s")
