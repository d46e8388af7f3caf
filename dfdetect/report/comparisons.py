"""comparisons.json: which cells in each column of a table cannot be told from the best one."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from face_extraction.errors import InputError
from face_extraction.json_file import read_json

T = TypeVar("T", bound=Any)

COMPARISONS = "comparisons.json"
LEVEL = 0.05


@dataclass(frozen=True)
class Comparison:
    """The best cell of a column against another cell, on the same faces.

    Attributes:
        table: the table's name.
        level: "face" or "video", the unit that was scored.
        metric: the column's metric.
        best: digest of the best cell's result.
        other: digest of the other's.
        value: best minus other, None if undefined; `low` and `high` are its 95 % interval.
        p: of no difference; `holm` is the same, adjusted for all pairs and metrics of the table.
        together: changes with the results that were compared together.
    """

    table: str
    level: str
    metric: str
    best: str
    other: str
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    holm: float | None
    together: str

    @property
    def alike(self) -> bool:
        """Whether the other was tested and cannot be told from the best."""
        return self.holm is not None and self.holm >= LEVEL


def read_comparisons(folder: Path) -> list[Comparison]:
    """The comparisons; none if the file is absent.

    Raises:
        InputError: the file is damaged.
    """
    return read_entries(folder / COMPARISONS, Comparison)


def read_entries(path: Path, kind: type[T]) -> list[T]:
    """The objects of a JSON file that holds a list of them under its own name; none if it is absent.

    Args:
        path: the file.
        kind: the objects' dataclass.

    Raises:
        InputError: the file is damaged.
    """
    if not path.is_file():
        return []
    entries = read_json(path, dict).get(path.stem)
    try:
        found = msgspec.convert(entries, list[kind])  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: damaged ({error})") from None
    unknown = {name for entry in entries or () for name in entry} - {field.name for field in fields(kind)}
    if unknown:
        raise InputError(f"{path}: damaged (unknown {', '.join(sorted(unknown))})")
    return found
