"""A model's outputs and gradients, compiled, on each backend that the package runs on."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from dfdetect.gradients import check_backend, slopes_at

Array = NDArray[np.float32]
Outputs = Callable[..., list[Array]]
Slopes = Callable[..., Array]


def outputs_of(model: keras.Model) -> Outputs:
    """A compiled function of a model's inputs that gives the list of its outputs.

    Each call uses the weights that the model has at that moment.

    `model.predict_on_batch` would compile anew for each number of faces, and TensorFlow would warn of that.

    Raises:
        InputError: Keras runs on a backend other than TensorFlow or JAX.
    """
    outputs = _compiled(model, slopes=False)

    def call(*inputs: Any) -> list[Array]:
        found = outputs(*inputs)
        return [
            np.asarray(each, np.float32) for each in (found if isinstance(found, list | tuple) else [found])
        ]

    return call


def slopes_of(model: keras.Model) -> Slopes:
    """A compiled function that gives the gradient of a model's output by its first input.

    Each call uses the weights that the model has at that moment.

    Args:
        model: gives one number a row, (B, 1), that depends on the same row of the inputs alone.

    Returns:
        A function of the inputs, in the model's order. It returns the gradient of each row's number by the
        row of the first input: float32, of that input's shape.

    Raises:
        InputError: Keras runs on a backend other than TensorFlow or JAX.
    """
    slopes = _compiled(model, slopes=True)
    return lambda *inputs: np.asarray(slopes(*inputs), np.float32)


def _compiled(model: keras.Model, *, slopes: bool) -> Callable[..., Any]:
    return _BACKENDS[check_backend()](model, slopes)


def _by_tensorflow(model: keras.Model, slopes: bool) -> Callable[..., Any]:
    import tensorflow as tf

    signature = [tf.TensorSpec((None, *each.shape[1:]), each.dtype) for each in model.inputs]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def run(*inputs: Any) -> Any:
        first, *others = inputs
        if not slopes:
            return model(_packed(inputs), training=False)
        return slopes_at(lambda at: model(_packed((at, *others)), training=False), first)

    def call(*inputs: Any) -> Any:
        # What a layer of half precision gave comes back in float32.
        return run(*(tf.cast(each, spec.dtype) for each, spec in zip(inputs, signature, strict=True)))

    return call


def _by_jax(model: keras.Model, slopes: bool) -> Callable[..., Any]:
    import jax

    # The weights are arguments, because a compiled function would keep their present values.
    def values(first: Any, others: Any, trained: Any, fixed: Any) -> Any:
        return model.stateless_call(trained, fixed, _packed((first, *others)), training=False)[0]

    def gradient(first: Any, *others: Any) -> Any:
        return slopes_at(lambda at: values(at, *others), first)

    run = jax.jit(gradient if slopes else values)

    def call(first: Any, *others: Any) -> Any:
        trained = [variable.value for variable in model.trainable_variables]
        fixed = [variable.value for variable in model.non_trainable_variables]
        return run(jax.numpy.asarray(first), list(map(jax.numpy.asarray, others)), trained, fixed)

    return call


def _packed(inputs: tuple[Any, ...]) -> Any:
    """Inputs as a model takes them."""
    return list(inputs) if len(inputs) > 1 else inputs[0]


_BACKENDS: dict[str, Callable[[keras.Model, bool], Callable[..., Any]]] = {
    "tensorflow": _by_tensorflow,
    "jax": _by_jax,
}
