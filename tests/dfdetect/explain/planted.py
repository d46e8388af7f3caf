"""Models that look at one corner alone, so that it is known where a heat map has to be hot.

Run as a program, it saves the maps of all methods, for a comparison of backends.
"""

import sys

import keras
import numpy as np

from dfdetect.explain.heat_maps import heat_maps, suiting
from dfdetect.models.head import mark_features
from dfdetect.models.layers.normalise import Normalize
from dfdetect.models.layers.transformer import embed, encode
from dfdetect.models.layers.windows import WindowAttention

SIDE = 64
CORNER = (slice(0, 16), slice(48, 64))
"""The upper right corner, a sixteenth of the face."""


def corner_network() -> keras.Model:
    """A network of convolutions whose logit is the mean square of the detail in the corner, times 60."""
    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = Normalize("unit", name="normalise")(image)
    detail = keras.layers.Conv2D(1, 3, padding="same", use_bias=False, name="detail")
    x = keras.ops.square(detail(x))
    seen = np.zeros((1, SIDE, SIDE, 1), np.float32)
    seen[0, *CORNER] = 1
    x = keras.layers.AveragePooling2D(8)(x * seen)
    x = keras.layers.GlobalAveragePooling2D()(mark_features(x))
    model = _headed(image, x)
    kernel = np.full((3, 3, 3, 1), -1 / 24, np.float32)
    kernel[1, 1] = 1 / 3
    detail.set_weights([kernel])
    model.get_layer("logit").set_weights([np.full((1, 1), 60 * SIDE**2 / 16**2), np.zeros(1)])
    return model


def corner_transformer() -> keras.Model:
    """A transformer of one block on four by four patches; its class token takes what the corner's patch has.

    The token of that patch alone has a position, which both the query and the value are made of.
    """
    image = keras.Input((SIDE, SIDE, 3), name="image")
    tokens = embed(Normalize("unit", name="normalise")(image), patch=16, width=4, grid=4)
    x = encode(tokens, depth=1, heads=1)
    model = _headed(image, mark_features(x)[:, 0])
    for layer in model.layers:
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    for name in ("block1_norm1", "block1_norm2", "norm"):
        model.get_layer(name).set_weights([np.ones(4), np.zeros(4)])
    positions = np.zeros((17, 4))
    positions[1 + 3, 0] = 1
    model.get_layer("tokens").set_weights([np.full((1, 4), 1e-3), positions])
    weights = {weight.path.split("/", 1)[1]: weight for weight in model.get_layer("block1_attention").weights}
    weights["query/bias"].assign([[3.0, 0, 0, 0]])
    for part in ("key", "value"):
        weights[f"{part}/kernel"].assign(np.eye(4)[:, None])
    weights["attention_output/kernel"].assign(np.eye(4)[None])
    model.get_layer("logit").set_weights([np.array([[1.0], [0], [0], [0]]), np.zeros(1)])
    return model


def small_transformer(read, **tokens) -> keras.Model:
    """A random transformer of two blocks on two by two patches, whose head reads some of the tokens."""
    keras.utils.set_random_seed(1)
    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = embed(Normalize("unit", name="normalise")(image), patch=32, width=8, grid=2, **tokens)
    x = mark_features(encode(x, depth=2, heads=2))
    return _headed(image, keras.layers.Concatenate()([x[:, place] for place in read]))


def small_windows() -> keras.Model:
    """A random network with attention in windows."""
    keras.utils.set_random_seed(1)
    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = keras.layers.Conv2D(8, 4, 4)(Normalize("unit", name="normalise")(image))
    x = mark_features(WindowAttention(2, name="block1_attention")(x))
    return _headed(image, keras.layers.GlobalAveragePooling2D()(x))


def _headed(image, x) -> keras.Model:
    logit = keras.layers.Dense(1, name="logit")(x)
    return keras.Model(image, keras.layers.Activation("sigmoid", name="p_fake")(logit))


MODELS = {"network": corner_network, "transformer": corner_transformer}


def noise(count: int = 2) -> np.ndarray:
    """Faces of noise: detail is everywhere."""
    return np.random.default_rng(3).integers(0, 256, (count, SIDE, SIDE, 3)).astype(np.uint8)


def all_maps() -> dict[str, np.ndarray]:
    """The maps of each model by each method that suits it."""
    found = {}
    for name, make in MODELS.items():
        model = make()
        for method in suiting(model):
            found[f"{name} {method}"] = heat_maps(model, noise(), method)
    return found


if __name__ == "__main__":
    np.savez(sys.argv[1], **all_maps())
