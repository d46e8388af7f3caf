"""Parts of the vision transformer (Dosovitskiy et al. 2021): the tokens of an image, and pre-norm blocks."""

from typing import TYPE_CHECKING, Any

import keras
from keras import layers, ops
from PIL import Image

from dfdetect.models.layers.resample import resampling, sharp_bicubic

if TYPE_CHECKING:
    from keras import KerasTensor

EPSILON = 1e-6


def embed(image: "KerasTensor", *, patch: int, width: int, grid: int, **tokens: Any) -> "KerasTensor":
    """Cut an image into patches, and make a token from each.

    Args:
        image: (B, H, W, 3), normalised; H and W are multiples of `patch`.
        patch: side of a patch in pixels.
        width: channels of a token.
        grid: see `Tokens`.
        tokens: the other arguments of `Tokens`.

    Returns:
        Tokens of shape (B, leading + registers + H * W / patch**2, width).
    """
    x = layers.Conv2D(width, patch, patch, kernel_initializer="lecun_normal", name="patch")(image)
    return Tokens(grid, name="tokens", **tokens)(x)


def encode(x: "KerasTensor", *, depth: int, heads: int, scaled: bool = False) -> "KerasTensor":
    """Apply the transformer blocks, named `block1` and so on, and the closing layer normalisation.

    Args:
        x: tokens of shape (B, n, c).
        depth: number of blocks.
        heads: attention heads of each block.
        scaled: whether each branch ends in a learned scale for each channel (Touvron et al. 2021).

    Returns:
        Tokens of the same shape.
    """
    for number in range(1, depth + 1):
        x = _block(x, heads, scaled, f"block{number}")
    return layers.LayerNormalization(epsilon=EPSILON, name="norm")(x)


def _block(x: "KerasTensor", heads: int, scaled: bool, name: str) -> "KerasTensor":
    width = x.shape[-1]
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm1")(x)
    y = layers.MultiHeadAttention(heads, width // heads, name=f"{name}_attention")(y, y)
    if scaled:
        y = Scale(name=f"{name}_scale1")(y)
    x = layers.Add(name=f"{name}_add1")([x, y])
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm2")(x)
    y = layers.Dense(4 * width, activation="gelu", name=f"{name}_dense1")(y)
    y = layers.Dense(width, name=f"{name}_dense2")(y)
    if scaled:
        y = Scale(name=f"{name}_scale2")(y)
    return layers.Add(name=f"{name}_add2")([x, y])


@keras.saving.register_keras_serializable("dfdetect")
class Tokens(layers.Layer):  # type: ignore[misc]
    """Turn a map (B, h, w, c) of patches into tokens (B, leading + registers + h * w, c).

    The class token comes first, then other leading tokens, the registers, and the patches by rows. All but
    the registers have a position; the table starts with those of the leading tokens. The table of the
    patches keeps the size of its training, so that weights fit images of any size. For other sizes it is
    resampled, bicubic.

    Args:
        grid: patches on a side of the table of positions.
        registers: number of learned tokens without a position (Darcet et al. 2024).
        leading: number of learned tokens with a position: the class token, and DeiT's distillation token
            (Touvron et al. 2021).
        antialiased: whether the resampling is antialiased, as with registers (Darcet et al. 2024), or
            not, as in DINOv2 without them (Oquab et al. 2023).
    """

    def __init__(
        self, grid: int, registers: int = 0, leading: int = 1, antialiased: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.grid = grid
        self.registers = registers
        self.leading = leading
        self.antialiased = antialiased

    def build(self, input_shape: Any) -> None:
        """Make the weights, and the matrices that resample the table of positions."""
        _, height, width, channels = input_shape
        normal = keras.initializers.RandomNormal
        self.first = self.add_weight(shape=(self.leading, channels), initializer="zeros", name="class_token")
        if self.registers:
            self.spare = self.add_weight(
                shape=(self.registers, channels), initializer=normal(0.02), name="registers"
            )
        # Half precision would round the resampled values twice.
        self.positions = self.add_weight(
            shape=(self.leading + self.grid**2, channels),
            initializer=normal(0.02),
            name="positions",
            autocast=False,
        )
        self.down, self.across = (self._resampling(side) for side in (height, width))
        super().build(input_shape)

    def _resampling(self, side: int) -> Any:
        if self.antialiased:
            return resampling(self.grid, side, Image.Resampling.BICUBIC)
        return sharp_bicubic(self.grid, side)

    def call(self, patches: Any) -> Any:
        """The tokens of a batch."""
        _, height, width, channels = patches.shape
        table = ops.convert_to_tensor(self.positions)
        first = self.first + ops.cast(table[: self.leading], self.compute_dtype)
        table = table[self.leading :]
        if (height, width) != (self.grid, self.grid):
            table = ops.reshape(table, (self.grid, self.grid, channels))
            table = ops.einsum("hg,gkc,wk->hwc", self.down, table, self.across)
        table = ops.cast(ops.reshape(table, (height * width, channels)), self.compute_dtype)
        if self.registers:
            first = ops.concatenate([first, ops.convert_to_tensor(self.spare)], axis=0)
        batch = ops.shape(patches)[0]
        first = ops.broadcast_to(first, (batch, self.leading + self.registers, channels))
        return ops.concatenate([first, ops.reshape(patches, (-1, height * width, channels)) + table], axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(B, leading + registers + h * w, c)."""
        batch, height, width, channels = input_shape
        return (batch, self.leading + self.registers + height * width, channels)

    def get_config(self) -> dict[str, Any]:
        """The arguments that rebuild the layer."""
        own = ("grid", "registers", "leading", "antialiased")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


@keras.saving.register_keras_serializable("dfdetect")
class Scale(layers.Layer):  # type: ignore[misc]
    """A learned factor for each channel of (B, ..., c), initially 1."""

    def build(self, input_shape: Any) -> None:
        """Make the factors."""
        self.gamma = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="gamma")
        super().build(input_shape)

    def call(self, x: Any) -> Any:
        """Scale a batch."""
        return x * ops.convert_to_tensor(self.gamma)
