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
from face_extraction.manifest import SETTINGS_FILE

MetricsBySplit = dict[str, dict[str, Metrics]]


class Environment(TypedDict, total=False):
    """The fields of environment.json that this package reads back; the file holds others too."""

    manifest: str
    manifest_sha256: Required[str]
    weights: str
    weights_sha256: str
    weights_file: str
    weights_source: str
    random_layers: list[str]
    leaks: list[str]
    notices: list[str]
    threshold_origin: str
    members: dict[str, float]
    members_starts: list[dict[str, Any]]
    training_seconds: float
    features: str
    part: Any


class Results(TypedDict):
    """metrics.json."""

    threshold: Annotated[float, msgspec.Meta(ge=0, le=1)]
    splits: dict[str, dict[str, dict[str, Any]]]


RECIPE_FILE = "recipe.toml"


@dataclass(frozen=True)
class Run:
    """The folder of a training.

    Attributes:
        folder: its path; `begin` makes the folder.
    """

    folder: Path

    @property
    def recipe_file(self) -> Path:
        """The recipe with all defaults filled in."""
        return self.folder / RECIPE_FILE

    @property
    def checkpoint(self) -> Path:
        """The state to resume from; deleted when the run is finished."""
        return self.folder / "checkpoint.npz"

    @property
    def weights(self) -> Path:
        """The weights of the best epoch on the val split."""
        return self.folder / "best.weights.h5"

    @property
    def history_file(self) -> Path:
        """The training's history, one row an epoch."""
        return self.folder / "history.csv"

    def epoch_weights(self, epoch: int) -> Path:
        """The weights of the best epoch so far, until the run is finished."""
        return self.folder / f"epoch-{epoch:04d}.weights.h5"

    @property
    def page(self) -> Path:
        """The page that shows the run."""
        return self.folder / "index.html"

    @property
    def explanation(self) -> Path:
        """The folder of what was measured of its heat maps."""
        return self.folder / "explain"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's event files, if asked for."""
        return self.folder / "tensorboard"

    @property
    def metrics_file(self) -> Path:
        """The metrics. They are written last: a run that has this file is finished."""
        return self.folder / "metrics.json"

    @property
    def finished(self) -> bool:
        """Whether the run is finished."""
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
        """Make the folder for a recipe and data, or check that it already holds them.

        Args:
            recipe: the recipe, resolved.
            digest: SHA-256 of the manifest.

        Raises:
            InputError: the folder holds a run with another recipe, manifest or weights file; the line
                names the first difference.
        """
        files = {"manifest_sha256": digest, "weights_sha256": _weights_digest(recipe)}
        self.check_is_run()
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.finished:  # temporary files in a finished run belong to an export in progress
            for path in self.folder.glob(f"{TEMPORARY}*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not any(path.exists() for path in (self.checkpoint, self.weights, self.metrics_file)):
            # A run that stopped before its first checkpoint may belong to another recipe.
            for path in (self.folder / SETTINGS_FILE, self.history_file, *self.folder.glob("epoch-*")):
                path.unlink(missing_ok=True)
            # Write the recipe first: it marks the folder as a run, even if a kill leaves the rest undone.
            write_recipe(self.recipe_file, recipe)
            self.write_environment(files)
            return
        old = {**self.environment(), **vars(self.recipe())}
        # A weights file that no longer exists is not compared.
        known = {name: found for name, found in files.items() if found}
        for name, value in {**vars(recipe), **known}.items():
            had = old.get(name, "")
            if had != value:
                why = " (other faces, or other cuts of them)" if name == "manifest_sha256" else ""
                raise InputError(
                    f"{self.folder}: holds a run with {name} {had!r}, not {value!r}{why}; "
                    "give another --out, or delete that folder (dfdetect.train: --overwrite)"
                )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Lock the folder while the block runs, so that no other process trains in it.

        Raises:
            InputError: another process trains in it, or it holds other files than a run's.
        """
        self.check_is_run()
        with alone(self.folder):
            yield

    def check_is_run(self) -> None:
        """Refuse a folder with other files than a run's; leftovers of a killed process do not count.

        Raises:
            InputError: it holds files and is no run.
        """
        if self.recipe_file.is_file() or not self.folder.is_dir():
            return
        if any(not path.name.startswith((TEMPORARY, LOCK_FILE)) for path in self.folder.iterdir()):
            raise InputError(f"{self.folder}: holds files but is no run; give a new or empty --out")

    def delete(self) -> None:
        """Delete the folder if it is a run.

        Raises:
            InputError: it is no run, or another process trains in it.
        """
        if not self.folder.exists():
            return
        self.recipe()
        with alone(self.folder):
            # Delete the recipe last: after a kill the rest is still a run, which can be deleted.
            for path in sorted(self.folder.iterdir(), key=lambda path: path == self.recipe_file):
                if path.is_dir():
                    shutil.rmtree(path)
                elif path.name != LOCK_FILE:
                    path.unlink()
        shutil.rmtree(self.folder)  # with the lock file, which some systems keep while it is held

    def members(self) -> list[Path]:
        """The recipe files of an ensemble's members, in order."""
        return sorted((self.folder / "members").glob("*.toml"))

    def write_environment(self, facts: Mapping[str, Any]) -> None:
        """Write the facts of a run: versions, commit, manifest, weights, device.

        Manifest and weights are written as absolute paths, for `located`.
        """
        places = {"manifest": Path(facts["manifest"]).absolute()} if "manifest" in facts else {}
        source = Path(facts.get("weights_source", ""))
        if source.is_file() and "weights_file" not in facts:
            places["weights_file"] = source.absolute()
        texts = {name: str(place) for name, place in places.items()}
        write_json(self._environment_file, {**facts, **texts})

    def environment(self) -> dict[str, Any]:
        """Read the facts that `write_environment` wrote.

        Raises:
            InputError: the file does not exist.
        """
        return cast(dict[str, Any], read_json(self._environment_file, Environment))

    def recorded(self) -> dict[str, Any]:
        """The same facts, or none if the run was killed before it wrote any."""
        return self.environment() if self._environment_file.is_file() else {}

    @property
    def _environment_file(self) -> Path:
        return self.folder / "environment.json"

    def leaks(self) -> list[str]:
        """The cautions about groups of val and test that the weights have seen before (see `lineage`)."""
        leaks: list[str] = self.environment().get("leaks", [])
        return leaks

    def cautions(self) -> list[str]:
        """The cautions to show wherever the run's numbers are shown: for a split that leaks, and `leaks`.

        An evaluation has no recipe; its leaks name the groups that were trained on.
        """
        recipe = self.recipe() if self.recipe_file.is_file() else Recipe()
        split = split_leak(recipe.split, recipe.frames)
        return [*([split] if split else []), *self.leaks()]

    def check_manifest(self, path: Path, digest: str) -> None:
        """Refuse a manifest that has changed since the run was trained on it.

        Args:
            path: the manifest.
            digest: its SHA-256 now.

        Raises:
            InputError: it has changed.
        """
        if digest != self.environment()["manifest_sha256"]:
            raise InputError(
                f"{path}: changed since {self.folder} was trained, or its faces were cut in another way"
            )

    def write_history(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Write history.csv, one row an epoch; there is at least one."""
        write_csv(self.history_file, list(history[0]), [list(row.values()) for row in history])

    def history(self) -> list[dict[str, float]]:
        """The rows of history.csv; none if the weights were not trained here."""
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
            InputError: the folder is no run, or its recipe is damaged.
        """
        self.recipe()

    def require_finished(self) -> None:
        """Refuse a run that is not finished. An evaluation counts as a run here, though it has no recipe.

        Raises:
            InputError: the run is not finished, or the folder is no run.
        """
        if not self.finished:
            self.require_run()
            self._refuse_folder_of_runs()
            raise InputError(f"{self.folder}: the run is not finished; {self.remedy()}")

    def _refuse_folder_of_runs(self) -> None:
        """Refuse a folder that holds runs, such as `runs/` or that of a cross-validation, and name them.

        Raises:
            InputError: the folder holds finished runs.
        """
        inside = sorted(path.parent for path in self.folder.glob("*/metrics.json"))
        runs = [str(path) for path in inside if Run(path).recipe_file.is_file()]
        if runs:
            more = f" and {len(runs) - 10:,} more" if len(runs) > 10 else ""
            raise InputError(f"{self.folder}: a folder of runs; choose one: {', '.join(runs[:10])}{more}")

    def threshold(self) -> float:
        """The threshold chosen on the validation split.

        Raises:
            InputError: the run is not finished, or its metrics.json is damaged.
        """
        self.require_finished()
        return read_json(self.metrics_file, Results)["threshold"]

    def remedy(self) -> str:
        """What to do if the run is not finished."""
        if "part" in self.recorded():
            return f"it is a trial of a search: train it with dfdetect.train --recipe {self.recipe_file}"
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
        """Delete what was scored and measured earlier, which may come from other splits or data."""
        for path in (self.metrics_file, *self.folder.glob("predictions-*.csv")):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.explanation, ignore_errors=True)

    def write_predictions(self, split: str, predictions: Predictions) -> None:
        """Write the split's predictions."""
        write_predictions(self.folder / f"predictions-{split}.csv", predictions)

    def has_predictions(self, split: str) -> bool:
        """Whether the folder holds the split's predictions; one that ships does not."""
        return (self.folder / f"predictions-{split}.csv").is_file()

    def predictions(self, split: str) -> Predictions:
        """The split's predictions."""
        return read_predictions(self.folder / f"predictions-{split}.csv", split)

    @property
    def unscored(self) -> Path:
        """The ledger of crops that could not be scored."""
        return self.folder / "unscored.csv"

    def evaluation(self, name: str) -> "Run":
        """The folder of results on other data: it has all files of a run except recipe and weights.

        Raises:
            InputError: the name has a folder in it, so the results would be written elsewhere.
        """
        if name in ("", ".", "..") or Path(name).name != name:
            raise InputError(f"evaluation name {name!r}; accepted: a plain name, without a folder")
        return Run(self.folder / "evaluations" / name)


def _weights_digest(recipe: Recipe) -> str:
    """SHA-256 of the weights file that a recipe names; "" if it names none."""
    parent = started_from(recipe)
    path = parent.weights if parent else Path(recipe.weights)
    return file_digest(path) if path.is_file() else ""


def started_from(recipe: Recipe) -> Run | None:
    """The run whose weights a recipe starts from; None if the weights come from elsewhere.

    Raises:
        InputError: the weights are a folder that is neither a run nor a preset.
    """
    path = Path(recipe.weights)
    # The name of published weights wins over a folder of that name.
    if recipe.weights in ("", "none", *PUBLISHED) or (path.is_dir() and is_preset(path)):
        return None
    if path.is_dir():
        Run(path).require_run()
        return Run(path)
    run = Run(path.parent)
    return run if path == run.weights and run.recipe_file.is_file() else None


def located(recipe: Recipe, facts: Mapping[str, Any]) -> Recipe:
    """A run's recipe with manifest and weights where they were in training, if they are still there.

    The recipe itself keeps the paths as typed, which hold only in one working directory.

    Args:
        recipe: the run's recipe.
        facts: the run's `environment`.
    """
    places = {"manifest": facts.get("manifest"), "weights": facts.get("weights_file")}
    there: dict[str, Any] = {
        name: _from_here(Path(place))
        for name, place in places.items()
        if getattr(recipe, name) and place and Path(place).exists()
    }
    return replace(recipe, **there)


def _from_here(path: Path) -> str:
    """A path relative to the working directory if it lies inside, else absolute."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def default_name(recipe: Recipe, data: str) -> str:
    """A folder name that shows the model and changes with anything that decides the result.

    The same command thus finds its own run again, and resumes it.

    Args:
        recipe: the recipe.
        data: SHA-256 of the manifest.
    """
    # Leave out fields at their defaults, so that a field added later changes no name.
    usual = vars(Recipe())
    decided = sorted((name, value) for name, value in vars(recipe).items() if value != usual[name])
    content = json.dumps([decided, data])
    return f"{recipe.model}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"
