"""Precision, seed and several accelerators, on any Keras backend."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras

from face_extraction.errors import InputError


def prepare(seed: int, precision: str) -> None:
    """Set every global seed and the dtype policy that new layers take."""
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(precision)


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
