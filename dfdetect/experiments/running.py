"""Running a grid: each cell is ordinary runs, its result a line; what is done is not done again."""

import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import keras
from filelock import FileLock, Timeout

from dfdetect.data.opening import Data, manifest_path, open_training_data, open_trainings
from dfdetect.data.sample import sample_manifest
from dfdetect.ensembling import build_ensemble
from dfdetect.experiments.declared import FACES, Cell, Experiment
from dfdetect.experiments.recording import record, record_failure
from dfdetect.experiments.results import (
    DONE,
    FAILED,
    Result,
    add_result,
    current,
    figure_name,
    read_results,
)
from dfdetect.figures.comparison import faces_and_scores
from dfdetect.flags import Conditions
from dfdetect.predictions import Predictions
from dfdetect.recipe import ENSEMBLE, Recipe
from dfdetect.runs import Run, default_name
from dfdetect.training import resolve, train
from face_extraction.images import read_rgb
from face_extraction.manifest import manifest_hash


@dataclass(frozen=True)
class Setup:
    """How a grid is run; beside the profile, the manifest and partial weights nothing here decides a result.

    Attributes:
        profile: the size.
        manifest: what to train on; "" for the embedded sample set.
        runs: the folder of run folders.
        weights: a model's name to a local weights file, in place of "imagenet".
        partial_weights: such files may cover a part of their model. What was measured so is not done for
            a grid without it.
        conditions: how to go about each training.
        budget: seconds after which no training is begun; 0 = none.
    """

    profile: str
    manifest: str
    runs: Path
    weights: Mapping[str, str] = field(default_factory=dict)
    partial_weights: bool = False
    conditions: Conditions = field(default_factory=Conditions)
    budget: float = 0.0

    def recipe(self, recipe: Recipe) -> Recipe:
        """A cell's recipe with the files of this machine."""
        local = self.weights.get(recipe.model)
        if local and recipe.weights in ("", "imagenet"):
            recipe = replace(recipe, weights=local, partial_weights=self.partial_weights)
        return resolve(replace(recipe, manifest=self.manifest))

    def digest(self) -> str:
        """SHA-256 of the manifest."""
        return manifest_hash(manifest_path(self.manifest))


class _Waits(Exception):
    """A cell that is left for later: its members are not there yet, or the budget is spent."""


def run_grid(experiment: Experiment, cells: Sequence[Cell], setup: Setup) -> int:
    """Run what is missing of `cells`; a cell that fails is a line with its reason.

    Returns:
        How many of the cells have no result now.

    Raises:
        InputError: the manifest is missing.
    """
    start, digest = time.monotonic(), setup.digest()
    deadline = start + setup.budget if setup.budget else math.inf
    for number, cell in enumerate(cells, start=1):
        results = read_results(experiment.folder)
        head = f"{experiment.name} [{number}/{len(cells)}] {cell.name}"
        if _is_done(results, cell, setup, digest):
            print(f"{head}: done before", flush=True)
            continue
        needed = _expected(results, cell, setup.profile)
        if time.monotonic() + (needed or 0) > deadline:
            print(f"{head}: not begun, it would go past the budget", flush=True)
            continue
        left = _left(results, cells[number - 1 :], setup, digest)
        print(f"\n{head}: begins{_estimate(needed, left)}", flush=True)
        result = _claim_and_run(experiment, cell, setup, digest, deadline)
        if result is not None:
            print(f"{head}: {_outcome(result)}", flush=True)
    results = read_results(experiment.folder)
    return sum(not _is_done(results, cell, setup, digest) for cell in cells)


def status(experiment: Experiment, cells: Sequence[Cell], setup: Setup) -> str:
    """What is done, what failed and what is missing, as lines of text, with an estimate of the time."""
    results, digest = read_results(experiment.folder), setup.digest()
    lines, missing = [], []
    for cell in cells:
        found = current(results, cell, setup.profile, digest)
        done = _is_done(results, cell, setup, digest)
        missing += [] if done else [cell]
        partial = "" if done or found is None or found.status != DONE else "weights of a part: "
        lines.append(f"  {cell.name}: {partial}{_outcome(found) if found else 'missing'}")
    trainings = sum(cell.trainings for cell in missing)
    left = _left(results, missing, setup, digest)
    time_left = f", about {_duration(left)}" if left else "" if not trainings else ", time not known yet"
    lines.append(
        f"{experiment.name}, profile {setup.profile}: {len(cells) - len(missing)} of {len(cells)} cells "
        f"done; {trainings} trainings left{time_left}"
    )
    return "\n".join(lines)


def faces_figure(experiment: Experiment, setup: Setup) -> None:
    """Draw what every model says of drawn people; never of real ones, who may not be shown."""
    if FACES not in experiment.figures or setup.manifest:
        return
    results, digest, manifest = read_results(experiment.folder), setup.digest(), sample_manifest()
    shown: list[tuple[str, Predictions, float]] = []
    drawn: list[Result] = []
    for cell in experiment.cells(setup.profile):
        result = current(results, cell, setup.profile, digest)
        if result is None or result.status != DONE or len(result.runs) > 1:
            continue
        run = Run(setup.runs / result.runs[0])
        if run.finished:
            title = ", ".join(experiment.title_of(*item) for item in cell.at.items())
            shown.append((title, run.predictions("test"), run.threshold()))
            drawn.append(result)
    if shown:
        path = experiment.folder / figure_name(FACES, setup.profile, drawn)
        faces_and_scores(shown, lambda name: read_rgb(manifest.parent / name), path)


def _claim_and_run(
    experiment: Experiment, cell: Cell, setup: Setup, digest: str, deadline: float
) -> Result | None:
    """Run a cell unless another process has it; None when there is no result."""
    try:
        name = _folder_name(cell, setup, digest)
        setup.runs.mkdir(parents=True, exist_ok=True)
        # The system gives the lock back when a process ends, however it ends.
        with FileLock(setup.runs / f".{name}.lock", timeout=0):
            if _is_done(read_results(experiment.folder), cell, setup, digest):
                return None
            result = _run_cell(cell, setup, name, deadline)
    except Timeout:
        print(f"{cell.name}: another process is at it", flush=True)
        return None
    except _Waits as error:
        print(f"{cell.name}: {error}", flush=True)
        return None
    except Exception as error:  # whatever it is, the other cells go on
        result = record_failure(cell, setup.profile, digest, not setup.manifest, error)
    finally:
        keras.utils.clear_session()
    add_result(experiment.folder, result)
    return result


def _run_cell(cell: Cell, setup: Setup, name: str, deadline: float) -> Result:
    if cell.members:
        run = Run(setup.runs / name)
        return record(cell, setup.profile, [run], _combine(cell, setup, run))
    runs: list[Run] = []
    for recipe, data in open_trainings(setup.recipe(cell.recipe)):
        run = Run(setup.runs / default_name(recipe, data.digest))
        if not run.finished:
            if runs and time.monotonic() > deadline:
                raise _Waits(f"the budget is spent; {len(runs)} of {cell.trainings} folds are kept")
            train(recipe, data, run, setup.conditions)
        runs.append(run)
    return record(cell, setup.profile, runs, data)


def _combine(cell: Cell, setup: Setup, out: Run) -> Data:
    members = [_first(member, setup) for member in cell.members]
    data = open_training_data(members[0])
    runs = [Run(setup.runs / default_name(recipe, data.digest)) for recipe in members]
    missing = [member.name for member, run in zip(cell.members, runs, strict=True) if not run.finished]
    if missing:
        raise _Waits(f"waits for {'; '.join(missing)}")
    if not out.finished:
        build_ensemble(runs, cell.combine, out)
    return data


def _first(cell: Cell, setup: Setup) -> Recipe:
    return setup.recipe(cell.recipe).trainings()[0]


def _folder_name(cell: Cell, setup: Setup, digest: str) -> str:
    """The run folder of a cell (of its first fold): the same recipe and data give the same name."""
    if not cell.members:
        return default_name(_first(cell, setup), digest)
    names = [default_name(_first(member, setup), digest) for member in cell.members]
    return f"{ENSEMBLE}-{hashlib.sha256(' '.join([*names, cell.combine]).encode()).hexdigest()[:8]}"


def _is_done(results: Sequence[Result], cell: Cell, setup: Setup, digest: str) -> bool:
    found = current(results, cell, setup.profile, digest)
    if found is None or found.status != DONE:
        return False
    return setup.partial_weights or not found.weights.get("partial")


def _expected(results: Sequence[Result], cell: Cell, profile: str) -> float | None:
    """Seconds that a cell will take, as trainings of its model, or of any, took at this size."""
    done = [
        result
        for result in results
        if result.status == DONE and result.profile == profile and not result.members
    ]
    own = [result for result in done if result.recipe["model"] == cell.recipe.model] or done
    trainings = sum(len(result.parts) for result in own)
    if cell.members or not trainings:
        return 0.0 if cell.members else None
    return cell.trainings * sum(result.seconds for result in own) / trainings


def _left(results: Sequence[Result], cells: Sequence[Cell], setup: Setup, digest: str) -> float | None:
    times = [
        _expected(results, cell, setup.profile)
        for cell in cells
        if not _is_done(results, cell, setup, digest)
    ]
    known = [seconds for seconds in times if seconds is not None]
    return sum(known) if len(known) == len(times) else None


def _estimate(needed: float | None, left: float | None) -> str:
    if needed is None or left is None:
        return ""
    return f", about {_duration(needed)}; the rest of the grid, this included: about {_duration(left)}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _outcome(result: Result) -> str:
    if result.status == FAILED:
        return f"failed: {result.reason}"
    return f"accuracy {result.estimate('accuracy', 'face')}, AUC {result.estimate('auc', 'face')}"
