"""A training's whole state in one file; a kill at any moment leaves the last file intact."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dfdetect.hdf5 import write_weights
from dfdetect.variables import Parts, open_parts, save_parts
from face_extraction.atomic import atomic_path
from face_extraction.json_file import MOST_BYTES

if TYPE_CHECKING:
    import keras


def save_weights(path: Path, model: "keras.Model") -> None:
    """Write a model's weights, atomically.

    Raises:
        OSError: the disk is full.
    """
    with atomic_path(path) as temporary:
        write_weights(temporary, model)


def save_checkpoint(path: Path, model: "keras.Model", state: dict[str, Any]) -> None:
    """Write the model's and the optimizer's variables and `state` (JSON values), atomically.

    `keras.callbacks.BackupAndRestore` writes two files in place, without the state of early stopping and
    of the best epoch. This writes one file and renames it when it is complete.
    """
    save_parts(path, _parts(model), {"state": np.array(json.dumps(state))})


def read_state(path: Path) -> dict[str, Any]:
    """A checkpoint's `state`.

    Raises:
        InputError: the file is not a checkpoint.
    """
    with open_parts(path) as stored:
        # A training that diverged has NaN in its history, so that this is not quite JSON.
        state: dict[str, Any] = json.loads(str(stored.arrays.read("state", MOST_BYTES)))
    return state


def load_checkpoint(path: Path, model: "keras.Model") -> None:
    """Put a checkpoint's values into a model of the same recipe that is compiled for the same phase.

    Raises:
        InputError: the file is not a checkpoint, or it fits another model.
    """
    model.optimizer.build(model.trainable_variables)
    with open_parts(path) as stored:
        stored.put_into(_parts(model), "a checkpoint of another model; delete it to train again")


def _parts(model: "keras.Model") -> Parts:
    return {"model": model.variables, "optimizer": model.optimizer.variables}


def reset_seeds(model: "keras.Model", seed: int, epoch: int) -> None:
    """Set the state of every random layer from (seed, epoch).

    An epoch then draws the same dropout in a resumed training as in an uninterrupted one.
    """
    generators = (generator for layer in model._flatten_layers() for generator in seed_generators(layer))
    for number, generator in enumerate(generators):
        words = np.random.SeedSequence((seed, epoch, number)).generate_state(2)
        generator.state.assign(words.astype("uint32"))


def seed_generators(layer: "keras.Layer") -> "list[keras.random.SeedGenerator]":
    """The random states that a layer itself holds; a layer without any gives the same output each time."""
    import keras

    return [value for value in vars(layer).values() if isinstance(value, keras.random.SeedGenerator)]
