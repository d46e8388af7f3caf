"""The folder of an evaluation: scores and metrics, the facts behind them, and the page that shows them."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Required, TypedDict, cast

import msgspec

from dfdetect.metrics.estimates import Metrics
from dfdetect.models.names import NO_FILES
from dfdetect.predictions import Predictions, read_predictions, write_predictions
from face_extraction.errors import InputError
from face_extraction.json_file import read_json, write_json

MetricsBySplit = dict[str, dict[str, Metrics]]


SCORED_WEIGHTS = "scored_weights_sha256"
"""The field of environment.json that tells which weights file gave the scores."""


class MemberStart(TypedDict, total=False):
    """What an ensemble's member started from."""

    weights_file: str
    weights_sha256: str


class Environment(TypedDict, total=False):
    """The fields of environment.json that this package reads back; the file holds others too."""

    manifest: str
    manifest_sha256: Required[str]
    weights: str
    weights_sha256: str
    weights_file: str
    weights_source: str
    scored_weights_sha256: str
    random_layers: list[str]
    leaks: list[str]
    notices: list[str]
    threshold_origin: str
    members: dict[str, float]
    members_starts: list[MemberStart]
    training_seconds: float
    features: str
    part: Any


class MetricsFile(TypedDict):
    """metrics.json."""

    threshold: Annotated[float, msgspec.Meta(ge=0, le=1)]
    splits: dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class Evaluation:
    """The folder of an evaluation: a run's, of its own val and test faces, or one of other faces inside it.

    Attributes:
        folder: its path.
    """

    folder: Path

    @property
    def page(self) -> Path:
        """The page that shows it."""
        return self.folder / "index.html"

    @property
    def explanation(self) -> Path:
        """The folder with the measurements of the heat maps."""
        return self.folder / "explain"

    @property
    def stress(self) -> Path:
        """The folder with what became of disturbed and forged faces."""
        return self.folder / "stress"

    @property
    def slices_file(self) -> Path:
        """How often the model errs in parts of the faces."""
        return self.folder / "slices.json"

    @property
    def errors_page(self) -> Path:
        """The page of its surest mistakes."""
        return self.folder / "errors.html"

    @property
    def metrics_file(self) -> Path:
        """The metrics. They are written last: with this file the evaluation, and the run, is finished."""
        return self.folder / "metrics.json"

    @property
    def finished(self) -> bool:
        """Whether it is finished."""
        return self.metrics_file.is_file()

    def write_environment(self, facts: Mapping[str, Any]) -> None:
        """Write the facts behind the scores: versions, commit, manifest, weights, device.

        Manifest and weights are written as absolute paths, for `located`.
        """
        places = {"manifest": Path(facts["manifest"]).absolute()} if "manifest" in facts else {}
        source = facts.get("weights_source", "")
        if source not in NO_FILES and "weights_file" not in facts and Path(source).is_file():
            places["weights_file"] = Path(source).absolute()
        texts = {name: str(place) for name, place in places.items()}
        write_json(self.environment_file, {**facts, **texts})

    def environment(self) -> dict[str, Any]:
        """Read the facts that `write_environment` wrote.

        Raises:
            InputError: the file is missing or damaged.
        """
        return cast(dict[str, Any], read_json(self.environment_file, Environment))

    def recorded(self) -> dict[str, Any]:
        """The same facts, or none if a kill came before any was written."""
        return self.environment() if self.environment_file.is_file() else {}

    @property
    def environment_file(self) -> Path:
        """The facts behind the scores."""
        return self.folder / "environment.json"

    def leaks(self) -> list[str]:
        """The cautions about groups of val and test that the weights have seen before (see `lineage`)."""
        leaks: list[str] = self.environment().get("leaks", [])
        return leaks

    def cautions(self) -> list[str]:
        """The cautions to show wherever the numbers are shown."""
        return self.leaks()

    def history(self) -> list[dict[str, float]]:
        """The rows of the training's history; none, because nothing was trained here."""
        return []

    def write_metrics(self, threshold: float, metrics: MetricsBySplit) -> None:
        """Write metrics.json: the threshold and the metrics by split and level."""
        by_split = {
            split: {level: values.to_dict() for level, values in levels.items()}
            for split, levels in metrics.items()
        }
        write_json(self.metrics_file, {"threshold": threshold, "splits": by_split})

    def require_finished(self) -> None:
        """Refuse a folder without results.

        Raises:
            InputError: there are none.
        """
        if not self.finished:
            raise InputError(f"{self.folder}: no finished evaluation")

    def threshold(self) -> float:
        """The threshold chosen on the run's validation split.

        Raises:
            InputError: it is not finished, or its metrics.json is damaged.
        """
        self.require_finished()
        return read_json(self.metrics_file, MetricsFile)["threshold"]

    def metrics(self) -> MetricsBySplit:
        """The metrics by split and level.

        Raises:
            InputError: metrics.json is missing or damaged.
        """
        splits = read_json(self.metrics_file, MetricsFile)["splits"]
        try:
            return {
                split: {level: Metrics.from_dict(values) for level, values in levels.items()}
                for split, levels in splits.items()
            }
        except InputError as error:
            raise InputError(f"{self.metrics_file}: {error}") from None

    def forget_results(self) -> None:
        """Delete what was scored and measured earlier, which may come from other splits or data."""
        made = (self.metrics_file, self.slices_file, self.errors_page)
        for path in (*made, *self.folder.glob("predictions-*.csv")):
            path.unlink(missing_ok=True)
        for folder in (self.explanation, self.stress):
            shutil.rmtree(folder, ignore_errors=True)

    def write_predictions(self, split: str, predictions: Predictions) -> None:
        """Write the split's predictions."""
        write_predictions(self.folder / f"predictions-{split}.csv", predictions)

    def has_predictions(self, split: str) -> bool:
        """Whether the folder holds the split's predictions; one that ships does not."""
        return (self.folder / f"predictions-{split}.csv").is_file()

    def predictions(self, split: str) -> Predictions:
        """The split's predictions.

        Raises:
            InputError: the file is missing or damaged.
        """
        return read_predictions(self.folder / f"predictions-{split}.csv", split)

    @property
    def unscored(self) -> Path:
        """The ledger of crops that could not be scored."""
        return self.folder / "unscored.csv"
