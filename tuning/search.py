"""The search: every case, trial by trial, by as many workers as run this."""

import hashlib
import json
import os
import platform
import shutil
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState

from dfdetect.data.opening import Data, manifest_path, open_training_data
from dfdetect.flags import Conditions
from dfdetect.recipe import Recipe, write_recipe
from dfdetect.runs import build_from_recipe
from dfdetect.training import resolve
from face_extraction.errors import InputError, unknown_name
from face_extraction.manifest import manifest_hash
from face_extraction.toml import read_toml
from tuning.display import Display, set_apart
from tuning.features import FeatureCache
from tuning.importance import importances
from tuning.job import Case, Job, cases, parse_job, slug, write_job
from tuning.report import write_report
from tuning.rows import DONE, FAILED, PRUNED, VALUES, Row, best_of, rows_of
from tuning.space import apply
from tuning.store import DATABASE, REASON, Held, Store
from tuning.strategy import Strategy, Turn, make_strategy, prune_rule
from tuning.trial import Result, Trainer, parts_of, why_failed

JOB = "job.toml"
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Search:
    """A job on data, in a folder.

    Attributes:
        job: what is searched.
        cases: all of its cases. Their recipes are not resolved: what a recipe leaves to the model must follow
            from the model that a trial has.
        data: by case, the data that its recipe takes; of the cases that are searched now.
        digests: SHA-256 of the manifest of each of the job's cases, of those not searched now, too.
        folder: where trials, tables and the page go.
        out: the recipe of the best trial.
        url: of a database; "" for SQLite in the folder.
    """

    job: Job
    cases: Sequence[Case]
    data: Mapping[str, Data]
    digests: Sequence[str]
    folder: Path
    out: Path
    url: str

    @property
    def searched(self) -> list[Case]:
        """The cases that are searched now."""
        return [case for case in self.cases if case.name in self.data]

    def store(self) -> Store:
        """The trials.

        Raises:
            InputError: the database cannot be used.
        """
        content = {**self.job.content(), "trials": 0}  # a larger budget goes on with the same search
        facts = json.dumps([content, self.digests], sort_keys=True)
        digest = hashlib.sha256(facts.encode()).hexdigest()[:8]
        return Store(self.folder, f"{self.folder.absolute().name}-{digest}", self.url)

    def trial_folder(self, case: str, number: int) -> Path:
        """The run folder of a trial."""
        return self.folder / "trials" / slug(case) / f"{number:04d}"


def open_search(
    job: Job, only: Sequence[str], folder: Path, out: Path, url: str, *, overwrite: bool = False
) -> Search:
    """Check a job against its data and models, before anything is trained.

    Args:
        job: the job.
        only: the cases wanted, by name; none for all.
        folder: where the search goes on, or begins.
        out: the best recipe's file.
        url: of a database.
        overwrite: what the folder holds will be deleted.

    Raises:
        InputError: a case is unknown, the data or the weights cannot be had, or the folder holds
            another search.
    """
    every = cases(job)
    manifests = [manifest_path(case.recipe.manifest) for case in every]
    names = [case.name for case in every]
    for name in only:
        if name not in names:
            raise unknown_name("case", name, names)
    found = [case for case in every if not only or case.name in only]
    data = {case.name: open_training_data(case.recipe) for case in found}
    built: set[str] = set()
    for case in found:
        first = resolve(apply(case.recipe, {axis.name: axis.ends()[0] for axis in job.space}))
        parts_of(data[case.name], case.recipe, job.folds)
        if first.weights + first.model not in built:  # a missing weights file would fail every trial
            build_from_recipe(first)
            built.add(first.weights + first.model)
    if not overwrite:
        _check_folder(folder, job)
    known = {opened.path: opened.digest for opened in data.values()}
    for path in manifests:
        if path not in known:
            if not path.is_file():
                raise InputError(f"{path}: no such manifest, which another case of the job takes")
            known[path] = manifest_hash(path)
    return Search(job, every, data, [known[path] for path in manifests], folder, out, url)


def delete_search(search: Search) -> None:
    """Delete a search's folder, and its trials in the database.

    Raises:
        InputError: the folder is no search, or a worker is at one of its trials.
    """
    if not search.folder.exists():
        return
    if not (search.folder / JOB).is_file():
        raise InputError(f"{search.folder}: not a search (it has no {JOB}); give another --folder")
    search.store().delete()
    shutil.rmtree(search.folder)


def run_search(search: Search, conditions: Conditions, *, features: bool = True) -> list[Row]:
    """Run trials until the budget is spent, together with any other worker of this search.

    Args:
        search: the search.
        conditions: how to go about it.
        features: compute features of frozen backbones once.

    Returns:
        All trials of all workers, and of all cases.

    Raises:
        KeyboardInterrupt: Ctrl-C; what was done until then is written.
    """
    store = search.store()
    write_job(search.folder / JOB, search.job)
    pruner = prune_rule(search.job.strategy)
    for case in search.searched:
        store.study(case.name, pruner)
    cache = FeatureCache(search.folder / "features") if features else None
    total = search.job.trials * len(search.searched)
    try:
        with Display(search.job.objective, total, lambda: rows_of(store.trials())) as display:
            for case in search.searched:
                parts = parts_of(search.data[case.name], case.recipe, search.job.folds)
                worker = _Worker(search, case, store, Trainer(parts, conditions, cache), display)
                worker.work()
    except KeyboardInterrupt:
        _write_results(search, store)
        raise
    return _write_results(search, store)


class _Worker:
    """This process at work on one case."""

    def __init__(self, search: Search, case: Case, store: Store, trainer: Trainer, display: Display) -> None:
        self._search, self._case, self._store = search, case, store
        self._trainer, self._display = trainer, display
        self._strategy: Strategy = make_strategy(search.job, case.recipe)
        self._name = f"{platform.node()}:{os.getpid()}"

    def work(self) -> None:
        """Take trials until none is left."""
        while True:
            held = self._store.claim(self._case.name, self._strategy, self._name)
            if held is Turn.STOP:
                return
            if isinstance(held, Turn):
                self._display.status("waiting for trials of other workers")
                time.sleep(POLL_SECONDS)
                continue
            try:
                self._run(held)
            except KeyboardInterrupt:
                self._store.give_back(held)
                raise
            finally:
                held.lock.release()  # also after Ctrl-C: the next start takes the trial up
            self._display.refresh()

    def _run(self, held: Held) -> None:
        trial, case = held.trial, self._case
        values = self._strategy.values(trial)
        trial.set_user_attr(VALUES, values)
        folder = self._search.trial_folder(case.name, trial.number)
        log = self._search.folder / "logs" / f"{slug(case.name)}-{trial.number:04d}.txt"
        self._display.refresh()

        def report(step: int, value: float) -> None:
            trial.report(value, step)
            self._store.progressed(held)
            if trial.should_prune():
                raise optuna.TrialPruned(f"after {step} with {value:.4f}")

        result: Result | None = None
        facts: dict[str, Any] = {}
        state = TrialState.COMPLETE
        with set_apart(log, self._display):
            try:
                recipe = resolve(apply(case.recipe, values))
                result = self._trainer.run(recipe, folder, report)
                facts = result.facts
            except optuna.TrialPruned as error:
                state, facts = TrialState.PRUNED, {REASON: str(error)}
            except Exception as error:  # a row with its reason; the search goes on
                state, facts = TrialState.FAIL, {REASON: why_failed(error)}
                traceback.print_exc()
        self._store.finish(held, case.name, state, result.score if result else None, facts)
        self._keep_the_best_weights()

    def _keep_the_best_weights(self) -> None:
        """Delete the weights of trials that are not their case's best: a recipe makes them again."""
        with self._store.alone():
            rows = rows_of({self._case.name: self._store.trials()[self._case.name]})
            best = best_of(rows)
            for row in rows:
                if row.state not in (DONE, FAILED, PRUNED) or row is best:
                    continue
                folder = self._search.trial_folder(row.case, row.number)
                for path in (*folder.rglob("*.weights.h5"), *folder.rglob("checkpoint.npz")):
                    path.unlink(missing_ok=True)


def best_recipe(search: Search, row: Row) -> Recipe:
    """The recipe of a trial."""
    case = next(case for case in search.cases if case.name == row.case)
    return resolve(apply(case.recipe, row.values))


def _write_results(search: Search, store: Store) -> list[Row]:
    """Write the best recipes, tables, figures and the page; return all trials of all workers.

    Of all cases of the job that have trials: those that `--case` left out now stay in the tables.
    """
    pruner = prune_rule(search.job.strategy)
    studies = {case.name: store.study(case.name, pruner) for case in search.cases}
    trials = {name: study.get_trials(deepcopy=False) for name, study in studies.items()}
    rows = rows_of(trials)
    found = {name: importances(studies[name]) for name in trials if trials[name]}
    with store.alone():
        recipes: dict[str, Recipe] = {}
        for case in search.cases:
            best = best_of([row for row in rows if row.case == case.name])
            if best is not None:
                recipes[case.name] = best_recipe(search, best)
                write_recipe(search.folder / f"best-{slug(case.name)}.toml", recipes[case.name])
        overall = best_of(rows)
        if overall is not None:
            write_recipe(search.out, recipes[overall.case])
        studied = {row.label: best_recipe(search, row) for row in rows if row.values}
        write_report(search.folder, search.job, rows, studied, search.data, found, search.out)
    return rows


def _check_folder(folder: Path, job: Job) -> None:
    """Refuse a folder that holds something else."""
    path = folder / JOB
    if not path.is_file():
        known = {"locks", "features", DATABASE}
        if folder.is_dir() and {item.name for item in folder.iterdir()} - known:
            raise InputError(f"{folder}: holds files and is no search; give a new or an empty --folder")
        return
    old = parse_job(read_toml(path), str(path)).content()
    for name, value in json.loads(json.dumps(job.content())).items():
        if name != "trials" and json.loads(json.dumps(old[name])) != value:
            raise InputError(
                f"{folder}: it holds a search with another {name}: {old[name]!r}, not {value!r}; "
                "give another --out or --folder, or --overwrite"
            )
