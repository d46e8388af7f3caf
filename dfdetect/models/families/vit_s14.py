"""ViT-S/14 in DINOv2's first layout, without registers (Oquab et al. 2023), from an archive of named arrays.

`ARCHIVE` gives the names and shapes in the archive, a `.npz`. Its weights come from DINOv2's design. Whether
somebody tuned them further is not known, so the family is not called DINOv2.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dfdetect.models.archive import Archive
from dfdetect.models.registry import Backbone, register
from dfdetect.models.transformers import facts

if TYPE_CHECKING:
    from keras import KerasTensor

PATCH = 14
# The table of positions is for images of 518 pixels.
GRID = 37
DEPTH = 12
WIDTH = 384
HEADS = 6
# The arrays of a block and their shapes, in the order of the layers that take them.
BLOCK: dict[str, dict[str, tuple[int, ...]]] = {
    "norm1": {"norm1.gamma": (WIDTH,), "norm1.beta": (WIDTH,)},
    "attention": {
        f"{part}.{kind}": (WIDTH, WIDTH) if kind == "kernel" else (WIDTH,)
        for part in ("query", "key", "value", "out")
        for kind in ("kernel", "bias")
    },
    "scale1": {"scale1": (WIDTH,)},
    "norm2": {"norm2.gamma": (WIDTH,), "norm2.beta": (WIDTH,)},
    "dense1": {"fc1.kernel": (WIDTH, 4 * WIDTH), "fc1.bias": (4 * WIDTH,)},
    "dense2": {"fc2.kernel": (4 * WIDTH, WIDTH), "fc2.bias": (WIDTH,)},
    "scale2": {"scale2": (WIDTH,)},
}
OUTER: dict[str, tuple[int, ...]] = {
    "patch.kernel": (PATCH, PATCH, 3, WIDTH),
    "patch.bias": (WIDTH,),
    "cls_token": (WIDTH,),
    "position.cls": (WIDTH,),
    "position.patches": (GRID, GRID, WIDTH),
    "norm.gamma": (WIDTH,),
    "norm.beta": (WIDTH,),
}


def _layers(arrays: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Our layers' names, each with its values from the archive."""
    import numpy as np

    patches = np.reshape(arrays["position.patches"], (GRID**2, WIDTH))
    yield "patch", [arrays["patch.kernel"], arrays["patch.bias"]]
    yield "tokens", [arrays["cls_token"], np.concatenate([arrays["position.cls"][None], patches])]
    for number in range(DEPTH):
        for layer, names in BLOCK.items():
            yield f"block{number + 1}_{layer}", [arrays[f"layer{number}.{name}"] for name in names]
    yield "norm", [arrays["norm.gamma"], arrays["norm.beta"]]


ARCHIVE = Archive(
    {
        **OUTER,
        **{
            f"layer{number}.{name}": shape
            for number in range(DEPTH)
            for arrays in BLOCK.values()
            for name, shape in arrays.items()
        },
    },
    _layers,
)


@register(
    "vit_s14",
    archive=ARCHIVE,
    **facts(PATCH, normalisation="torch", reference="https://arxiv.org/abs/2304.07193"),
)
def vit_s14(image: "KerasTensor") -> Backbone:
    """ViT-S/14: 12 blocks of 384 channels; the embedding is the class token and the mean of the patches.

    `features` are all tokens: the class token, then the patches by rows.
    """
    from keras import layers

    from dfdetect.models.head import mark_features
    from dfdetect.models.layers.transformer import embed, encode

    x = embed(image, patch=PATCH, width=WIDTH, grid=GRID, antialiased=False)
    features = mark_features(encode(x, depth=DEPTH, heads=HEADS, scaled=True))
    mean = layers.GlobalAveragePooling1D(name="top_pool")(features[:, 1:])
    return Backbone(features, embedding=layers.Concatenate(name="top_join")([features[:, 0], mean]))
