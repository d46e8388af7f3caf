"""Numbers as a report prints them, with the rounding that they may have gone through."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from face_extraction.errors import InputError

# Keras and PyTorch print single precision with the digits of double: the last ones are noise.
SINGLE_PRECISION = Fraction(1, 2**23)
NUMPY_DIGITS = 8  # NumPy prints at most this many decimals of an array's numbers, without trailing zeros


@dataclass(frozen=True)
class Interval:
    """The values that a number may have had before it was printed.

    Attributes:
        low: lower end.
        high: upper end.
        open: the ends themselves are excluded.
    """

    low: Fraction
    high: Fraction
    open: bool = False

    @classmethod
    def exactly(cls, value: Fraction | int | float) -> "Interval":
        """One value."""
        return cls(Fraction(value), Fraction(value))

    def meets(self, other: "Interval") -> bool:
        """Whether some value lies in both."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        return low < high or (low == high and self._holds(low) and other._holds(low))

    def _holds(self, value: Fraction) -> bool:
        return self.low < value < self.high or (not self.open and self.low <= value <= self.high)

    @property
    def middle(self) -> float:
        """Its middle."""
        return float((self.low + self.high) / 2)


@dataclass(frozen=True)
class Printed:
    """A number of a report.

    Attributes:
        text: as the report prints it, such as "95.78%", "0.5771", "10,000", "2.51E-05" or "3-4".
        place: where it stands in the report.
    """

    text: str
    place: str

    def __post_init__(self) -> None:
        self.interval  # noqa: B018 - refuses text that is not a number

    @property
    def interval(self) -> Interval:
        """Every value that some rounding (to nearest, up or down) turns into `text`.

        A range such as "3-4" states its own inaccuracy; its ends were rounded to nearest.

        Raises:
            InputError: `text` is not a number.
        """
        ends = re.fullmatch(r"(\d[\d.]*)-(\d[\d.]*)", self.text)
        if ends:
            (low, unit), (high, _) = (self._parse(end) for end in ends.groups())
            return Interval(low - unit / 2, high + unit / 2)
        value, unit = self._parse(self.text)
        return Interval(value - unit, value + unit, open=True)

    @property
    def value(self) -> float:
        """The number itself."""
        return self.interval.middle

    def _parse(self, text: str) -> tuple[Fraction, Fraction]:
        """Value, and one unit of the last digit."""
        bare = text.strip().replace(",", "")
        scale = Fraction(1, 100) if bare.endswith("%") else Fraction(1)
        try:
            number = Decimal(bare.rstrip("%"))
            exponent = int(number.as_tuple().exponent)
        except (InvalidOperation, ValueError):
            raise InputError(f"{self.place}: {self.text!r}; accepted: a number as printed") from None
        value = Fraction(number) * scale
        if bare.endswith("."):
            exponent = -NUMPY_DIGITS
        return value, max(Fraction(10) ** exponent * scale, abs(value) * SINGLE_PRECISION)
