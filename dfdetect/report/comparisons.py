"""comparisons.json: which cells in each column of a table cannot be told from the best one."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from dfdetect.metrics.estimates import with_nan
from face_extraction.errors import InputError
from face_extraction.json_file import read_json, write_json
from face_extraction.paths import is_there

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
        value: best minus other, NaN if undefined; `low` and `high` are its 95 % interval.
        p: of no difference; `holm` is the same, adjusted for all pairs and metrics of the table.
        together: changes with the results that were compared together.
    """

    table: str
    level: str
    metric: str
    best: str
    other: str
    value: float
    low: float
    high: float
    p: float
    holm: float
    together: str

    @property
    def alike(self) -> bool:
        """Whether the other was tested and cannot be told from the best."""
        return self.holm >= LEVEL


def read_comparisons(folder: Path) -> list[Comparison]:
    """The comparisons; none if the file is absent.

    Raises:
        InputError: the file is damaged.
    """
    return read_entries(folder / COMPARISONS, Comparison)


def read_entries(path: Path, kind: type[T]) -> list[T]:
    """The objects of a JSON file that holds a list of them under its own name; none if it is absent.

    A null is read as NaN.

    Args:
        path: the file.
        kind: the objects' dataclass.

    Raises:
        InputError: the file is damaged.
    """
    if not is_there(path):
        return []
    entries = read_json(path, dict).get(path.stem)
    try:
        found = msgspec.convert(with_nan(entries), list[kind])  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: damaged ({error})") from None
    unknown = {name for entry in entries or () for name in entry} - {field.name for field in fields(kind)}
    if unknown:
        raise InputError(f"{path}: damaged (unknown {', '.join(sorted(unknown))})")
    return found


def write_entries(path: Path, entries: Sequence[Any]) -> None:
    """Write objects as `read_entries` reads them, atomically; msgspec writes NaN as null.

    Args:
        path: the file.
        entries: dataclass objects.
    """
    write_json(path, {path.stem: msgspec.json.decode(msgspec.json.encode(entries))})
