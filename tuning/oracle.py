"""Keras Tuner's oracles as strategies: random, grid, Bayesian, Hyperband.

Each proposal makes a new oracle from the trials in the study. Keras Tuner's own state file is not used,
because it is not written atomically and, for grid search, lacks what the grid needs to resume (1.4.8). Its
chief and workers are not used either, because a worker that dies there keeps its trial.
"""

import math
import warnings
from collections.abc import Sequence
from typing import Any

import keras_tuner
import optuna
from keras_tuner.engine.trial import Trial
from optuna.trial import FrozenTrial, TrialState
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from dfdetect.recipe import Recipe
from dfdetect.render.text import short
from tuning.job import Job
from tuning.space import Axis, Values
from tuning.strategy import EPOCHS, Turn

# What a proposal stores in its trial: values that the oracle set outside the space, and Hyperband's brackets.
EXTRA, BRACKETS = "extra", "brackets"
BRACKET_STATE = ("_brackets", "_current_bracket", "_current_iteration")
# Random draws reserved for one proposal, so that two proposals never share any.
DRAWS = 100_000


class KerasTuner:
    """One of Keras Tuner's oracles, with the interface of a strategy.

    The later rounds of Hyperband (Li et al. 2018) train again from the start for more epochs and do not
    resume the weights of the round before. So each trial is a recipe that a training can repeat, with its
    schedule.
    """

    def __init__(self, job: Job, recipe: Recipe) -> None:
        self._job, self._recipe = job, recipe
        self._axes: dict[str, Axis] = {axis.name: axis for axis in job.space}

    def prepare(self, study: optuna.Study) -> Turn:
        """Put the oracle's next proposal into the study's queue."""
        trials = study.get_trials(deepcopy=False)
        if len(trials) >= self._job.trials:
            return Turn.STOP
        # The Gaussian process has such small matrices that BLAS threads cost more time than they save.
        with warnings.catch_warnings(), threadpool_limits(1, "blas"):
            # With few scores, the process often ends at a bound of its kernel, which does no harm.
            warnings.simplefilter("ignore", ConvergenceWarning)
            oracle = self._oracle(trials)
            proposal = oracle.populate_space(_id(len(trials)))
        if proposal["status"] != "RUNNING":
            return Turn.WAIT if proposal["status"] == "IDLE" else Turn.STOP
        values = proposal["values"]
        extra = {name: value for name, value in values.items() if name not in self._axes}
        study.enqueue_trial(
            {name: axis.inside(values[name]) for name, axis in self._axes.items()},
            {EXTRA: extra, BRACKETS: {name: getattr(oracle, name, None) for name in BRACKET_STATE}},
        )
        study.sampler = optuna.samplers.RandomSampler(seed=0)  # never used: all values are given
        return Turn.RUN

    def values(self, trial: optuna.Trial) -> Values:
        """The proposed values, with Hyperband's epochs."""
        found = {name: axis.suggest(trial) for name, axis in self._axes.items()}
        extra = trial.user_attrs[EXTRA]
        return found | ({EPOCHS: extra["tuner/epochs"]} if extra else {})

    def _oracle(self, trials: Sequence[FrozenTrial]) -> Any:
        """An oracle that knows the study's trials."""
        oracle = self._empty(len(trials))
        for trial in trials:
            _add(oracle, trial)
        if self._job.strategy == "grid" and trials:
            # The next combination follows the last one, whether that is finished or not.
            for last, trial in zip([None, *trials], trials, strict=False):
                oracle._ordered_ids.insert(_id(trial.number), _id(last.number) if last else None)
            oracle._populate_next = [_id(trials[-1].number)]
        if self._job.strategy == "hyperband" and trials:
            for name, value in trials[-1].user_attrs[BRACKETS].items():
                setattr(oracle, name, value)
        if self._job.strategy == "bayesian":
            _fit_to_finished(oracle)
        return oracle

    def _empty(self, number: int) -> Any:
        kinds: dict[str, Any] = {
            "random": keras_tuner.oracles.RandomSearchOracle,
            "grid": keras_tuner.oracles.GridSearchOracle,
            "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
            "hyperband": keras_tuner.oracles.HyperbandOracle,
        }
        limits: dict[str, Any] = {"max_trials": self._job.trials}
        if self._job.strategy == "hyperband":
            # As many sweeps as the budget allows.
            limits = {"max_epochs": max(1, self._recipe.epochs), "hyperband_iterations": None}
        # Keras Tuner treats a seed of 0 as no seed.
        seed = 1 + self._recipe.seed + DRAWS * number
        return kinds[self._job.strategy](
            objective=keras_tuner.Objective(self._job.objective, "max"),
            hyperparameters=_declared(self._job),
            seed=seed % 2**32 or 1,
            **limits,
        )


def grid_notice(job: Job) -> str:
    """The notice about a grid with more combinations than trials; "" if all are tried."""
    values = {kind.name: list(dict.fromkeys([kind.default, *kind.values])) for kind in _declared(job).space}
    total = math.prod(map(len, values.values()))
    if job.trials >= total:
        return ""
    # The last setting changes first; an earlier one changes when all later ones are through.
    rounds, alone = 1, list[str]()
    for name, choices in reversed(values.items()):
        if len(choices) > 1 and job.trials <= rounds:
            alone.insert(0, f"{name} ({short(choices[0])})")
        rounds *= len(choices)
    only = f", with only one value of {' and '.join(alone)}" if alone else ""
    return f"Grid: {job.trials:,} of {total:,} combinations are tried{only}."


def _declared(job: Job) -> keras_tuner.HyperParameters:
    """The job's space as Keras Tuner's hyperparameters."""
    space = keras_tuner.HyperParameters()
    for axis in job.space:
        axis.declare(space)
    return space


def _id(number: int) -> str:
    return f"{number:06d}"


def _add(oracle: Any, trial: FrozenTrial) -> None:
    """Tell an oracle about a trial of the study."""
    states = {TrialState.COMPLETE: "COMPLETED", TrialState.FAIL: "FAILED"}
    space = oracle.get_space()
    given = trial.params or trial.system_attrs.get("fixed_params", {})
    space.values = {**given, **trial.user_attrs.get(EXTRA, {})}
    known = Trial(
        hyperparameters=space, trial_id=_id(trial.number), status=states.get(trial.state, "RUNNING")
    )
    known.score = trial.value if known.status == "COMPLETED" else None
    oracle.trials[known.trial_id] = known
    oracle.start_order.append(known.trial_id)
    if known.status == "RUNNING":
        oracle.ongoing_trials[known.trial_id] = known
    oracle._record_values(known)


def _fit_to_finished(oracle: Any) -> None:
    """Fit the Gaussian process to the finished trials, before it predicts the running ones.

    Without the fit it would give a running trial a score of 0, unlike any other.
    """
    running, oracle.ongoing_trials = oracle.ongoing_trials, {}
    if any(trial.status == "COMPLETED" for trial in oracle.trials.values()):
        x, y = oracle._vectorize_trials()
        oracle.gpr.fit(x, y)
        oracle.ongoing_trials = running
        return
    oracle.ongoing_trials = running
