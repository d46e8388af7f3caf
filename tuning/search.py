"""Run a search: every case, trial by trial, with any number of workers."""

import os
import platform
import time
import traceback
from typing import Any

import optuna
from optuna.trial import TrialState

from dfdetect.recipe import Recipe, write_recipe
from dfdetect.runs.folder import Run
from dfdetect.train.training import resolve
from face_extraction.errors import InputError
from face_extraction.ledger import write_ledger
from tuning.display import Display, set_apart
from tuning.features import FeatureCache
from tuning.importance import importances
from tuning.job import Case, slug, write_job
from tuning.opening import JOB, Search
from tuning.outputs import write_outputs
from tuning.parzen import prune_rule
from tuning.rows import DONE, FAILED, PRUNED, VALUES, Row, best_of, rows_of
from tuning.space import apply
from tuning.store import REASON, Held, Store
from tuning.strategies import make_strategy
from tuning.strategy import Strategy, Turn
from tuning.tables import Trials
from tuning.trial import Result, SearchStopped, Trainer, why_failed

POLL_SECONDS = 1.0


def run_search(search: Search, *, features: bool = True, retry_failed: bool = False) -> list[Row]:
    """Run trials until the budget is spent, together with other workers of this search.

    Args:
        search: the search.
        features: compute features of frozen backbones only once.
        retry_failed: try failed trials again, without counting them twice.

    Returns:
        All trials of all workers, and of all cases.

    Raises:
        KeyboardInterrupt: Ctrl-C; the results so far are written.
        SearchStopped: faces can no longer be used; the results so far are written.
        OSError: a file cannot be written or read.
    """
    store = search.store()
    write_job(search.folder / JOB, search.job)
    pruner = prune_rule(search.job.strategy)
    for case in search.searched:
        store.study(case.name, pruner)
    if retry_failed:
        store.retry_failed()
    write_ledger(Run(search.folder).unscored, search.unscored)
    cache = FeatureCache(search.folder / "features") if features else None
    total = search.job.trials * len(search.searched)
    try:
        with Display(search.job.objective, total, lambda: rows_of(store.trials())) as display:
            for case in search.searched:
                trainer = Trainer(search.parts[case.name], search.conditions, cache)
                _Worker(search, case, store, trainer, display).work()
    except (KeyboardInterrupt, SearchStopped):
        _write_results(search, store)
        raise
    return _write_results(search, store)


class _Worker:
    """This process, working on one case."""

    def __init__(self, search: Search, case: Case, store: Store, trainer: Trainer, display: Display) -> None:
        self._search, self._case, self._store = search, case, store
        self._trainer, self._display = trainer, display
        self._strategy: Strategy = make_strategy(search.job, case.recipe)
        self._name = f"{platform.node()}:{os.getpid()}"

    def work(self) -> None:
        """Run trials until none is left."""
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
            finally:
                held.lock.release()  # also after Ctrl-C: the next start continues the trial
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
            if trial.should_prune():
                raise optuna.TrialPruned(f"after {step} with {value:.4f}")

        result: Result | None = None
        facts: dict[str, Any] = {}
        state = TrialState.COMPLETE
        with set_apart(log, self._display):
            try:
                recipe = resolve(apply(case.recipe, values))
                result = self._trainer.run(recipe, folder, report, lambda: self._store.progressed(held))
                facts = result.facts
            except (KeyboardInterrupt, OSError, SearchStopped):
                self._store.give_back(held)  # its values are not at fault: the next start tries it again
                raise
            except optuna.TrialPruned as error:
                state, facts = TrialState.PRUNED, {REASON: str(error)}
            except Exception as error:  # it becomes a row with its reason, and the search goes on
                state, facts = TrialState.FAIL, {REASON: why_failed(error)}
                traceback.print_exc()
                if not isinstance(error, InputError):
                    self._trainer.forget_faces()  # they may be the cause
        self._store.finish(held, case.name, state, result.score if result else None, facts)
        self._keep_the_best_weights()

    def _keep_the_best_weights(self) -> None:
        """Delete the weights of all but the best trial of the case: its recipe can make them again."""
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

    This covers all cases of the job that have trials, so cases that `--case` leaves out stay in the tables.
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
            write_recipe(search.place.out, recipes[overall.case])
        studied = {row.label: best_recipe(search, row) for row in rows if row.values}
        write_outputs(search, Trials(rows, studied, found))
    return rows
