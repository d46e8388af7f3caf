"""How often a model errs in parts of the faces, and where that is more than chance."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dfdetect.data.faces import BLOCK
from dfdetect.evaluate.registry import Face, Slice, list_slices
from dfdetect.metrics.calibrating import Calibration
from dfdetect.metrics.estimates import Estimate, compute_without_ideal
from dfdetect.metrics.rates import Compared, compare_with_rest, share_estimate
from dfdetect.predictions import Predictions
from face_extraction.images import Unreadable
from face_extraction.landmarks import read_landmarks
from face_extraction.machine import available_cores
from face_extraction.manifest import FAKE, REAL, FaceSample
from face_extraction.progress import progress

FEWEST_FACES, FEWEST_GROUPS = 30, 20
"""The fewest faces of a class, and groups of them, for which a band gets a number."""
ALPHA = 0.05
"""The chance that any band is marked although none differs."""
SIDES = {REAL: "false_alarms", FAKE: "misses"}

Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How often one class is judged wrongly in one band.

    Attributes:
        n: faces of the class.
        groups: groups of them.
        share: of them that are judged wrongly; None with too few.
        compared: with the other bands of the slice; None if either side has too few.
    """

    n: int
    groups: int
    share: Estimate | None = None
    compared: Compared | None = None


@dataclass(frozen=True, kw_only=True)
class Band:
    """One band of a slice.

    Attributes:
        name: its name for readers.
        rates: of "false_alarms" among reals and "misses" among fakes.
        auc: of its faces; None with too few.
    """

    name: str
    rates: Mapping[str, Rate]
    auc: Estimate | None


@dataclass(frozen=True)
class Sliced:
    """The faces, sliced by one property.

    Attributes:
        slice: the property.
        bands: in order; those without faces are left out.
        unknown: faces of which it is not known.
    """

    slice: Slice
    bands: Sequence[Band]
    unknown: int


@dataclass(frozen=True)
class Subgroups:
    """How often a model errs in parts of the faces.

    Attributes:
        slices: one for each property.
        looked_at: bands with a number.
        tests: comparisons of a band with the rest.
        cuts: the scores from which a real counts as judged wrongly, and below which a fake does.
    """

    slices: Sequence[Sliced]
    looked_at: int
    tests: int
    cuts: Calibration


Values = Mapping[Slice, Sequence[float | str | None]]
"""By slice, the value of each face."""


def measure(folder: Path, samples: Sequence[FaceSample], side: int) -> dict[Slice, list[float | str | None]]:
    """Measure every property of every face.

    Args:
        folder: the manifest's; landmarks may lie in it.
        samples: its rows.
        side: of the faces that the model takes, in pixels.

    Returns:
        By slice, the value of each sample in order; None if it cannot be read or measured.

    Raises:
        InputError: the file of landmarks is damaged.
    """
    slices, points = list_slices(), read_landmarks(folder).points

    def one(sample: FaceSample) -> list[float | str | None]:
        face = Face(sample, folder / sample.path, side, points.get(sample.path))
        return [value_of(each, face) for each in slices]

    with (
        ThreadPoolExecutor(available_cores()) as pool,
        progress("slice", len(samples), unit="faces") as advance,
    ):
        rows = []
        for start in range(0, len(samples), BLOCK):  # a million waiting calls would take much memory
            for row in pool.map(one, samples[start : start + BLOCK]):
                rows.append(row)
                advance()
    return {each: [row[place] for row in rows] for place, each in enumerate(slices)}


def value_of(property: Slice, face: Face) -> float | str | None:
    """A face's property; None if it is not known."""
    try:
        value = property.measure(face)
    except Unreadable:
        return None
    return None if isinstance(value, float) and math.isnan(value) else value


@dataclass(frozen=True)
class _Scored:
    """Faces with known labels, and how they are judged.

    Attributes:
        predictions: their scores.
        labels: of each.
        groups: of each.
        wrong: by class, which faces would be judged wrongly if they were of that class.
    """

    predictions: Predictions
    labels: Integers
    groups: Integers
    wrong: Mapping[int, Mask]

    def mine(self, label: int, inside: Mask) -> Mask:
        """The faces of one class in a band."""
        return np.asarray(inside & (self.labels == label))

    def enough(self, label: int, inside: Mask) -> bool:
        """Whether a band has enough faces of a class, from enough groups, for a number."""
        mine = self.mine(label, inside)
        return int(mine.sum()) >= FEWEST_FACES and len(np.unique(self.groups[mine])) >= FEWEST_GROUPS


def subgroups(predictions: Predictions, values: Values, cuts: Calibration) -> Subgroups:
    """Measure every band of every slice, and compare it with the rest of its slice.

    Args:
        predictions: of faces with known labels.
        values: of each of them.
        cuts: the run's.
    """
    wrong = cuts.wrong(cuts.apply(predictions.p_fake))
    scored = _Scored(predictions, predictions.labels, predictions.groups, wrong)
    banded = {each: _bands(each, known) for each, known in values.items()}
    tested = [
        (each, place, label)
        for each, bands in banded.items()
        for place, (_, inside) in enumerate(bands)
        for label in SIDES
        if scored.enough(label, inside) and scored.enough(label, _rest(bands, inside))
    ]
    compared = _compare(tested, banded, scored)
    slices = [
        Sliced(
            each,
            [_band(scored, each, place, bands, compared) for place in range(len(bands))],
            _unknown(each, values[each], scored),
        )
        for each, bands in banded.items()
    ]
    with_number = [
        band for each in slices for band in each.bands if any(rate.share for rate in band.rates.values())
    ]
    return Subgroups(slices, len(with_number), len(tested), cuts)


def _bands(property: Slice, values: Sequence[float | str | None]) -> list[tuple[str, Mask]]:
    """The names of a slice's bands that have faces, and which faces are in each."""
    texts = sorted({value for value in values if isinstance(value, str)})
    numbers = {place: value for place, value in enumerate(values) if isinstance(value, int | float)}
    masks = [(text, np.array([value == text for value in values])) for text in texts]
    if numbers:
        names, of_each = property.bands.of(list(numbers.values()))
        number = np.full(len(values), -1)
        number[list(numbers)] = of_each
        masks += [(name, number == place) for place, name in enumerate(names)]
    return [(name, mask) for name, mask in masks if mask.any()]


def _rest(bands: Sequence[tuple[str, Mask]], inside: Mask) -> Mask:
    """The faces of the other bands."""
    return np.asarray(np.logical_or.reduce([mask for _, mask in bands]) & ~inside)


Test = tuple[Slice, int, int]
"""A slice, the number of its band, and the class."""


def _compare(
    tested: Sequence[Test], banded: Mapping[Slice, Sequence[tuple[str, Mask]]], scored: _Scored
) -> dict[Test, Compared]:
    """Compare bands with the rest; the intervals hold together (Bonferroni)."""
    found = {}
    for each, place, label in tested:
        inside = banded[each][place][1]
        found[each, place, label] = compare_with_rest(
            scored.wrong[label],
            scored.groups,
            scored.mine(label, inside),
            scored.mine(label, _rest(banded[each], inside)),
            1 - ALPHA / len(tested),
        )
    return found


def _band(
    scored: _Scored,
    property: Slice,
    place: int,
    bands: Sequence[tuple[str, Mask]],
    compared: Mapping[Test, Compared],
) -> Band:
    """The numbers of one band."""
    name, inside = bands[place]
    rates = {}
    for label, side in SIDES.items():
        mine = scored.mine(label, inside)
        groups = scored.groups[mine]
        rates[side] = Rate(
            n=int(mine.sum()),
            groups=len(np.unique(groups)),
            share=share_estimate(scored.wrong[label][mine], groups) if scored.enough(label, inside) else None,
            compared=compared.get((property, place, label)),
        )
    both = inside | (scored.labels == REAL) if property.of_fakes else inside
    auc = None
    if all(scored.enough(label, both) for label in SIDES):
        chosen = np.flatnonzero(both).tolist()
        samples = [scored.predictions.samples[row] for row in chosen]
        part = Predictions(samples, scored.predictions.p_fake[chosen])
        auc = compute_without_ideal(part, threshold=0.5).estimates["auc"]
    return Band(name=name, rates=rates, auc=auc)


def _unknown(property: Slice, values: Sequence[float | str | None], scored: _Scored) -> int:
    """How many faces lack a value that they should have."""
    asked = scored.labels == FAKE if property.of_fakes else np.ones(len(values), bool)
    return int(sum(asked[row] for row, value in enumerate(values) if value is None))
