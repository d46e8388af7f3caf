"""The whole state of a GAN's training in one file."""

from pathlib import Path

import numpy as np

from dfdetect.variables import Parts, open_parts, save_parts


def save_state(path: Path, step: int, parts: Parts) -> None:
    """Write the number of steps that are done, and the values of all variables, atomically."""
    save_parts(path, parts, {"step": np.array(step)})


def load_state(path: Path, parts: Parts) -> int:
    """Put the stored values into variables; the number of steps that were done.

    Args:
        path: the file; it may hold more than `parts` asks for.
        parts: where the values go.

    Raises:
        InputError: the file is no checkpoint, or one of other networks.
    """
    with open_parts(path) as stored:
        step = int(stored.arrays.read("step", 8))
        if step < 0:
            raise ValueError(f"step {step}")
        stored.put_into(parts, "a checkpoint of other networks; choose another folder")
    return step
