"""Precision and several accelerators, on any Keras backend."""

from collections.abc import Iterator, Mapping
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
    if devices < 0:
        raise InputError(f"--devices {devices}; accepted: 1 or more, or 0 for all")
    if devices == 1:
        return nullcontext()
    if keras.backend.backend() == "tensorflow":
        return _mirrored(devices)
    names = keras.distribution.list_devices()
    chosen = names[: devices or None]
    _check(devices, names)
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=chosen))
    return nullcontext()


def check_batches(devices: int, batch_size: int, sizes: Mapping[str, int]) -> None:
    """Refuse batches that the backend cannot split among devices: JAX wants equal shares of each.

    Args:
        devices: as for `parallel`.
        batch_size: faces or clips a batch.
        sizes: how many there are of them in each split; the last batch holds the rest.

    Raises:
        InputError: a batch cannot be split; the line names it.
    """
    if devices == 1 or keras.backend.backend() == "tensorflow":
        return
    count = devices or len(keras.distribution.list_devices())
    for split, size in sizes.items():
        for batch in {min(batch_size, size), size % batch_size}:
            if batch % count:
                raise InputError(
                    f"--devices {devices}: {keras.backend.backend()} splits each batch into {count} equal "
                    f"parts, and {split} has one of {batch}; accepted: another --batch-size or --devices, "
                    "or KERAS_BACKEND=tensorflow"
                )


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
