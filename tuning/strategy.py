"""The strategies: how a search proposes its next trial. One interface over Optuna and Keras Tuner.

A strategy keeps no state of its own. All it knows is in the study, so that any worker can ask it, a
killed one leaves nothing torn, and one taken up again goes on as if it had not stopped. Its chance
comes from the seed and the trial's number: a sampler that is only seeded repeats its first
suggestions after a restart.
"""

import enum
import warnings
from typing import Any, Protocol

import numpy as np
import optuna

from dfdetect.recipe import Recipe
from tuning.job import Job
from tuning.space import Space, Values

# Set by Hyperband for each trial, over the recipe's own.
EPOCHS = "epochs"


class Turn(enum.Enum):
    """What a worker can do now."""

    RUN = "run the next trial"
    WAIT = "wait: the next trial depends on one that is not finished"
    STOP = "stop: nothing is left to try"


class Strategy(Protocol):
    """How a search proposes trials."""

    def prepare(self, study: optuna.Study) -> Turn:
        """Make `study.ask()` give the next trial. One worker at a time calls it."""

    def values(self, trial: optuna.Trial) -> Values:
        """The values of a trial that was asked for: those of the space, and perhaps `EPOCHS`."""


def make_strategy(job: Job, recipe: Recipe) -> Strategy:
    """The strategy that a job names, for one of its cases."""
    if job.strategy.startswith("tpe"):
        return Optuna(job, recipe.seed)
    from tuning.oracle import KerasTuner

    return KerasTuner(job, recipe)


def prune_rule(strategy: str) -> optuna.pruners.BasePruner:
    """The rule by which a strategy cuts hopeless trials short."""
    rules: dict[str, Any] = {
        # Median: not before five trials were finished; halving: Li et al. 2018 (ASHA), a third goes on.
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
        """Nothing to prepare: a trial's values are sampled when it is there."""
        return Turn.STOP if len(study.get_trials(deepcopy=False)) >= self._trials else Turn.RUN

    def values(self, trial: optuna.Trial) -> Values:
        """The values, sampled now if the trial has none yet."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            # constant_liar: trials that are running count as bad, so that workers do not try the same.
            sampler = optuna.samplers.TPESampler(seed=_mixed(self._seed, trial.number), constant_liar=True)
        trial.study.sampler = sampler
        return {axis.name: axis.suggest(trial) for axis in self._space}


def _mixed(seed: int, number: int) -> int:
    """A trial's own seed. By the sum alone the next seed's search would draw the same, one trial earlier."""
    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
