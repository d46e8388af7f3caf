"""What a file in the folder "slices" provides: a function from a face to the property it is sliced by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_extraction.images import read_rgb, resize
from face_extraction.manifest import FaceSample
from face_extraction.registry import Registry

__all__ = ["Bands", "Face", "Points", "Slice", "list_slices", "register"]

Points = NDArray[np.float32]
"""The 68 landmarks in dlib's order: float32 of shape (68, 2), x and y in pixels of the crop."""


@dataclass(frozen=True)
class Face:
    """A face to be measured.

    Attributes:
        sample: its row.
        path: the crop's file.
        side: the model's side, in pixels.
        points: the landmarks; None if the manifest has none beside it.
    """

    sample: FaceSample
    path: Path
    side: int
    points: Points | None = None

    @cached_property
    def picture(self) -> NDArray[np.uint8]:
        """The crop: uint8 RGB of shape (H, W, 3).

        Raises:
            Unreadable: it cannot be decoded.
        """
        return read_rgb(self.path)

    @cached_property
    def scaled(self) -> NDArray[np.uint8]:
        """The crop as the model gets it: uint8 RGB of shape (side, side, 3)."""
        return resize(self.picture, self.side)


Measure = Callable[[Face], float | str | None]


@dataclass(frozen=True)
class Bands:
    """How numbers are cut into bands.

    Attributes:
        unit: of the numbers, such as " px"; it follows a number.
        cuts: the ends of the bands, ascending; a number equal to a cut is in the lower band. Without cuts,
            they are the quartiles of the faces at hand.
        names: of the bands, one more than cuts; without, they are made from cuts and unit.
        form: how a single number is written, as in Python's format.

    Raises:
        ValueError: cuts do not ascend, or there are not as many names as they make bands.
    """

    unit: str = ""
    cuts: Sequence[float] = ()
    names: Sequence[str] = ()
    form: str = ".3g"

    def __post_init__(self) -> None:
        ascend = list(self.cuts) == sorted(set(self.cuts))
        if not ascend or (self.names and len(self.names) != len(self.cuts) + 1):
            raise ValueError(f"cuts must ascend, with one name more. Received: {self}")

    def of(self, values: Sequence[float]) -> tuple[list[str], list[int]]:
        """The names of all bands, and for each value the number of its band, from 0.

        Args:
            values: known numbers, at least one.
        """
        cuts = list(self.cuts) or sorted(set(np.quantile(values, [0.25, 0.5, 0.75]).tolist()))
        names = list(self.names) or self._made(cuts)
        return names, np.searchsorted(cuts, values, side="left").tolist()

    def _made(self, cuts: Sequence[float]) -> list[str]:
        """Names that differ: numbers with three digits, or as many as tell the cuts apart."""
        for digits in range(3, 18):
            shown = [f"{cut:.{digits}g}" for cut in cuts]
            if len(set(shown)) == len(cuts):
                break
        between = (f"{low} to {high}{self.unit}" for low, high in pairwise(shown))
        return [f"up to {shown[0]}{self.unit}", *between, f"above {shown[-1]}{self.unit}"]

    def show(self, value: float) -> str:
        """A number and its unit, such as "223 px"."""
        return f"{value:{self.form}}{self.unit}"


QUARTERS = Bands()


@dataclass(frozen=True)
class Slice:
    """A property that faces are sliced by.

    Attributes:
        name: its name in files.
        title: its name for readers.
        meaning: how it is measured, and what it does not tell, in sentences.
        measure: a number, or the name of a band; None if it is not known. It raises `Unreadable` if the
            crop cannot be decoded.
        bands: how numbers are cut.
        of_fakes: only fakes have it, so that each band's AUC is against all reals.
    """

    name: str
    title: str
    meaning: str
    measure: Measure
    bands: Bands = QUARTERS
    of_fakes: bool = False

    def show(self, value: float | str) -> str:
        """A value for people, such as "12.3 px" or "light (48.1°)"."""
        if isinstance(value, str):
            return value
        number = self.bands.show(value)
        if not self.bands.names:
            return number
        names, (place,) = self.bands.of([value])
        return f"{names[place]} ({number})"


_SLICES: Registry[Slice] = Registry("slice", f"{__package__}.slices")


def register(
    name: str, title: str, meaning: str, *, bands: Bands = QUARTERS, of_fakes: bool = False
) -> Callable[[Measure], Measure]:
    """Register the decorated function as the slice `name`. The other arguments are fields of `Slice`."""
    return _SLICES.decorator(name, lambda measure: Slice(name, title, meaning, measure, bands, of_fakes))


def list_slices() -> list[Slice]:
    """All slices, by name."""
    return _SLICES.all()
