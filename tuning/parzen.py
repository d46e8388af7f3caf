"""Optuna's tree-structured Parzen estimator as a strategy, and the rules that stop bad trials early."""

import warnings
from typing import Any

import numpy as np
import optuna

from tuning.job import Job
from tuning.space import Space, Values
from tuning.strategy import TRIES, Turn, enqueue


def prune_rule(strategy: str) -> optuna.pruners.BasePruner:
    """The rule by which a strategy stops bad trials early."""
    rules: dict[str, Any] = {
        # Median: only after five finished trials. Halving: Li et al. 2018 (ASHA); a third continues.
        "tpe-median": lambda: optuna.pruners.MedianPruner(n_startup_trials=5),
        "tpe-halving": lambda: optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    }
    rule: optuna.pruners.BasePruner = rules.get(strategy, optuna.pruners.NopPruner)()
    return rule


class Optuna:
    """The tree-structured Parzen estimator of Optuna (Bergstra et al. 2011), with or without pruning."""

    def __init__(self, job: Job, seed: int) -> None:
        self._space: Space = job.space
        self._trials, self._seed = job.trials, seed

    def prepare(self, study: optuna.Study) -> Turn:
        """Put the next values, which no trial has had, into the study's queue."""
        trials = study.get_trials(deepcopy=False)
        if len(trials) >= self._trials:
            return Turn.STOP
        tried = [trial.params for trial in trials]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            # constant_liar: running trials count as bad, so that workers do not try the same values.
            sampler = optuna.samplers.TPESampler(seed=_mixed(self._seed, len(trials)), constant_liar=True)
        # A trial keeps the first values that it gets, so they are drawn on a copy in memory.
        copy = optuna.create_study(direction="maximize", sampler=sampler)
        copy.add_trials(trials)
        for _ in range(TRIES):
            trial = copy.ask()
            values = {axis.name: axis.suggest(trial) for axis in self._space}
            if values not in tried:
                enqueue(study, values)
                return Turn.RUN
        return Turn.STOP

    def values(self, trial: optuna.Trial) -> Values:
        """The values that `prepare` drew."""
        return {axis.name: axis.suggest(trial) for axis in self._space}


def _mixed(seed: int, number: int) -> int:
    """A trial's own seed. With a plain sum, the next seed's search would draw the same, one trial earlier."""
    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
