"""Swin's attention in shifted windows (Liu et al. 2021), as one layer on maps."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops


@keras.saving.register_keras_serializable("dfdetect")
class WindowAttention(layers.Layer):  # type: ignore[misc]
    """Self-attention inside windows of a map (B, h, w, c), with a learned bias for relative positions.

    If windows do not tile a map, it is padded with zeros below and on the right. A side of one window is
    not shifted (as in torchvision; at 224 pixels no map is padded).

    Args:
        heads: attention heads.
        window: side of a window.
        shifted: whether the windows are shifted by half their side. Tokens from opposite borders, which the
            shift puts into one window, do not attend to each other.
    """

    def __init__(self, heads: int, window: int = 7, shifted: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads = heads
        self.window = window
        self.shifted = shifted

    def build(self, input_shape: Any) -> None:
        """Make the weights, and what depends on the map's size."""
        _, height, width, channels = input_shape
        self.sides = tuple(-(-side // self.window) * self.window for side in (height, width))
        half = self.window // 2 if self.shifted else 0
        self.shift = tuple(half if side > self.window else 0 for side in self.sides)
        self.bias = self.add_weight(
            shape=((2 * self.window - 1) ** 2, self.heads),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            name="position_bias",
        )
        self.qkv = self._dense(3 * channels, "qkv", channels)
        self.project = self._dense(channels, "project", channels)
        super().build(input_shape)

    def _dense(self, units: int, name: str, channels: int) -> layers.Dense:
        start = keras.initializers.TruncatedNormal(stddev=0.02)
        layer = layers.Dense(units, kernel_initializer=start, dtype=self.dtype_policy, name=name)
        layer.build((None, channels))
        return layer

    def call(self, x: Any) -> Any:
        """Attend within the windows of a batch of maps."""
        _, height, width, channels = x.shape
        rows, columns = (side // self.window for side in self.sides)
        x = ops.pad(x, ((0, 0), (0, self.sides[0] - height), (0, self.sides[1] - width), (0, 0)))
        x = ops.roll(x, [-shift for shift in self.shift], axis=(1, 2))
        x = ops.reshape(x, (-1, rows, self.window, columns, self.window, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        x = self._attend(ops.reshape(x, (-1, rows * columns, self.window**2, channels)))
        x = ops.reshape(x, (-1, rows, columns, self.window, self.window, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        x = ops.reshape(x, (-1, *self.sides, channels))
        x = ops.roll(x, self.shift, axis=(1, 2))
        return x[:, :height, :width]

    def _attend(self, x: Any) -> Any:
        """Attention among the tokens of each window: (B, windows, tokens, c) in and out."""
        _, count, tokens, channels = x.shape
        width = channels // self.heads
        x = ops.reshape(self.qkv(x), (-1, count, tokens, 3, self.heads, width))
        query, key, value = ops.unstack(ops.transpose(x, (3, 0, 1, 4, 2, 5)), axis=0)
        scores = ops.matmul(query * width**-0.5, ops.transpose(key, (0, 1, 2, 4, 3)))
        bias = ops.take(ops.convert_to_tensor(self.bias), _relative_positions(self.window), axis=0)
        scores = scores + ops.transpose(bias, (2, 0, 1))
        if any(self.shift):
            scores = scores + ops.cast(_border_mask(self.sides, self.window, self.shift), scores.dtype)
        x = ops.transpose(ops.matmul(ops.softmax(scores), value), (0, 1, 3, 2, 4))
        return self.project(ops.reshape(x, (-1, count, tokens, channels)))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments that rebuild the layer."""
        own = {"heads": self.heads, "window": self.window, "shifted": self.shifted}
        return {**super().get_config(), **own}


def _relative_positions(window: int) -> np.ndarray:
    """Index in the table of the bias for each pair of tokens: (window**2, window**2)."""
    places = np.stack(np.divmod(np.arange(window**2), window))
    rows, columns = places[:, :, None] - places[:, None, :] + window - 1
    positions: np.ndarray = rows * (2 * window - 1) + columns
    return positions


def _border_mask(sides: tuple[int, ...], window: int, shift: tuple[int, ...]) -> np.ndarray:
    """-100 for pairs of tokens from opposite borders, else 0: (windows, 1, window**2, window**2)."""
    vertical, horizontal = (
        np.repeat([0, 1, 2], [side - window, window - step, step])
        for side, step in zip(sides, shift, strict=True)
    )
    regions = 3 * vertical[:, None] + horizontal
    tiles = regions.reshape(sides[0] // window, window, sides[1] // window, window)
    tokens = tiles.transpose(0, 2, 1, 3).reshape(-1, 1, window**2)
    return np.where(tokens[..., None] != tokens[:, :, None], np.float32(-100), np.float32(0))
