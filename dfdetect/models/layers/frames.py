"""The frames of clips as one batch, so that a backbone for images runs over clips in a flat graph.

`keras.layers.TimeDistributed` would do the same, but hide its layers from `get_layer`, from the blocks and
from weights files.
"""

from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from keras import KerasTensor


def fold(clips: "KerasTensor") -> "KerasTensor":
    """(B, T, ...) as (B * T, ...), clip after clip."""
    return keras.ops.reshape(clips, (-1, *clips.shape[2:]))


def unfold(frames: "KerasTensor", count: int) -> "KerasTensor":
    """(B * count, ...) as (B, count, ...): the reverse of `fold`."""
    return keras.ops.reshape(frames, (-1, count, *frames.shape[1:]))
