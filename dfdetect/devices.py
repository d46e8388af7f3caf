"""Precision and several accelerators, on any Keras backend."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import keras

from face_extraction.errors import InputError


@contextmanager
def dtype_policy(precision: str) -> Iterator[None]:
    """What is built inside computes in this precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def parallel(devices: int) -> AbstractContextManager[Any]:
    """A context in which a model is built and trained on `devices` accelerators at once.

    The batch is split evenly among them and the gradients are averaged (data parallelism), so a
    recipe's `batch_size` stays the whole batch.

    Args:
        devices: how many; 1 uses Keras' default device, 0 all accelerators there are.

    Raises:
        InputError: there are fewer devices.
    """
    if devices == 1:
        return nullcontext()
    if keras.backend.backend() == "tensorflow":
        return _mirrored(devices)
    names = keras.distribution.list_devices()
    chosen = names[: devices or None]
    _check(devices, names)
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=chosen))
    return nullcontext()


def _mirrored(devices: int) -> AbstractContextManager[Any]:
    import tensorflow as tf

    names = [device.name for device in tf.config.list_logical_devices("GPU")]
    # Without accelerators the logical CPUs serve, so that the same path can be tried anywhere.
    names = names or [device.name for device in tf.config.list_logical_devices("CPU")]
    _check(devices, names)
    strategy = tf.distribute.MirroredStrategy(names[: devices or None])
    scope: AbstractContextManager[Any] = strategy.scope()
    return scope


def _check(devices: int, names: list[str]) -> None:
    if devices > len(names):
        raise InputError(f"--devices {devices}; this machine has {len(names)}: {', '.join(names)}")
