"""The layers of a ready-made network, connected anew."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from keras import KerasTensor


def rewire(network: keras.Model, call: Callable[..., Any]) -> "KerasTensor":
    """Connect a network's layers once more, from the same input, with their weights as they are.

    A layer's own `output` remains that of its first connection; models are to be built from the
    tensor returned.

    Args:
        network: a functional model.
        call: applies a layer: `call(layer, x)` with `x` the layer's input; it may apply others too,
            or none. It is given operations such as `+` as well.

    Returns:
        The new output.
    """
    return keras.models.clone_model(
        network, input_tensors=network.input, clone_function=lambda layer: layer, call_function=call
    ).output
