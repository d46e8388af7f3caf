"""The run folder. It and `evaluation` are the one place that knows its file names."""

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dfdetect.models.names import NO_FILES, is_preset
from dfdetect.models.shipped import is_shipped
from dfdetect.recipe import RECIPE_FILE, Recipe, read_run_recipe, split_leak, write_recipe
from dfdetect.runs.evaluation import SCORED_WEIGHTS, Evaluation
from face_extraction.atomic import TEMPORARY, write_csv
from face_extraction.digest import file_digest
from face_extraction.errors import InputError, one_line
from face_extraction.lock import LOCK_FILE, alone
from face_extraction.manifest import SETTINGS_FILE

RUNS = Path("runs")
"""Where runs go unless a flag says otherwise."""
CROSSVAL = "crossval.json"
"""The results of a cross-validation, in the folder above its folds' runs."""


@dataclass(frozen=True)
class Run(Evaluation):
    """The folder of a training, with the evaluation of its own val and test faces.

    Attributes:
        folder: its path; `begin` makes the folder.
    """

    @property
    def name(self) -> str:
        """The folder's name, also where its path is "." or a link."""
        return self.folder.resolve().name

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
    def graph(self) -> Path:
        """What ships: the model's graph, which runs with the weights and without Keras."""
        return self.folder / "graph.onnx"

    @property
    def history_file(self) -> Path:
        """The training's history, one row an epoch."""
        return self.folder / "history.csv"

    def epoch_weights(self, epoch: int) -> Path:
        """The weights of the best epoch so far, until the run is finished."""
        return self.folder / f"epoch-{epoch:04d}.weights.h5"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's event files, if asked for."""
        return self.folder / "tensorboard"

    def recipe(self) -> Recipe:
        """The recipe.

        Raises:
            InputError: the folder is not a run, or its recipe is damaged.
        """
        if not self.recipe_file.is_file():
            self._refuse_folder_of_runs()
            raise InputError(f"{self.folder}: not a run folder (it has no {self.recipe_file.name})")
        return read_run_recipe(self.recipe_file)

    def located(self) -> Recipe:
        """The recipe with its files where they are now; see the function `located`."""
        return located(self.recipe(), self.environment())

    def has_files(self) -> bool:
        """Whether the folder holds any of a run's own files, or links in their places."""
        own = (self.recipe_file, self.environment_file, self.checkpoint, self.weights, self.metrics_file)
        return any(os.path.lexists(path) for path in own)

    def with_data(self) -> Recipe:
        """`located`, for those who read the run's own faces.

        Raises:
            InputError: it is a detector that ships, and its data are not here.
        """
        recipe = self.located()
        if is_shipped(self.folder) and not Path(recipe.manifest).exists():
            raise InputError(f"{self.name} ships without its training data; give --manifest FILE")
        return recipe

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
            for path in list(self.folder.rglob(f"{TEMPORARY}*")):  # those among the figures, too
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
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
        self.require_run()
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

    def origin(self) -> str:
        """Where its weights came from, without the folder of a weights file, in words."""
        facts = self.environment()
        source = str(facts.get("weights_source", ""))
        return str(facts["weights"]).replace(source, Path(source).name)

    def cautions(self) -> list[str]:
        """The cautions to show wherever the numbers are shown: for a split that leaks, and `leaks`."""
        recipe = self.recipe()
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

    def check_weights(self) -> None:
        """Refuse a weights file that the run's metrics, threshold and calibration do not describe.

        Raises:
            InputError: it is another one, such as another run's.
        """
        known = self.recorded().get(SCORED_WEIGHTS)
        if known and file_digest(self.weights) != known:
            raise InputError(
                f"{self.weights}: not the weights that the run was measured with; put those back, or train "
                "again"
            )

    def write_history(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Write history.csv, one row an epoch; there is at least one."""
        write_csv(self.history_file, list(history[0]), [list(row.values()) for row in history])

    def history(self) -> list[dict[str, float]]:
        """The rows of history.csv; none if the weights were not trained here.

        Raises:
            InputError: the file is no table of numbers.
        """
        path = self.history_file
        if not path.is_file():
            return []
        try:
            with path.open(newline="", encoding="utf-8") as handle:
                return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(handle)]
        except (ValueError, TypeError, AttributeError, csv.Error) as error:
            raise InputError(f"{path}: not a table of numbers ({one_line(error)})") from None

    def require_run(self) -> None:
        """Refuse a folder that is no run, or whose recipe is damaged.

        Raises:
            InputError: the folder is no run, or its recipe is damaged.
        """
        self.recipe()

    def require_finished(self) -> None:
        """Refuse a run that is not finished.

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

    def remedy(self) -> str:
        """What to do if the run is not finished."""
        if "part" in self.recorded():
            return f"it is a trial of a search: train it with dfdetect.train --recipe {self.recipe_file}"
        return "resume it with dfdetect.train"

    def evaluation(self, name: str) -> Evaluation:
        """The folder of an evaluation of other faces: in the run, or for a detector that ships in runs/NAME.

        Raises:
            InputError: the name has a folder in it, so the results would be written elsewhere.
        """
        if name in ("", ".", "..") or Path(name).name != name:
            raise InputError(f"evaluation name {name!r}; accepted: a plain name, without a folder")
        folder = RUNS / self.name if is_shipped(self.folder) else self.folder
        return Evaluation(folder / "evaluations" / name)


def check_once(folders: Sequence[Path]) -> None:
    """Refuse a folder that is named twice, by whatever path.

    Raises:
        InputError: it is.
    """
    seen: set[Path] = set()
    for folder in folders:
        if folder.resolve() in seen:
            raise InputError(f"{folder}: named twice; accepted: each folder once")
        seen.add(folder.resolve())


def evaluation_in(folder: Path) -> Evaluation:
    """What a folder holds: an evaluation of other faces, or a run, with that of its own."""
    run = Run(folder)
    return Evaluation(folder) if run.finished and not run.recipe_file.is_file() else run


def _weights_digest(recipe: Recipe) -> str:
    """SHA-256 of the weights file that a recipe names; "" if it names none."""
    if recipe.weights in NO_FILES:
        return ""
    parent = started_from(recipe)
    path = parent.weights if parent else Path(recipe.weights)
    return file_digest(path) if path.is_file() else ""


def started_from(recipe: Recipe) -> Run | None:
    """The run whose weights a recipe starts from; None if the weights come from elsewhere.

    Raises:
        InputError: the weights are a folder that is neither a run nor a preset.
    """
    path = Path(recipe.weights)
    if recipe.weights in NO_FILES or (path.is_dir() and is_preset(path)):
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
