"""Precision and several accelerators, on any Keras backend."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import keras

from face_extraction.errors import InputError


@contextmanager
def dtype_policy(precision: str) -> Iterator[None]:
    """Layers built inside compute in this precision."""
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
        devices: how many; 1 uses Keras' default device, 0 all accelerators.

    Raises:
        InputError: the machine has fewer devices.
    """
    if devices < 0:
        raise InputError(f"--devices {devices}; accepted: 1 or more, or 0 for all")
    if devices == 1:
        return nullcontext()
    names = _names()
    if devices > len(names):
        raise InputError(f"--devices {devices}; this machine has {len(names)}: {', '.join(names)}")
    chosen = names[: devices or None]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        scope: AbstractContextManager[Any] = tf.distribute.MirroredStrategy(chosen).scope()
        return scope
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=chosen))
    return nullcontext()


def check_clipping(devices: int, clip_norm: float) -> None:
    """Refuse `clip_norm` where each device would clip its own share of the gradients.

    On TensorFlow, Keras clips before the devices sum their gradients, so the norm of the sum could be
    the bound times the number of devices.

    Args:
        devices: as for `parallel`.
        clip_norm: the recipe's bound; 0 = none.

    Raises:
        InputError: TensorFlow would clip on several devices.
    """
    if clip_norm and keras.backend.backend() == "tensorflow" and (devices or len(_names())) > 1:
        raise InputError(
            f"--devices {devices} and --clip-norm {clip_norm:g}: TensorFlow clips each device's share "
            "alone; accepted: one of the two, or KERAS_BACKEND=jax"
        )


def check_batches(devices: int, batch_size: int, sizes: Mapping[str, int]) -> None:
    """Refuse batches that the backend cannot split among devices.

    JAX needs equal shares. TensorFlow takes any, but if a device gets no face of a training batch, its batch
    normalisation takes the mean of nothing, which ruins the model's running means.

    Args:
        devices: as for `parallel`.
        batch_size: faces or clips a batch.
        sizes: faces or clips in each split; the last batch holds the rest.

    Raises:
        InputError: a batch cannot be split; the line names it.
    """
    if devices == 1:
        return
    count = devices or len(_names())
    backend = keras.backend.backend()
    for split, size in sizes.items():
        for batch in {min(batch_size, size), size % batch_size}:
            accepted = "accepted: another --batch-size or --devices"
            if backend != "tensorflow" and batch % count:
                raise InputError(
                    f"--devices {devices}: {backend} splits each batch into {count} equal parts, but {split} "
                    f"has a batch of {batch}; {accepted}, or KERAS_BACKEND=tensorflow"
                )
            if backend == "tensorflow" and split == "train" and _leaves_one_out(batch, count):
                raise InputError(
                    f"--devices {devices}: train has a batch of {batch}, which leaves one of {count} devices "
                    f"without a face; {accepted}"
                )


def _leaves_one_out(batch: int, count: int) -> bool:
    """Whether a device gets nothing: TensorFlow fills equal shares in turn until the batch is used up."""
    share = -(-batch // count)
    return 0 < batch <= share * (count - 1)


def _names() -> list[str]:
    """The devices that a training can be spread over."""
    if keras.backend.backend() != "tensorflow":
        names: list[str] = keras.distribution.list_devices()
        return names
    import tensorflow as tf

    # Without accelerators it spreads over logical CPUs, so that the same code can be tried anywhere.
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name for device in found]
