"""Run a grid: each cell is one or more ordinary runs, its result is a line; finished cells are skipped."""

import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import keras
from filelock import FileLock, Timeout

from dfdetect.data.opening import Data, manifest_path, open_training_data, open_trainings
from dfdetect.ensemble.ensembling import build_ensemble, is_ensemble_of
from dfdetect.models.head import leave_head
from dfdetect.models.names import PUBLISHED
from dfdetect.models.weights import weights_origin
from dfdetect.predictions import Predictions
from dfdetect.recipe import ENSEMBLE, Conditions, Recipe
from dfdetect.render.figures.comparison import faces_and_scores
from dfdetect.report.declared import FACES, Cell, Experiment
from dfdetect.report.pictures import faces_file, pictured, title_of
from dfdetect.report.recording import measure_anew, record, record_failure, same_start
from dfdetect.report.results import (
    DONE,
    FAILED,
    Result,
    add_result,
    current,
    finished,
    read_results,
    sample_digest,
)
from dfdetect.report.scores import copy_scores, keep_scores, keeps_scores, scores_of, still_measures
from dfdetect.report.sharing import measured_elsewhere
from dfdetect.runs.build import build_from_recipe
from dfdetect.runs.environment import hardware
from dfdetect.runs.folder import Run, default_name
from dfdetect.sample.sample_set import sample_manifest, sample_place
from dfdetect.train.training import resolve, train
from face_extraction.errors import InputError
from face_extraction.images import read_rgb
from face_extraction.manifest import manifest_hash
from face_extraction.wording import plural


@dataclass(frozen=True)
class Setup:
    """How to run a grid. Only the profile, the manifest and partial weights change results.

    Attributes:
        profile: the size.
        manifest: what to train on; "" for the embedded sample set.
        runs: the folder of run folders.
        weights: a model's name to a local weights file that replaces "imagenet".
        partial_weights: such files may cover a part of their model. A grid without this flag runs cells
            again that were measured with it.
        conditions: how each training runs.
        budget: seconds after which no training starts; 0 = no limit.
        again: repeat finished cells whose run folders are gone.
    """

    profile: str
    manifest: str
    runs: Path
    weights: Mapping[str, str] = field(default_factory=dict)
    partial_weights: bool = False
    conditions: Conditions = field(default_factory=Conditions)
    budget: float = 0.0
    again: bool = False

    def recipe(self, recipe: Recipe) -> Recipe:
        """A cell's recipe with this machine's files."""
        local = self.weights.get(recipe.model)
        if local and takes_weights(recipe):
            recipe = replace(recipe, weights=local, partial_weights=self.partial_weights)
        return resolve(replace(recipe, manifest=self.manifest))

    def digest(self) -> str:
        """SHA-256 of the manifest."""
        return manifest_hash(manifest_path(self.manifest))


def takes_weights(recipe: Recipe) -> bool:
    """Whether a cell starts from weights, published or a file's, that a local file can replace."""
    return resolve(recipe).weights != "none"


NOT_DRAWN = "The sample set is not drawn yet on this machine: the results are those of the set drawn last."


class _Waits(Exception):
    """The cell must wait: its members are missing, or the budget is spent."""


def run_grid(experiment: Experiment, cells: Sequence[Cell], setup: Setup) -> int:
    """Run the missing ones of `cells`; a failed cell gets a line with its reason.

    Returns:
        How many of the cells still have no result.

    Raises:
        InputError: the manifest is missing.
    """
    start, digest = time.monotonic(), setup.digest()
    deadline = start + setup.budget if setup.budget else math.inf
    for number, cell in enumerate(cells, start=1):
        results = read_results(experiment.folder)
        head = f"{experiment.name} [{number}/{len(cells)}] {cell.name}"
        done = _done(results, cell, setup, digest)
        if done:
            print(f"{head}: {_renewed(experiment, done, setup)}", flush=True)
            continue
        if shared := _shared(experiment, cell, setup, digest):
            folder, result = shared
            copy_scores(folder, experiment.folder, result)
            add_result(experiment.folder, result)
            print(f"{head}: measured in {folder.name}: {_outcome(result)}", flush=True)
            continue
        needed = _expected(results, cell, setup.profile)
        if time.monotonic() + (needed or 0) > deadline:
            print(f"{head}: not started, it would go past the budget", flush=True)
            continue
        left = _left(results, cells[number - 1 :], setup, digest)
        print(f"\n{head}: starts{_estimate(needed, left)}", flush=True)
        measured = _claim_and_run(experiment, cell, setup, digest, deadline)
        if measured is not None:
            print(f"{head}: {_outcome(measured)}", flush=True)
    results = read_results(experiment.folder)
    return sum(not _done(results, cell, setup, digest) for cell in cells)


def listed(experiment: Experiment, cells: Sequence[Cell], setup: Setup) -> str:
    """The same as `status`, but without drawing the sample set, which takes minutes."""
    if setup.manifest or sample_place().is_file():
        return status(experiment, cells, setup)
    digest = sample_digest(read_results(experiment.folder))
    return f"{status(experiment, cells, setup, digest)}\n{NOT_DRAWN}"


def status(experiment: Experiment, cells: Sequence[Cell], setup: Setup, digest: str | None = None) -> str:
    """What is done, failed or missing, as lines of text, with an estimate of the time.

    Args:
        experiment: the report.
        cells: of it.
        setup: how they run.
        digest: SHA-256 of the manifest that results have to be of; None for the setup's.
    """
    results = read_results(experiment.folder)
    digest = setup.digest() if digest is None else digest
    lines, missing = [], []
    for cell in cells:
        found = current(results, cell, setup.profile, digest)
        why = _why_again(found, setup) if found and found.status == DONE else ""
        outcome = _outcome(found) if found else _missing(results, cell, setup.profile)
        if not _done(results, cell, setup, digest):
            if shared := _shared(experiment, cell, setup, digest):
                outcome = f"missing here, measured in {shared[0].name}"
            else:
                missing.append(cell)
        lines.append(f"  {cell.name}: {why}: {outcome}" if why else f"  {cell.name}: {outcome}")
    trainings = sum(cell.trainings for cell in missing)
    left = _left(results, missing, setup, digest)
    time_left = f", about {_duration(left)}" if left else "" if not trainings else ", time not known yet"
    lines.append(
        f"{experiment.name}, profile {setup.profile}: {len(cells) - len(missing)} of {len(cells)} cells "
        f"done; {plural(trainings, 'training')} left{time_left}"
    )
    return "\n".join(lines)


def _shared(experiment: Experiment, cell: Cell, setup: Setup, digest: str) -> tuple[Path, Result] | None:
    """What another report has measured, unless its run folder is here or it is to be measured again."""
    found = None if setup.again else measured_elsewhere(experiment, cell, setup.profile, digest)
    if found is None or _why_again(found[1], setup):
        return None
    # The folder's name depends on flags, so it need not be the other report's.
    return None if Run(setup.runs / _folder_name(cell, setup, digest)).finished else found


def _missing(results: Sequence[Result], cell: Cell, profile: str) -> str:
    elsewhere = any(result.status == DONE and result.is_of(cell, profile) for result in results)
    return "missing on this manifest, measured on another" if elsewhere else "missing"


def faces_figure(experiment: Experiment, setup: Setup) -> None:
    """Draw every model's scores of drawn people; never of real people, who may not be shown."""
    if FACES not in experiment.figures or setup.manifest:
        return
    results, digest, manifest = read_results(experiment.folder), setup.digest(), sample_manifest()
    done = [
        result
        for cell in experiment.cells(setup.profile)
        if (result := finished(results, cell, setup.profile, digest))
    ]
    shown: list[tuple[str, Predictions, float]] = []
    for result in pictured(done):
        scores = scores_of(result, setup.runs)
        if scores is None:
            print(
                f"no figure of the drawn people: {result.runs[0]} is not in {setup.runs}; --again trains it"
            )
            return
        shown.append((title_of(experiment, result), scores[0].predictions, scores[0].threshold))
    if shown:
        path = faces_file(experiment, setup.profile, done)
        faces_and_scores(shown, lambda name: read_rgb(manifest.parent / name), path)


def _claim_and_run(
    experiment: Experiment, cell: Cell, setup: Setup, digest: str, deadline: float
) -> Result | None:
    """Run a cell unless another process has it; None if it gave no result."""
    try:
        name = _folder_name(cell, setup, digest)
        setup.runs.mkdir(parents=True, exist_ok=True)
        # The system releases the lock when a process ends, however it ends.
        with FileLock(setup.runs / f".{name}.lock", timeout=0):
            if _done(read_results(experiment.folder), cell, setup, digest):
                return None
            result = _run_cell(experiment, cell, setup, name, deadline)
    except Timeout:
        print(f"{cell.name}: another process is running it", flush=True)
        return None
    except _Waits as error:
        print(f"{cell.name}: {error}", flush=True)
        return None
    except Exception as error:  # Whatever it is, the other cells go on.
        result = record_failure(cell, setup.profile, digest, not setup.manifest, error)
    finally:
        keras.utils.clear_session()
    scores = scores_of(result, setup.runs) if result.status == DONE else None
    if scores is not None:
        keep_scores(experiment.folder, result, scores)
    add_result(experiment.folder, result)
    return result


def _renewed(experiment: Experiment, result: Result, setup: Setup) -> str:
    """Measure a finished cell again if its run folders now give other numbers; returns a message.

    Keep its scores, if the report does not: earlier versions kept none.
    """
    try:
        scores = scores_of(result, setup.runs)
        if scores is None:
            return "done before"
        same = still_measures(result, scores)
        if not same or not keeps_scores(experiment.folder, result):
            keep_scores(experiment.folder, result, scores)
    except InputError as error:
        return f"done before; {error}"
    if same:
        return "done before"
    result = measure_anew(result, scores)
    add_result(experiment.folder, result)
    return f"done before, its predictions measured again: {_outcome(result)}"


def _run_cell(experiment: Experiment, cell: Cell, setup: Setup, name: str, deadline: float) -> Result:
    if cell.members:
        run = Run(setup.runs / name)
        return record(cell, setup.profile, [run], _combine(experiment, cell, setup, run))
    runs: list[Run] = []
    for recipe, data in open_trainings(setup.recipe(cell.recipe), tested=True):
        run = Run(setup.runs / default_name(recipe, data.digest))
        if run.finished:
            run.begin(recipe, data.digest)  # Refuses a folder that only has the same name.
        else:
            if runs and time.monotonic() > deadline:
                raise _Waits(f"the budget is spent; {len(runs)} of {cell.trainings} folds are kept")
            _check_start(recipe)
            train(recipe, data, run, setup.conditions)
        if not same_start(resolve(cell.recipe).weights, run):
            raise _trained(recipe)
        runs.append(run)
    return record(cell, setup.profile, runs, data)


def _check_start(recipe: Recipe) -> None:
    """Refuse trained weights before hours of training; for an existing run `same_start` decides."""
    if recipe.weights in (*PUBLISHED, "none"):
        return
    if not leave_head(weights_origin(build_from_recipe(recipe)).random):
        raise _trained(recipe)


def _trained(recipe: Recipe) -> InputError:
    return InputError(f"{recipe.weights}: trained weights; the cell starts from published ones")


def _combine(experiment: Experiment, cell: Cell, setup: Setup, out: Run) -> Data:
    data = open_training_data(_first(cell.members[0], setup), tested=True)
    results = read_results(experiment.folder)
    runs: list[Run] = []
    missing: list[str] = []
    gone: list[str] = []
    for member in cell.members:
        # Found by data, not by recipe: the folder's name depends on how the manifest's path was written.
        result = finished(results, member, setup.profile, data.digest)
        name = result.runs[0] if result else default_name(_first(member, setup), data.digest)
        runs.append(Run(setup.runs / name))
        if not runs[-1].finished:
            (gone if result else missing).append(member.name)
    if missing:
        raise _Waits(f"waits for {'; '.join(missing)}")
    if gone:
        raise _Waits(f"the run folders of {'; '.join(gone)} are not in {setup.runs}; --again runs them again")
    if not out.finished:
        build_ensemble(runs, cell.combine, out)
    elif not is_ensemble_of(runs, cell.combine, out):
        raise InputError(f"{out.folder}: holds another ensemble; delete that folder")
    return data


def _first(cell: Cell, setup: Setup) -> Recipe:
    return setup.recipe(cell.recipe).trainings()[0]


def _folder_name(cell: Cell, setup: Setup, digest: str) -> str:
    """The run folder of a cell, or of its first fold: equal recipes and data give equal names."""
    if not cell.members:
        return default_name(_first(cell, setup), digest)
    names = [default_name(_first(member, setup), digest) for member in cell.members]
    return f"{ENSEMBLE}-{hashlib.sha256(' '.join([*names, cell.combine]).encode()).hexdigest()[:8]}"


def _done(results: Sequence[Result], cell: Cell, setup: Setup, digest: str) -> Result | None:
    """A cell's result, if it need not run."""
    found = finished(results, cell, setup.profile, digest)
    return found if found and not _why_again(found, setup) else None


def _why_again(found: Result, setup: Setup) -> str:
    """Why a measured cell must run again; "" if it need not."""
    if found.weights.get("partial") and not setup.partial_weights:
        return "weights of a part"
    gone = setup.again and not all(Run(setup.runs / name).finished for name in found.runs)
    return "its run folder is gone" if gone else ""


def _expected(results: Sequence[Result], cell: Cell, profile: str) -> float | None:
    """Seconds that a cell will take, from trainings of its model, or of any, on a machine like this."""
    here = hardware().items()
    done = [
        result
        for result in results
        if result.status == DONE
        and result.profile == profile
        and not result.members
        and here <= result.environment.items()
    ]
    own = [result for result in done if result.recipe["model"] == cell.recipe.model] or done
    trainings = sum(len(result.parts) for result in own)
    if cell.members or not trainings:
        return 0.0 if cell.members else None
    return cell.trainings * sum(result.seconds for result in own) / trainings


def _left(results: Sequence[Result], cells: Sequence[Cell], setup: Setup, digest: str) -> float | None:
    times = [
        _expected(results, cell, setup.profile) for cell in cells if not _done(results, cell, setup, digest)
    ]
    known = [seconds for seconds in times if seconds is not None]
    return sum(known) if len(known) == len(times) else None


def _estimate(needed: float | None, left: float | None) -> str:
    if needed is None or left is None:
        return ""
    return f", about {_duration(needed)}; with the rest of the grid about {_duration(left)}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _outcome(result: Result) -> str:
    if result.status == FAILED:
        return f"failed: {result.reason}"
    return f"accuracy {result.estimate('accuracy', 'face')}, AUC {result.estimate('auc', 'face')}"
