"""comparisons.json: which cells in each column of a table cannot be told from the best one."""

from dataclasses import dataclass
from pathlib import Path

from face_extraction.errors import InputError
from face_extraction.json_file import parse_json

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
    path = folder / COMPARISONS
    if not path.is_file():
        return []
    try:
        return [Comparison(**entry) for entry in parse_json(path.read_text(encoding="utf-8"))["comparisons"]]
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: damaged ({error})") from None
