"""Recompute a report's figures from its own numbers.

Two numbers contradict each other if no rounding (to nearest, up or down) explains their difference; each is
published, or computed from published ones. A claim in words is checked only if experiment.toml lists it
under `claims`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import ceil, floor

import numpy as np

from dfdetect.metrics.measures import MEASURES, decisions
from dfdetect.report.formula import check
from dfdetect.report.printed import Interval
from dfdetect.report.published import Block, Claim, Matrix, Published, Values, intervals, name_of, title_of

# Names that the rules know: how many images a report says it used, how many of them are real and fake, and
# how many an accuracy was measured on.
IMAGES = {"images": (0, 1), "real_images": (0,), "fake_images": (1,)}
TESTED = "tested_images"


@dataclass(frozen=True)
class Check:
    """One recomputed figure.

    Attributes:
        rule: how it was recomputed.
        where: the cell and the place in the report.
        what: the figure.
        stated: the report's own number.
        found: the recomputed number.
        holds: whether `stated` is what `found` becomes by some rounding.
    """

    rule: str
    where: str
    what: str
    stated: str
    found: str
    holds: bool


def recheck(published: Published, where: str = "") -> list[Check]:
    """Recompute every figure that follows from others, in the report's order.

    Args:
        published: what the report says.
        where: the file, for errors in claims.
    """
    checks: list[Check] = []
    for block in published.blocks:
        checks += _metrics(block)
        checks += _averages(block)
    checks += _sizes(published)
    checks += _shares(published)
    checks += _repeated(published)
    checks += (_claim(claim, published, where) for claim in published.claims)
    checks += (
        Check("statements", f"{first.place}, and {second.place}", "In words", first.says, second.says, False)
        for first, second in published.opposed
    )
    return checks


def _metrics(block: Block) -> Iterator[Check]:
    """Accuracy, precision, recall and F1 follow from a confusion matrix."""
    for values in (block.values, *block.folds):
        if values.confusion is None:
            continue
        found = _recomputed(values.confusion)
        for name, number in values.numbers.items():
            if name in found:
                value = found[name]
                yield Check(
                    "from its confusion matrix",
                    f"{name_of(block.at)}: {number.place}",
                    MEASURES[name].title,
                    number.text,
                    f"{value:.6g}",
                    number.interval.meets(Interval.exactly(value)),
                )


def _averages(block: Block) -> Iterator[Check]:
    """Averages follow from folds."""
    if block.average is None:
        return
    for name, number in block.average.numbers.items():
        known = [_best_known(fold, name) for fold in block.folds]
        folds = [each for each in known if each is not None]
        if len(folds) < len(known):
            continue
        mean = _mean(folds)
        yield Check(
            "mean of the folds",
            f"{name_of(block.at)}: {number.place}",
            MEASURES[name].title,
            number.text,
            f"{mean.middle:.6g}",
            number.interval.meets(mean),
        )
    if block.average.confusion is None:
        return
    matrices = [fold.confusion for fold in block.folds if fold.confusion is not None]
    if len(matrices) < len(block.folds):
        return
    means = [
        [_mean([Interval.exactly(matrix[row][column].value) for matrix in matrices]) for column in (0, 1)]
        for row in (0, 1)
    ]
    stated = block.average.confusion
    yield Check(
        "mean of the folds",
        f"{name_of(block.at)}: {stated[0][0].place}",
        "Confusion matrix",
        _matrix([[f"{cell.value:.6g}" for cell in row] for row in stated]),
        _matrix([[f"{cell.middle:.6g}" for cell in row] for row in means]),
        all(
            cell.interval.meets(mean)
            for row, others in zip(stated, means, strict=True)
            for cell, mean in zip(row, others, strict=True)
        ),
    )


def _sizes(published: Published) -> Iterator[Check]:
    """Each fold tests another part of the images, so the matrices add up to all images."""
    blocks = {
        name_of(block.at): [fold.confusion for fold in block.folds if fold.confusion is not None]
        for block in published.blocks
        if block.folds
    }
    sums = {name: _row_sums(matrices) for name, matrices in blocks.items() if matrices}
    if not sums:
        return
    usual = Counter(sums.values()).most_common(1)[0][0]
    for name, rows in sums.items():
        yield Check(
            "all models have the same images",
            name,
            "Images in the matrices (real, fake)",
            _rows(usual),
            _rows(rows),
            rows == usual,
        )
    for number_name, rows_counted in IMAGES.items():
        number = published.numbers.get(number_name)
        if number is None:
            continue
        for rows in dict.fromkeys(sums.values()):
            total = sum(rows[row] for row in rows_counted)
            models = [name for name, other in sums.items() if other == rows]
            yield Check(
                "sum of the matrices",
                f"{number.place}; {models[0] if len(models) == 1 else f'{len(models)} models and regimes'}",
                title_of(number_name),
                number.text,
                f"{total:,}",
                number.interval.meets(Interval.exactly(total)),
            )


def _shares(published: Published) -> Iterator[Check]:
    """An accuracy on n images is a whole number of n-ths (the GRIM test of Brown and Heathers 2017)."""
    tested = published.numbers.get(TESTED)
    if tested is None:
        return
    n = round(tested.value)
    for block in published.blocks:
        number = block.values.numbers.get("accuracy")
        if number is None:
            continue
        stated = number.interval
        below, above = floor(stated.middle * n), ceil(stated.middle * n)
        yield Check(
            f"a whole number of {n:,} images",
            f"{name_of(block.at)}: {number.place}",
            "Accuracy",
            number.text,
            f"{below / n:.3%} or {above / n:.3%}",
            any(stated.meets(Interval.exactly(Fraction(count, n))) for count in (below, above)),
        )


def _repeated(published: Published) -> Iterator[Check]:
    """A number that stands in two places must be the same."""
    for first, second in combinations(published.blocks, 2):
        if dict(first.at) != dict(second.at):
            continue
        for name, number in first.whole.numbers.items():
            again = second.whole.numbers.get(name)
            if again is not None:
                yield Check(
                    "stands in two places",
                    f"{name_of(first.at)}: {first.place}, and {second.place}",
                    title_of(name),
                    number.text,
                    again.text,
                    number.interval.meets(again.interval),
                )


def _claim(claim: Claim, published: Published, where: str) -> Check:
    holds, sides = check(claim.formula, intervals(published), where)
    # Show a single number as printed: the report gives no middle of "3-4".
    stated, found = (
        number.text if (number := published.numbers.get(side)) else f"{value.middle:.6g}"
        for side, value in sides
    )
    return Check("other numbers of the report", claim.place, claim.says, stated, found, holds)


def _best_known(fold: Values, name: str) -> Interval | None:
    """From the matrix, which is exact, if there is one; else as printed, if it is."""
    if fold.confusion is not None and name in (found := _recomputed(fold.confusion)):
        return Interval.exactly(found[name])
    number = fold.numbers.get(name)
    return number.interval if number else None


def _recomputed(confusion: Matrix) -> dict[str, float]:
    cells = (np.array([cell.value]) for row in confusion for cell in row)
    return {name: float(value[0]) for name, value in decisions(*cells).items()}


def _mean(parts: Sequence[Interval]) -> Interval:
    n = len(parts)
    return Interval(
        sum((part.low for part in parts), Fraction()) / n,
        sum((part.high for part in parts), Fraction()) / n,
        any(part.open for part in parts),
    )


def _row_sums(matrices: Sequence[Matrix]) -> tuple[int, int]:
    real, fake = (sum(round(cell.value) for matrix in matrices for cell in matrix[row]) for row in (0, 1))
    return real, fake


def _rows(rows: tuple[int, int]) -> str:
    return f"{sum(rows):,} ({rows[0]:,}, {rows[1]:,})"


def _matrix(rows: Iterable[Iterable[str]]) -> str:
    return "[" + ", ".join(f"[{', '.join(row)}]" for row in rows) + "]"
