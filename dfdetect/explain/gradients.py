"""Gradients of a model's output by its input, compiled, on each backend that the package runs on."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from face_extraction.errors import InputError

Array = NDArray[np.float32]
Slopes = Callable[..., Array]


def slopes_of(model: keras.Model) -> Slopes:
    """A function that gives the gradient of a model's output by its first input.

    Args:
        model: gives one number a row, (B, 1), that depends on the same row of the inputs alone.

    Returns:
        A function of the inputs, in the model's order. It returns the gradient of each row's number by the
        row of the first input: float32, of that input's shape. It follows the model's present weights.

    Raises:
        InputError: Keras runs on another backend.
    """
    backend = keras.backend.backend()
    if backend not in _BACKENDS:
        raise InputError(
            f"gradients on the backend {backend!r}; accepted: KERAS_BACKEND {', '.join(_BACKENDS)}"
        )
    slopes = _BACKENDS[backend](model)
    return lambda *inputs: np.asarray(slopes(*inputs), np.float32)


def _by_tensorflow(model: keras.Model) -> Callable[..., Any]:
    import tensorflow as tf

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def slopes(first: Any, *others: Any) -> Any:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(first)
            values = model([first, *others] if others else first, training=False)
        return tape.gradient(values, first, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    return lambda *inputs: slopes(*map(tf.convert_to_tensor, inputs))


def _by_jax(model: keras.Model) -> Callable[..., Any]:
    import jax

    # The weights are arguments, because a compiled function would keep their present values.
    @jax.jit
    def slopes(trained: Any, fixed: Any, first: Any, *others: Any) -> Any:
        def total(x: Any) -> Any:
            inputs = [x, *others] if others else x
            return model.stateless_call(trained, fixed, inputs, training=False)[0].sum()

        return jax.grad(total)(first)

    def call(*inputs: Any) -> Any:
        trained = [variable.value for variable in model.trainable_variables]
        fixed = [variable.value for variable in model.non_trainable_variables]
        return slopes(trained, fixed, *map(jax.numpy.asarray, inputs))

    return call


_BACKENDS: dict[str, Callable[[keras.Model], Callable[..., Any]]] = {
    "tensorflow": _by_tensorflow,
    "jax": _by_jax,
}
