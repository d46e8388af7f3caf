"""Connect the layers of an existing network again."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from keras import KerasTensor


def rewire(network: keras.Model, call: Callable[..., Any]) -> "KerasTensor":
    """Connect a network's layers again, from the same input, with their present weights.

    A layer's own `output` stays that of its first connection, so build models from the returned tensor.

    Args:
        network: a functional model.
        call: applies a layer: `call(layer, x)` with `x` the layer's input. It may also apply other layers,
            or none. It gets operations such as `+` as well.

    Returns:
        The new output.
    """
    return keras.models.clone_model(
        network, input_tensors=network.input, clone_function=lambda layer: layer, call_function=call
    ).output
