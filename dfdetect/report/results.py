"""results.jsonl: one line for each cell that was run. Tables need nothing else; no path is in it."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

import msgspec
from filelock import FileLock

from dfdetect.metrics.estimates import Estimate, Metrics
from dfdetect.metrics.folds import CrossValidation, Fold, summarise
from dfdetect.recipe import from_mapping, split_leak
from dfdetect.report.declared import Cell
from face_extraction.errors import InputError, one_line
from face_extraction.json_file import parse_json
from face_extraction.lines import cut_torn_line, whole_lines
from face_extraction.paths import is_there

RESULTS = "results.jsonl"
DONE, FAILED = "done", "failed"
# The place of a recipe's own files is not part of a result; their hashes are stored separately.
PLACES = ("manifest",)


class _Data(TypedDict, total=False):
    manifest_sha256: str
    sources: list[str]
    faces: dict[str, int]
    sample_set: bool


class _Weights(TypedDict, total=False):
    origin: str
    sha256: str
    local: bool
    partial: bool
    leaks: list[str]
    random_members: list[str]


class _Facts(TypedDict, total=False):
    devices: list[str]
    packages: dict[str, Any]


class _Part(TypedDict):
    n_train: int
    n_test: NotRequired[int]  # lines of earlier versions lack it
    metrics: dict[str, dict[str, Any]]


class _Line(TypedDict):
    """The types of a line."""

    at: dict[str, str]
    profile: str
    status: Literal["done", "failed"]
    recipe: dict[str, Any]
    reason: NotRequired[str]
    members: NotRequired[list[dict[str, Any]]]
    data: NotRequired[_Data]
    weights: NotRequired[_Weights]
    runs: NotRequired[list[str]]
    parts: NotRequired[list[_Part]]
    roc: NotRequired[list[float]]
    environment: NotRequired[_Facts]
    seconds: NotRequired[float]


# What tables read of every cell that is done.
NEEDED = {"data": ("sources", "sample_set"), "recipe": ("split", "frames", "folds")}


@dataclass(frozen=True)
class Result:
    """The result of one cell.

    Attributes:
        at: the choice on each axis.
        profile: the size at which it ran.
        status: "done" or "failed".
        reason: why it failed.
        recipe: as declared, with every default filled in.
        members: the recipes of an ensemble's members.
        data: manifest_sha256, sources, and the number of faces by split and class.
        weights: where the weights come from and their sha256; whether that is a local file; whether they
            fill only a part of the backbone; which groups of val or test they have seen, in words; and
            which members of an ensemble started from random weights.
        runs: names of the run folders.
        parts: one, or one for each fold: n_train, and metrics of the test split by level.
        roc: share of fakes found at 0, 1, ... 100 % false alarms, mean over folds.
        environment: versions, commit, devices.
        seconds: time spent in training.
    """

    at: Mapping[str, str]
    profile: str
    status: str
    recipe: Mapping[str, Any]
    reason: str = ""
    members: Sequence[Mapping[str, Any]] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Any] = field(default_factory=dict)
    runs: Sequence[str] = ()
    parts: Sequence[Mapping[str, Any]] = ()
    roc: Sequence[float] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def manifest(self) -> str:
        """SHA-256 of the manifest."""
        return str(self.data.get("manifest_sha256", ""))

    @cached_property
    def digest(self) -> str:
        """Tells one line from any other."""
        return hashlib.sha256(_line(self).encode()).hexdigest()[:16]

    @property
    def weights_file(self) -> str:
        """The name of the local weights file that it started from; "" if there was none."""
        # Lines of earlier versions lack this field, and keep a hash only for files.
        local = self.weights.get("local", bool(self.weights.get("sha256")))
        return str(self.weights["origin"]).partition(" (")[0] if local else ""

    @property
    def random_start(self) -> str:
        """A note that it, or which members of an ensemble, started from random weights; "" if none did."""
        if random := self.weights.get("random_members"):
            return started_random(random, len(self.members))
        return started_random() if self.weights.get("origin") == "random" else ""

    @property
    def split_leak(self) -> str:
        """A warning about a split over single faces or videos; "" for any other split."""
        return "" if self.status == FAILED else split_leak(self.recipe["split"], self.recipe["frames"])

    def check_done(self) -> None:
        """Refuse a cell that is done and lacks what tables read.

        Raises:
            InputError: it lacks it, or holds damaged metrics.
        """
        if self.status != DONE:
            return
        lacking = [
            f"{part}.{name}"
            for part, names in NEEDED.items()
            for name in names
            if name not in vars(self)[part]
        ]
        if self.weights and "origin" not in self.weights:
            lacking.append("weights.origin")
        if not (self.parts and all(self._measured)):
            lacking.append("parts.metrics")
        if lacking:
            raise InputError(f"lacks {', '.join(lacking)}")

    @cached_property
    def _measured(self) -> list[dict[str, Metrics]]:
        """The metrics of each fold, by level."""
        return [
            {level: Metrics.from_dict(record) for level, record in part["metrics"].items()}
            for part in self.parts
        ]

    def metrics(self, level: str) -> list[Metrics]:
        """Metrics of the test faces for each fold; for a model that takes clips, of the test videos."""
        return [levels.get(level) or next(iter(levels.values())) for levels in self._measured]

    def folds(self, level: str) -> CrossValidation:
        """The folds and their averages."""
        # For lines of earlier versions, which do not say how much was tested; a model of clips counts videos.
        faces = self.metrics("face")
        return summarise(
            [
                Fold(number, metrics, part["n_train"], part.get("n_test", unit.n))
                for number, (metrics, part, unit) in enumerate(
                    zip(self.metrics(level), self.parts, faces, strict=True), start=1
                )
            ]
        )

    def estimate(self, metric: str, level: str) -> Estimate:
        """A metric of the test faces; with folds, the mean over them."""
        if len(self.parts) > 1:
            return self.folds(level).averages[metric]
        return self.metrics(level)[0].estimates[metric]

    def n(self, level: str) -> int:
        """The number of test faces, or videos, with a known label, over all folds."""
        return sum(metrics.n for metrics in self.metrics(level))

    def is_of(self, cell: Cell, profile: str) -> bool:
        """Whether it was measured with exactly what the cell now declares."""
        return dict(self.at) == cell.at and self.profile == profile and self.has_recipe_of(cell)

    def has_recipe_of(self, cell: Cell) -> bool:
        """Whether it was measured with the recipe that a cell declares, whatever cell that was."""
        return (
            _same(self.recipe, cell)
            and len(self.members) == len(cell.members)
            and all(_same(old, new) for old, new in zip(self.members, cell.members, strict=True))
        )


def started_random(models: Sequence[str] = (), members: int = 0) -> str:
    """A note on a start from random weights: a model's, or that of some of an ensemble's members."""
    which = f": {', '.join(models)} ({len(models)} of {members})" if models else ""
    return f"Started from random weights{which}."


def declared(cell: Cell) -> dict[str, Any]:
    """The part of a cell's recipe that a result keeps."""
    fields = asdict(cell.recipe)
    if cell.members:
        fields["options"] = {**fields["options"], "combine": cell.combine}
    return {name: value for name, value in fields.items() if name not in PLACES}


def _same(recorded: Mapping[str, Any], cell: Cell) -> bool:
    """Whether two recipes are the same; a field newer than the record has its default."""
    try:
        old = asdict(from_mapping(recorded))
    except InputError:
        return False  # A field or value is no longer accepted.
    return {name: value for name, value in old.items() if name not in PLACES} == declared(cell)


def read_results(folder: Path) -> list[Result]:
    """The lines of a folder's results.jsonl, oldest first; none if there is no such file.

    Raises:
        InputError: a whole line is damaged.
    """
    path = folder / RESULTS
    if not is_there(path):
        return []
    results = []
    for number, line in whole_lines(path):
        try:
            values = parse_json(line)
            msgspec.convert(values, _Line)
            result = Result(**values)
            result.check_done()
        except (ValueError, TypeError, AttributeError, InputError) as error:
            raise InputError(f"{path}, line {number}: damaged ({one_line(error)})") from None
        results.append(result)
    return results


def add_result(folder: Path, result: Result) -> None:
    """Append one whole line, even while other processes append."""
    path = folder / RESULTS
    with FileLock(f"{path}.lock"), path.open("a+b") as handle:
        cut_torn_line(handle)
        handle.write(_line(result).encode())
        handle.flush()
        os.fsync(handle.fileno())


def current(results: Sequence[Result], cell: Cell, profile: str, manifest: str) -> Result | None:
    """The newest result of a cell on a manifest; done ones go before failed ones."""
    mine = [result for result in results if result.manifest == manifest and result.is_of(cell, profile)]
    return next(
        (result for status in (DONE, FAILED) for result in reversed(mine) if result.status == status), None
    )


def finished(results: Sequence[Result], cell: Cell, profile: str, manifest: str) -> Result | None:
    """A cell's newest result on a manifest; None if it failed or there is none."""
    found = current(results, cell, profile, manifest)
    return found if found is not None and found.status == DONE else None


def real_manifests(results: Sequence[Result]) -> list[str]:
    """Hashes of the manifests that cells were measured on, the last first, without that of drawn people."""
    done = (result for result in reversed(results) if result.status == DONE)
    return list(dict.fromkeys(result.manifest for result in done if not result.data.get("sample_set")))


def sample_digest(results: Sequence[Result]) -> str:
    """Hash of the manifest of drawn people that a cell was measured on last; "" if none was."""
    drawn = (result.manifest for result in reversed(results) if result.data.get("sample_set"))
    return next(drawn, "")


def figure_name(kind: str, profile: str, shown: Iterable[str]) -> str:
    """A figure's file name. It changes with the content, so that an old figure is never taken for it."""
    digest = hashlib.sha256("\n".join(shown).encode()).hexdigest()
    return f"{kind}-{profile}-{digest[:8]}.png"


def without_paths(text: str) -> str:
    """`text` without the folders of absolute paths."""
    return re.sub(r"(?<![\w.:/])/(?:[^\s/:'\"]+/)+", "", text)


def _line(result: Result) -> str:
    return json.dumps(asdict(result), allow_nan=False) + "\n"
