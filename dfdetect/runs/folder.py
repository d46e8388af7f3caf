"""The run folder: the one place that knows its file names."""

import csv
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Required, TypedDict, cast

import msgspec

from dfdetect.metrics.estimates import Metrics
from dfdetect.models.names import PUBLISHED, is_preset
from dfdetect.predictions import Predictions, read_predictions, write_predictions
from dfdetect.recipe import Recipe, read_recipe, split_leak, write_recipe
from face_extraction.atomic import TEMPORARY, write_csv
from face_extraction.digest import file_digest
from face_extraction.errors import InputError, one_line
from face_extraction.json_file import read_json, write_json
from face_extraction.lock import LOCK_FILE, alone
from face_extraction.settings import SETTINGS_FILE

MetricsBySplit = dict[str, dict[str, Metrics]]


class Environment(TypedDict, total=False):
    """The fields of environment.json that this package reads back; it holds others, too."""

    manifest: str
    manifest_sha256: Required[str]
    weights: str
    weights_sha256: str
    weights_file: str
    weights_source: str
    random_layers: list[str]
    leaks: list[str]
    members: dict[str, float]
    members_starts: list[dict[str, Any]]
    training_seconds: float
    features: str
    part: Any


class Results(TypedDict):
    """metrics.json."""

    threshold: Annotated[float, msgspec.Meta(ge=0, le=1)]
    splits: dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class Run:
    """A training's folder.

    Attributes:
        folder: the folder, which `begin` makes.
    """

    folder: Path

    @property
    def recipe_file(self) -> Path:
        """The recipe with every default filled in."""
        return self.folder / "recipe.toml"

    @property
    def checkpoint(self) -> Path:
        """The state to resume from; gone when the run is finished."""
        return self.folder / "checkpoint.npz"

    @property
    def weights(self) -> Path:
        """The best epoch's weights, the best by the validation split."""
        return self.folder / "best.weights.h5"

    @property
    def history_file(self) -> Path:
        """One row an epoch."""
        return self.folder / "history.csv"

    def epoch_weights(self, epoch: int) -> Path:
        """Weights of the best epoch so far, before the run is finished."""
        return self.folder / f"epoch-{epoch:04d}.weights.h5"

    @property
    def page(self) -> Path:
        """The page that shows the run."""
        return self.folder / "index.html"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's event files, when they were asked for."""
        return self.folder / "tensorboard"

    @property
    def metrics_file(self) -> Path:
        """The metrics. It is written last: a run that has it is finished."""
        return self.folder / "metrics.json"

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.metrics_file.is_file()

    def recipe(self) -> Recipe:
        """The recipe.

        Raises:
            InputError: the folder is not a run.
        """
        if not self.recipe_file.is_file():
            self._refuse_folder_of_runs()
            raise InputError(f"{self.folder}: not a run folder (it has no {self.recipe_file.name})")
        return read_recipe(self.recipe_file)

    def begin(self, recipe: Recipe, digest: str) -> None:
        """Make the folder for a recipe and data, or take up the one that holds them.

        Args:
            recipe: the recipe, resolved.
            digest: SHA-256 of the manifest.

        Raises:
            InputError: the folder holds a run of another recipe or manifest, or of another file of the
                weights' name; the line names the first difference.
        """
        files = {"manifest_sha256": digest, "weights_sha256": _weights_digest(recipe)}
        self.check_is_run()
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.finished:  # else they are of an export that goes on
            for path in self.folder.glob(f"{TEMPORARY}*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not any(path.exists() for path in (self.checkpoint, self.weights, self.metrics_file)):
            # What a training left that was cut before its first checkpoint is of another one, maybe.
            for path in (self.folder / SETTINGS_FILE, self.history_file, *self.folder.glob("epoch-*")):
                path.unlink(missing_ok=True)
            # The recipe first: it makes the folder a run, whatever else a kill leaves undone.
            write_recipe(self.recipe_file, recipe)
            self.write_environment(files)
            return
        old = {**self.environment(), **vars(self.recipe())}
        # Weights that are gone by now change nothing.
        known = {name: found for name, found in files.items() if found}
        for name, value in {**vars(recipe), **known}.items():
            had = old.get(name, "")
            if had != value:
                why = " (other faces, or cut otherwise)" if name == "manifest_sha256" else ""
                raise InputError(
                    f"{self.folder}: it holds a run with {name} {had!r}, not {value!r}{why}; "
                    "give another --out, or delete that folder (dfdetect.train: --overwrite)"
                )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other training out of the folder while the block runs.

        Raises:
            InputError: another process trains in it, or it holds files and is no run.
        """
        self.check_is_run()
        with alone(self.folder):
            yield

    def check_is_run(self) -> None:
        """Refuse a folder with files of others; those that a killed process left are none.

        Raises:
            InputError: it holds files and is no run.
        """
        if self.recipe_file.is_file() or not self.folder.is_dir():
            return
        if any(not path.name.startswith((TEMPORARY, LOCK_FILE)) for path in self.folder.iterdir()):
            raise InputError(f"{self.folder}: holds files and is no run; give a new or an empty --out")

    def delete(self) -> None:
        """Delete the folder, if it is a run.

        Raises:
            InputError: it is something else, or another process trains in it.
        """
        if not self.folder.exists():
            return
        self.recipe()
        with alone(self.folder):
            # The recipe last: what a kill leaves of it is a run still, and can be deleted.
            for path in sorted(self.folder.iterdir(), key=lambda path: path == self.recipe_file):
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.name != LOCK_FILE:
                    path.unlink()
        shutil.rmtree(self.folder)  # with the lock's file, which some systems keep while it is held

    def members(self) -> list[Path]:
        """The recipes of an ensemble's members, in order."""
        return sorted((self.folder / "members").glob("*.toml"))

    def write_environment(self, facts: Mapping[str, Any]) -> None:
        """Write what the run saw: versions, commit, manifest, weights, device.

        Manifest and weights are written with their whole paths, for `located`.
        """
        places = {"manifest": Path(facts["manifest"]).absolute()} if "manifest" in facts else {}
        source = Path(facts.get("weights_source", ""))
        if source.is_file() and "weights_file" not in facts:
            places["weights_file"] = source.absolute()
        texts = {name: str(place) for name, place in places.items()}
        write_json(self._environment_file, {**facts, **texts})

    def environment(self) -> dict[str, Any]:
        """What `write_environment` wrote.

        Raises:
            InputError: there is no such file.
        """
        return cast(dict[str, Any], read_json(self._environment_file, Environment))

    def recorded(self) -> dict[str, Any]:
        """The same, and nothing of a run that was killed before there was any."""
        return self.environment() if self._environment_file.is_file() else {}

    @property
    def _environment_file(self) -> Path:
        return self.folder / "environment.json"

    def leaks(self) -> list[str]:
        """What must be said of groups of val and test that its weights saw before (see `lineage`)."""
        leaks: list[str] = self.environment().get("leaks", [])
        return leaks

    def cautions(self) -> list[str]:
        """What must be said wherever its numbers are shown: of a split that leaks, and `leaks`.

        An evaluation, which has no recipe, names groups that were trained on among its leaks.
        """
        recipe = self.recipe() if self.recipe_file.is_file() else Recipe()
        split = split_leak(recipe.split, recipe.frames)
        return [*([split] if split else []), *self.leaks()]

    def check_manifest(self, path: Path, digest: str) -> None:
        """Refuse a manifest that is no longer what the run was trained on.

        Args:
            path: the manifest.
            digest: its SHA-256 now.

        Raises:
            InputError: it has changed.
        """
        if digest != self.environment()["manifest_sha256"]:
            raise InputError(
                f"{path}: changed since {self.folder} was trained, or its faces were cut otherwise"
            )

    def write_history(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Write history.csv, one row an epoch; there is at least one."""
        write_csv(self.history_file, list(history[0]), [list(row.values()) for row in history])

    def history(self) -> list[dict[str, float]]:
        """The rows of history.csv; none for weights that were not trained here."""
        path = self.history_file
        if not path.is_file():
            return []
        try:
            with path.open(newline="", encoding="utf-8") as handle:
                return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(handle)]
        except (ValueError, TypeError, AttributeError, csv.Error) as error:
            raise InputError(f"{path}: not a table of numbers ({one_line(error)})") from None

    def write_metrics(self, threshold: float, metrics: MetricsBySplit) -> None:
        """Write metrics.json: the threshold and the metrics by split and level."""
        by_split = {
            split: {level: values.to_dict() for level, values in levels.items()}
            for split, levels in metrics.items()
        }
        write_json(self.metrics_file, {"threshold": threshold, "splits": by_split})

    def require_run(self) -> None:
        """Refuse a folder that is no run, or whose recipe is damaged.

        Raises:
            InputError: it is.
        """
        self.recipe()

    def require_finished(self) -> None:
        """Refuse a run that is not finished.

        Raises:
            InputError: it is not finished, or the folder is no run.
        """
        self.require_run()
        if not self.finished:
            self._refuse_folder_of_runs()
            raise InputError(f"{self.folder}: the run is not finished; {self.remedy()}")

    def _refuse_folder_of_runs(self) -> None:
        """Name the finished runs that a folder holds, such as `runs/` or that of a cross-validation.

        Raises:
            InputError: it holds some.
        """
        inside = sorted(path.parent for path in self.folder.glob("*/metrics.json"))
        runs = [str(path) for path in inside if Run(path).recipe_file.is_file()]
        if runs:
            more = f" and {len(runs) - 10:,} more" if len(runs) > 10 else ""
            raise InputError(f"{self.folder}: a folder of runs; choose one of: {', '.join(runs[:10])}{more}")

    def threshold(self) -> float:
        """The threshold chosen on the validation split.

        Raises:
            InputError: the run is not finished, or its metrics.json is damaged.
        """
        self.require_finished()
        return read_json(self.metrics_file, Results)["threshold"]

    def remedy(self) -> str:
        """What to do about a run that is not finished."""
        if "part" in self.recorded():
            return f"it is a trial of a search: train its recipe, dfdetect.train --recipe {self.recipe_file}"
        return "resume it with dfdetect.train"

    def metrics(self) -> MetricsBySplit:
        """The metrics by split and level."""
        splits = read_json(self.metrics_file, Results)["splits"]
        try:
            return {
                split: {level: Metrics.from_dict(values) for level, values in levels.items()}
                for split, levels in splits.items()
            }
        except InputError as error:
            raise InputError(f"{self.metrics_file}: {error}") from None

    def forget_results(self) -> None:
        """Delete scores and metrics of an earlier evaluation, whose splits or data may have been others."""
        for path in (self.metrics_file, *self.folder.glob("predictions-*.csv")):
            path.unlink(missing_ok=True)

    def write_predictions(self, split: str, predictions: Predictions) -> None:
        """Write the split's predictions."""
        write_predictions(self.folder / f"predictions-{split}.csv", predictions)

    def predictions(self, split: str) -> Predictions:
        """The split's predictions."""
        return read_predictions(self.folder / f"predictions-{split}.csv", split)

    @property
    def unscored(self) -> Path:
        """The ledger of crops that could not be read."""
        return self.folder / "unscored.csv"

    def evaluation(self, name: str) -> "Run":
        """The folder of results on other data: it has all of a run's files but recipe and weights.

        Raises:
            InputError: the name is no plain one, so that the folder would lie elsewhere.
        """
        if name in ("", ".", "..") or Path(name).name != name:
            raise InputError(f"evaluation name {name!r}; accepted: one plain name, without a folder")
        return Run(self.folder / "evaluations" / name)


def _weights_digest(recipe: Recipe) -> str:
    """SHA-256 of the weights file that a recipe names; "" without one."""
    parent = started_from(recipe)
    path = parent.weights if parent else Path(recipe.weights)
    return file_digest(path) if path.is_file() else ""


def started_from(recipe: Recipe) -> Run | None:
    """The run whose weights a recipe starts from; None where they come from elsewhere.

    Raises:
        InputError: the weights are a folder that is neither a run nor a preset.
    """
    path = Path(recipe.weights)
    # A folder that has the name of published weights is not meant.
    if recipe.weights in ("", "none", *PUBLISHED) or (path.is_dir() and is_preset(path)):
        return None
    if path.is_dir():
        Run(path).require_run()
        return Run(path)
    run = Run(path.parent)
    return run if path == run.weights and run.recipe_file.is_file() else None


def located(recipe: Recipe, facts: Mapping[str, Any]) -> Recipe:
    """A run's recipe with manifest and weights where they lay in training, if they lie there still.

    The recipe itself keeps the names as they were typed, which hold from one working directory.

    Args:
        recipe: the run's.
        facts: what `environment` tells of it.
    """
    places = {"manifest": facts.get("manifest"), "weights": facts.get("weights_file")}
    there: dict[str, Any] = {
        name: _from_here(Path(place))
        for name, place in places.items()
        if getattr(recipe, name) and place and Path(place).exists()
    }
    return replace(recipe, **there)


def _from_here(path: Path) -> str:
    """A whole path as one would type it in the working directory."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def default_name(recipe: Recipe, data: str) -> str:
    """A folder name that tells the model and changes with anything that decides the result.

    The same command finds its own run again, and goes on with it.

    Args:
        recipe: the recipe.
        data: hash of the manifest.
    """
    # Without those at their defaults, so that a field that comes in later changes no name.
    usual = vars(Recipe())
    decided = sorted((name, value) for name, value in vars(recipe).items() if value != usual[name])
    content = json.dumps([decided, data])
    return f"{recipe.model}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"
