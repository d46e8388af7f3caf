"""Keras Tuner's oracles as strategies: random, grid, Bayesian, Hyperband.

Each proposal makes a new oracle from the trials in the study. Keras Tuner's own state file is not used,
because it is not written atomically and, for grid search, lacks what the grid needs to resume (1.4.8). Its
chief and workers are not used either, because a worker that dies there keeps its trial.

Only public names of Keras Tuner are used: an oracle's `populate_space`, `get_state`, `set_state`, `trials`,
`start_order` and `ongoing_trials`. How a grid counts on and the keys of Hyperband's state are documented
nowhere, so setup.cfg caps the version.
"""

import copy
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
from tuning.strategy import EPOCHS, TRIES, Turn, enqueue

# What a proposal stores in its trial: values that the oracle set outside the space, and Hyperband's brackets.
EXTRA, BRACKETS = "extra", "brackets"
BRACKET_STATE = ("brackets", "current_bracket", "current_iteration")
# Random draws reserved for one proposal, so that two proposals never share any.
DRAWS = 100_000
# How often the Gaussian process may propose what was tried before; then chance alone decides.
MODEL_TRIES = 3
# Scores that the Gaussian process needs, for each setting of the space; Keras Tuner's default.
SCORES_PER_AXIS = 3


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
        tried = [_values(trial) for trial in trials]
        # The Gaussian process has such small matrices that BLAS threads cost more time than they save.
        with warnings.catch_warnings(), threadpool_limits(1, "blas"):
            # With few scores, the process often ends at a bound of its kernel, which does no harm.
            warnings.simplefilter("ignore", ConvergenceWarning)
            for attempt in range(TRIES):
                oracle = self._oracle(trials, attempt)
                proposal = oracle.populate_space(_id(len(trials)))
                if proposal["status"] != "RUNNING":
                    return Turn.WAIT if proposal["status"] == "IDLE" else Turn.STOP
                proposed = proposal["values"]
                values = {name: axis.inside(proposed[name]) for name, axis in self._axes.items()}
                if values not in tried or _may_repeat(oracle, proposed):
                    self._enqueue(study, values, proposed, oracle.get_state())
                    return Turn.RUN
        return Turn.STOP

    def _enqueue(
        self, study: optuna.Study, values: Values, proposed: dict[str, Any], state: dict[str, Any]
    ) -> None:
        """Put a proposal into the study's queue, with what the next proposals need of it."""
        extra = {name: value for name, value in proposed.items() if name not in self._axes}
        brackets = {name: state.get(name) for name in BRACKET_STATE}
        enqueue(study, values, {EXTRA: extra, BRACKETS: brackets})

    def values(self, trial: optuna.Trial) -> Values:
        """The proposed values, with Hyperband's epochs."""
        found = {name: axis.suggest(trial) for name, axis in self._axes.items()}
        extra = trial.user_attrs[EXTRA]
        return found | ({EPOCHS: extra["tuner/epochs"]} if extra else {})

    def _oracle(self, trials: Sequence[FrozenTrial], attempt: int) -> Any:
        """An oracle that knows the study's trials."""
        kind = self._job.strategy
        finished = sum(trial.state == TrialState.COMPLETE for trial in trials)
        few = finished < SCORES_PER_AXIS * len(self._axes)
        if kind == "bayesian" and (few or attempt >= MODEL_TRIES):
            kind = "random"
        # Keras Tuner treats a seed of 0 as no seed. An attempt draws a number for each setting.
        seed = (1 + self._recipe.seed + DRAWS * len(trials) + attempt * len(self._axes)) % 2**32 or 1
        oracle = self._empty(kind, seed)
        if kind == "grid" and trials:
            # A grid proposes the combination after that of the trial it began with. So it begins with the
            # last trial, finished or not, and `_tell` gives that trial its values.
            oracle.populate_space(_id(trials[-1].number))
        elif kind == "hyperband" and trials:
            # Searches begun in November 2026 or before stored these names with an underscore.
            stored = {name.lstrip("_"): value for name, value in trials[-1].user_attrs[BRACKETS].items()}
            oracle.set_state(oracle.get_state() | copy.deepcopy(stored))  # the oracle changes them
        elif kind == "bayesian":
            _tell(oracle, [trial for trial in trials if trial.state.is_finished()])
            if not all(trial.state.is_finished() for trial in trials):
                # Fits the Gaussian process, which then predicts the scores of the running trials. Without
                # a fit it would give them a score of 0, unlike any other.
                oracle.populate_space(_id(len(trials)))
        _tell(oracle, trials)
        return oracle

    def _empty(self, kind: str, seed: int) -> Any:
        kinds: dict[str, Any] = {
            "random": keras_tuner.oracles.RandomSearchOracle,
            "grid": keras_tuner.oracles.GridSearchOracle,
            "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
            "hyperband": keras_tuner.oracles.HyperbandOracle,
        }
        limits: dict[str, Any] = {"max_trials": self._job.trials}
        if kind == "hyperband":
            # As many sweeps as the budget allows.
            limits = {"max_epochs": max(1, self._recipe.epochs), "hyperband_iterations": None}
        return kinds[kind](
            objective=keras_tuner.Objective(self._job.objective, "max"),
            hyperparameters=_declared(self._job),
            seed=seed,
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


def _values(trial: FrozenTrial) -> Values:
    """A trial's values on the axes of the space. A waiting trial has only those it was queued with."""
    return trial.params or trial.system_attrs.get("fixed_params", {})


def _may_repeat(oracle: Any, proposed: dict[str, Any]) -> bool:
    """Whether a proposal may have been tried before: a later round of Hyperband repeats its best."""
    return isinstance(oracle, keras_tuner.oracles.HyperbandOracle) and proposed["tuner/round"] > 0


def _tell(oracle: Any, trials: Sequence[FrozenTrial]) -> None:
    """Tell an oracle about trials of the study."""
    states = {TrialState.COMPLETE: "COMPLETED", TrialState.FAIL: "FAILED"}
    for trial in trials:
        space = oracle.get_space()
        space.values = {**_values(trial), **trial.user_attrs.get(EXTRA, {})}
        name, status = _id(trial.number), states.get(trial.state, "RUNNING")
        known = Trial(hyperparameters=space, trial_id=name, status=status)
        known.score = trial.value if status == "COMPLETED" else None
        oracle.trials[name] = known
        if name not in oracle.start_order:
            oracle.start_order.append(name)
        if status == "RUNNING":
            oracle.ongoing_trials[name] = known
