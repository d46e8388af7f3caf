"""What a report published, as typed into its experiment.toml, with the place of each number."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dfdetect.metrics.measures import MEASURES
from dfdetect.report.printed import Interval, Printed
from face_extraction.errors import InputError, unknown_name

# A cell, or a part of the grid, as axis to choice.
At = Mapping[str, str]
# What a cell may have beside metrics: settings that the report found.
SETTINGS = ("learning_rate", "loss")
# Possible orders of rows and columns in a printed confusion matrix; the first is ours.
ORDERS = (["real", "fake"], ["fake", "real"])

Matrix = tuple[tuple[Printed, Printed], tuple[Printed, Printed]]


def name_of(at: At) -> str:
    """A cell by its choices, such as "vgg16, with"."""
    return ", ".join(at.values())


def title_of(number: str) -> str:
    """The title of a metric, or of another number, by its name."""
    return MEASURES[number].title if number in MEASURES else number.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Values:
    """Numbers of one fold, of an average, or of a model.

    Attributes:
        numbers: a metric's name, as in `MEASURES`, or one of `SETTINGS`, to the number.
        confusion: rows are true real and true fake, columns are called real and called fake; None if none
            is printed.
    """

    numbers: Mapping[str, Printed]
    confusion: Matrix | None = None


@dataclass(frozen=True)
class Block:
    """What one place in a report says about one cell.

    Attributes:
        place: the place in the report.
        at: the cell, as axis to choice.
        values: the cell's own numbers.
        folds: each fold's numbers, in order.
        average: the report's own average over all folds.
    """

    place: str
    at: At
    values: Values
    folds: Sequence[Values] = ()
    average: Values | None = None

    @property
    def whole(self) -> Values:
        """The cell's values: the average over folds if there is one."""
        if self.average is None:
            return self.values
        return Values({**self.values.numbers, **self.average.numbers}, self.average.confusion)


@dataclass(frozen=True)
class Claim:
    """A sentence of the report that its own numbers can confirm or refute.

    Attributes:
        place: the place in the report.
        says: what it says, in a few words of ours.
        formula: the same with names of numbers; see `dfdetect.report.formula`.
    """

    place: str
    says: str
    formula: str


@dataclass(frozen=True)
class Statement:
    """A statement of the report, in a few words of ours.

    Attributes:
        place: the place in the report.
        says: what it says.
    """

    place: str
    says: str


@dataclass(frozen=True)
class Published:
    """Everything that a report published.

    Attributes:
        blocks: its tables and lists.
        numbers: by name, the numbers in its text and those numbers of cells that have a name.
        claims: its sentences to check.
        opposed: pairs of statements that exclude each other.
    """

    blocks: Sequence[Block] = ()
    numbers: Mapping[str, Printed] = field(default_factory=dict)
    claims: Sequence[Claim] = ()
    opposed: Sequence[tuple[Statement, Statement]] = ()

    def of(self, at: At) -> Iterator[Block]:
        """The blocks about one cell, in order."""
        return (block for block in self.blocks if dict(block.at) == dict(at))

    def value(self, at: At, name: str) -> Printed | None:
        """The first number of this name about a cell; None if the report has none."""
        return next(iter(self._all(at, name)), None)

    def shown(self, at: At, name: str) -> str:
        """The same number as tables show it, in its shortest form; "" if there is none."""
        return min((number.text for number in self._all(at, name)), key=len, default="")

    def _all(self, at: At, name: str) -> list[Printed]:
        found = (block.whole.numbers.get(name) for block in self.of(at))
        return [number for number in found if number is not None]


def read_published(content: Mapping[str, Any], where: str) -> Published:
    """Read the tables `published`, `numbers` and `claims` of an experiment.toml.

    Matrices are typed as printed; `matrix_order` gives the class of the first row and column.

    Raises:
        InputError: a name is unknown, or a value is not a number as printed.
    """
    order = content.get("matrix_order", ORDERS[0])
    if order not in ORDERS:
        raise InputError(f"{where}: matrix_order {order}; accepted: {' or '.join(map(str, ORDERS))}")
    turned = order != ORDERS[0]
    try:
        blocks = [_block(entry, turned) for entry in content.get("published", [])]
        numbers = {
            name: Printed(entry["value"], entry["place"]) if "value" in entry else _named(entry, blocks)
            for name, entry in content.get("numbers", {}).items()
        }
        claims = [Claim(**entry) for entry in content.get("claims", [])]
        opposed = [
            (Statement(**entry["first"]), Statement(**entry["second"]))
            for entry in content.get("opposed", [])
        ]
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{where}: published values: {type(error).__name__}: {error}") from None
    return Published(blocks, numbers, claims, opposed)


def intervals(published: Published) -> dict[str, Interval]:
    """Each named number's possible values."""
    return {name: number.interval for name, number in published.numbers.items()}


def _named(entry: Mapping[str, Any], blocks: Sequence[Block]) -> Printed:
    number = Published(blocks).value(entry["at"], entry["metric"])
    if number is None:
        raise InputError(f"no published {entry['metric']} at {entry['at']}")
    return number


def _block(entry: Mapping[str, Any], turned: bool) -> Block:
    place, at = entry["place"], entry["at"]
    rest = {name: value for name, value in entry.items() if name not in ("place", "at", "folds", "average")}
    average = entry.get("average")
    return Block(
        place,
        at,
        _values(rest, place, turned),
        [
            _values(fold, f"{place}, fold {number}", turned)
            for number, fold in enumerate(entry.get("folds", ()), start=1)
        ],
        None if average is None else _values(average, f"{place}, average", turned),
    )


def _values(entry: Mapping[str, Any], place: str, turned: bool) -> Values:
    numbers = {}
    for name, text in entry.items():
        if name in MEASURES or name in SETTINGS:
            numbers[name] = Printed(text, place)
        elif name != "confusion":
            raise unknown_name("metric", name, (*MEASURES, *SETTINGS, "confusion"))
    confusion = None
    if "confusion" in entry:
        step = -1 if turned else 1
        (tn, fp), (fn, tp) = (row[::step] for row in entry["confusion"][::step])
        confusion = (
            (Printed(tn, place), Printed(fp, place)),
            (Printed(fn, place), Printed(tp, place)),
        )
    return Values(numbers, confusion)
