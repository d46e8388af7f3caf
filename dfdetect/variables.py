"""The variables of a training in one file, which is written whole or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from face_extraction.arrays import Arrays, open_arrays
from face_extraction.atomic import atomic_path
from face_extraction.errors import InputError

Parts = Mapping[str, Sequence[Any]]
"""Names of models and optimizers, each with its variables in order."""


@dataclass(frozen=True)
class Stored:
    """An opened checkpoint.

    Attributes:
        path: the file, for errors.
        arrays: what it holds.
    """

    path: Path
    arrays: Arrays

    def put_into(self, parts: Parts, misfit: str) -> None:
        """Give the variables their stored values; the file may hold more parts.

        Args:
            parts: where the values go.
            misfit: what an error says if a part has another number of variables.

        Raises:
            InputError: it has.
        """
        for name, variables in parts.items():
            stored = sum(each.startswith(f"{name}/") for each in self.arrays.names)
            if stored != len(variables):
                raise InputError(f"{self.path}: {misfit}")
            for number, variable in enumerate(variables):
                most = 8 * int(np.prod(variable.shape))
                variable.assign(self.arrays.read(f"{name}/{number}", most))


def save_parts(path: Path, parts: Parts, facts: Mapping[str, Any]) -> None:
    """Write the values of all variables, and `facts`: arrays under names without a slash."""
    arrays: dict[str, Any] = {
        f"{name}/{number}": np.asarray(variable)
        for name, variables in parts.items()
        for number, variable in enumerate(variables)
    }
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        np.savez(handle, **facts, **arrays)


@contextmanager
def open_parts(path: Path) -> Iterator[Stored]:
    """A file that `save_parts` wrote.

    Raises:
        InputError: it is none, or what the block reads of it is missing, damaged or does not fit.
    """
    with open_arrays(path, "a checkpoint", "delete it to train again") as arrays:
        yield Stored(path, arrays)
