"""A training's whole state in one file; a kill at any moment leaves the last file intact."""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dfdetect.models.hdf5 import write_weights
from face_extraction.atomic import atomic_path
from face_extraction.errors import InputError
from face_extraction.json_file import parse_json


def save_weights(path: Path, model: keras.Model) -> None:
    """Write a model's weights, atomically.

    Raises:
        OSError: the disk is full.
    """
    with atomic_path(path) as temporary:
        write_weights(temporary, model)


def save_checkpoint(path: Path, model: keras.Model, state: dict[str, Any]) -> None:
    """Write the model's and the optimizer's variables and `state` (JSON values), atomically.

    `keras.callbacks.BackupAndRestore` writes two files in place, without the state of early stopping and
    of the best epoch. This writes one file and renames it when it is complete.
    """
    arrays: dict[str, Any] = {f"model/{i}": np.asarray(v) for i, v in enumerate(model.variables)}
    arrays |= {f"optimizer/{i}": np.asarray(v) for i, v in enumerate(model.optimizer.variables)}
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        np.savez(handle, state=np.array(json.dumps(state)), **arrays)


def read_state(path: Path) -> dict[str, Any]:
    """A checkpoint's `state`.

    Raises:
        InputError: the file is not a checkpoint.
    """
    with _opened(path) as arrays:
        state: dict[str, Any] = parse_json(str(arrays["state"]))
    return state


def load_checkpoint(path: Path, model: keras.Model) -> None:
    """Put a checkpoint's values into a model of the same recipe that is compiled for the same phase.

    Raises:
        InputError: the file is not a checkpoint, or it fits another model.
    """
    model.optimizer.build(model.trainable_variables)
    with _opened(path) as arrays:
        for prefix, variables in (("model", model.variables), ("optimizer", model.optimizer.variables)):
            count = sum(name.startswith(prefix + "/") for name in arrays.files)
            if count != len(variables):
                raise InputError(f"{path}: a checkpoint of another model; delete it to train again")
            for index, variable in enumerate(variables):
                variable.assign(arrays[f"{prefix}/{index}"])


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as arrays:
            yield arrays
    except InputError:
        raise
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a checkpoint ({error}); delete it to train again") from None


def reset_seeds(model: keras.Model, seed: int, epoch: int) -> None:
    """Set the state of every random layer from (seed, epoch).

    An epoch then draws the same dropout in a resumed training as in an uninterrupted one.
    """
    generators = (generator for layer in model._flatten_layers() for generator in seed_generators(layer))
    for number, generator in enumerate(generators):
        words = np.random.SeedSequence((seed, epoch, number)).generate_state(2)
        generator.state.assign(words.astype("uint32"))


def seed_generators(layer: keras.Layer) -> list[keras.random.SeedGenerator]:
    """The random states that a layer itself holds; a layer without any gives the same output each time."""
    return [value for value in vars(layer).values() if isinstance(value, keras.random.SeedGenerator)]
