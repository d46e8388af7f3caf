"""A finding to look for: a claim of a report as comparisons of cells, as experiment.toml declares it.

Every comparison has a better side and a side or a value that it is compared with. The claim holds if each of
its comparisons does.
"""

import hashlib
import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from dfdetect.metrics.measures import MEASURES
from dfdetect.report.published import At
from face_extraction.errors import InputError, check_name

# A side is the mean over its cells.
Side = Sequence[At]
Names = str | Sequence[str]
KEYS = ("says", "place", "published", "metric", "first", "second", "each", "below", "order", "pretrained")


@dataclass(frozen=True)
class Comparing:
    """One comparison: the first side is better than the second, or below a value.

    Attributes:
        first: the cells whose mean is claimed to be better.
        second: the cells that it is compared with; none if a value takes their place.
        below: the value that the first side stays under; only without a second side.
    """

    first: Side
    second: Side = ()
    below: float = 0.0

    @property
    def points(self) -> list[At]:
        """All cells of both sides."""
        return [*self.first, *self.second]


@dataclass(frozen=True)
class Finding:
    """A claim that results can confirm or refute.

    Attributes:
        says: the claim, in a few words of ours.
        place: where the report says it.
        metric: what is compared, as in `MEASURES`.
        comparisons: what has to hold, all of it.
        published: what the report says, if its numbers of these cells do not say it.
        pretrained: choices whose networks the report starts from pretrained weights; those that start from
            random weights here cannot tell.
    """

    says: str
    place: str
    metric: str
    comparisons: Sequence[Comparing]
    published: str = ""
    pretrained: frozenset[str] = frozenset()

    @cached_property
    def key(self) -> str:
        """Changes with what is compared, and not with the words."""
        facts = [self.metric, [asdict(one) for one in self.comparisons]]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]

    @cached_property
    def points(self) -> list[At]:
        """The cells that it rests on, each once."""
        every = (point for one in self.comparisons for point in one.points)
        return [dict(pairs) for pairs in dict.fromkeys(tuple(point.items()) for point in every)]


def read_finding(entry: Mapping[str, Any], axes: Mapping[str, Collection[str]], where: str) -> Finding:
    """Read an entry of `findings`.

    A side names choices on each axis, one or a list: `{ model = ["a", "b"], regime = "l2" }`. `first` is
    compared with `second`, mean against mean; with `each`, cell by cell. `order` is a list of sides, each
    better than the next. `below` is a value that `first` stays under. `pretrained` names choices of which the
    report claims it as pretrained networks: a list, or true for all.

    Args:
        entry: the entry.
        axes: the names of each axis's choices.
        where: the file, for errors.

    Raises:
        InputError: a key or a name is unknown, or the sides do not fit together.
    """
    for key in entry:
        check_name("key", key, KEYS, where)
    where = f"{where}: finding {entry.get('says', '')!r}"
    for key in ("says", "place", "metric"):
        if not entry.get(key):
            raise InputError(f"{where}: no {key}")
    metric = entry["metric"]
    check_name("metric", metric, MEASURES, where)
    forms = [key for key in ("second", "below", "order") if key in entry]
    if len(forms) != 1 or ("first" in entry) == ("order" in entry):
        raise InputError(f"{where}: accepted: first with second or below, or order alone")
    if "order" in entry:
        sides = [_side(side, axes, where) for side in entry["order"]]
        if len(sides) < 2:
            raise InputError(f"{where}: an order has two sides or more")
        comparisons = [Comparing(one, other) for one, other in itertools.pairwise(sides)]
    elif "below" in entry:
        if type(entry["below"]) not in (int, float):
            raise InputError(f"{where}: below {entry['below']!r}; accepted: a number")
        comparisons = [Comparing(_side(entry["first"], axes, where), below=float(entry["below"]))]
    else:
        first, second = (_side(entry[key], axes, where) for key in ("first", "second"))
        comparisons = _paired(first, second, where) if entry.get("each") else [Comparing(first, second)]
    pretrained = _pretrained(entry.get("pretrained", []), comparisons, where)
    return Finding(entry["says"], entry["place"], metric, comparisons, entry.get("published", ""), pretrained)


def _pretrained(given: object, comparisons: Sequence[Comparing], where: str) -> frozenset[str]:
    """The choices named as pretrained; all of them for true."""
    choices = sorted({name for one in comparisons for point in one.points for name in point.values()})
    if given is True:
        return frozenset(choices)
    if not isinstance(given, list) or not all(name in choices for name in given):
        accepted = f"true, or a list of some of {', '.join(choices)}"
        raise InputError(f"{where}: pretrained {given!r}; accepted: {accepted}")
    return frozenset(given)


def _side(side: Mapping[str, Names], axes: Mapping[str, Collection[str]], where: str) -> Side:
    """The cells of a side, in the order of its lists."""
    for axis in side:
        check_name("axis", axis, axes, where)
    choices = []
    for axis in axes:
        if axis not in side:
            raise InputError(f"{where}: {dict(side)}: a side has a choice of {axis} too")
        named = side[axis]
        names = [named] if isinstance(named, str) else list(named)
        for name in names:
            check_name(f"choice of {axis}", name, axes[axis], where)
        choices.append(names)
    return [dict(zip(axes, names, strict=True)) for names in itertools.product(*choices)]


def _paired(first: Side, second: Side, where: str) -> list[Comparing]:
    """Cell by cell; a side of one cell meets every cell of the other."""
    if 1 not in (len(first), len(second)) and len(first) != len(second):
        raise InputError(f"{where}: each, with {len(first)} cells against {len(second)}")
    count = max(len(first), len(second))
    firsts, seconds = (list(side) * (count if len(side) == 1 else 1) for side in (first, second))
    return [Comparing([one], [other]) for one, other in zip(firsts, seconds, strict=True)]
