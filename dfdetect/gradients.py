"""Gradients on each backend that the package runs on: the one place that asks the backend for them."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from face_extraction.errors import InputError

Tensor = Any
Loss = Callable[..., Sequence[Tensor]]
"""From tensors to scalars: the first is the loss, the others are told beside it."""


def slopes_at(function: Callable[[Tensor], Tensor], point: Tensor) -> Tensor:
    """The gradient of the sum of `function(point)` by `point`, of the point's shape.

    For use inside compiled code. It can be differentiated again, as a penalty on gradients needs.

    Raises:
        InputError: Keras runs on a backend other than TensorFlow or JAX.
    """
    if check_backend() == "jax":
        import jax

        return jax.grad(lambda at: function(at).sum())(point)
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(point)
        values = function(point)
    return tape.gradient(values, point, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def minimiser(
    loss: Loss, trained: keras.Model, optimizer: keras.Optimizer, fixed: Sequence[keras.Model] = ()
) -> Callable[..., list[float]]:
    """A compiled step of training.

    Args:
        loss: calls the models with tensors.
        trained: the model whose weights the step moves.
        optimizer: moves them.
        fixed: the other models that `loss` calls.

    Returns:
        A function of arrays, which moves the weights and returns the scalars of `loss` before the move.

    Raises:
        InputError: Keras runs on a backend other than TensorFlow or JAX.
    """
    optimizer.build(trained.trainable_variables)
    make = _minimiser_by_jax if check_backend() == "jax" else _minimiser_by_tensorflow
    step = make(loss, trained, optimizer, fixed)
    return lambda *arrays: [float(each) for each in step(*map(keras.ops.convert_to_tensor, arrays))]


def check_backend() -> str:
    """The name of Keras' backend.

    Raises:
        InputError: it is neither TensorFlow nor JAX.
    """
    backend: str = keras.backend.backend()
    if backend not in ("tensorflow", "jax"):
        raise InputError(f"gradients on the backend {backend!r}; accepted: KERAS_BACKEND tensorflow, jax")
    return backend


def _minimiser_by_tensorflow(
    loss: Loss, trained: keras.Model, optimizer: keras.Optimizer, fixed: Sequence[keras.Model]
) -> Callable[..., Sequence[Tensor]]:
    import tensorflow as tf

    variables = trained.trainable_variables
    # Without reduce_retracing a last batch of another size would compile once more, which is what we want.

    @tf.function  # type: ignore[untyped-decorator]
    def step(*tensors: Tensor) -> Sequence[Tensor]:
        with tf.GradientTape() as tape:
            scalars = loss(*tensors)
        optimizer.apply(tape.gradient(scalars[0], [each.value for each in variables]), variables)
        return scalars

    return step  # type: ignore[no-any-return]


def _minimiser_by_jax(
    loss: Loss, trained: keras.Model, optimizer: keras.Optimizer, fixed: Sequence[keras.Model]
) -> Callable[..., Sequence[Tensor]]:
    import jax

    moved = trained.trainable_variables
    kept = [variable for model in fixed for variable in model.variables] + trained.non_trainable_variables

    # The weights are arguments, because a compiled function would keep their present values.
    @jax.jit
    def run(own: Any, others: Any, state: Any, *tensors: Tensor) -> Any:
        def at(values: Any) -> Any:
            mapping = [*zip(moved, values, strict=True), *zip(kept, others, strict=True)]
            with keras.StatelessScope(state_mapping=mapping):
                scalars = loss(*tensors)
            return scalars[0], scalars

        slopes, scalars = jax.grad(at, has_aux=True)(own)
        return scalars, *optimizer.stateless_apply(state, slopes, own)

    def step(*tensors: Tensor) -> Sequence[Tensor]:
        lists = [[each.value for each in group] for group in (moved, kept, optimizer.variables)]
        scalars, *found = run(*lists, *tensors)
        for group, values in zip((moved, optimizer.variables), found, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return scalars  # type: ignore[no-any-return]

    return step
