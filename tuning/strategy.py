"""A strategy: how a search proposes its next trial.

A strategy keeps no state of its own: everything is in the study. So any worker can use it, a killed worker
leaves nothing half done, and a resumed one continues as if it had not stopped. Its randomness comes from the
seed and the trial's number, because a sampler that is only seeded repeats its first suggestions after a
restart.
"""

import enum
from typing import Any, Protocol

import optuna

from tuning.space import Values

# Hyperband sets it for each trial, in place of the recipe's own.
EPOCHS = "epochs"
# How often values are drawn, in search of some that no trial has had. Then the search ends.
TRIES = 100


class Turn(enum.Enum):
    """What a worker can do now."""

    RUN = "run the next trial"
    WAIT = "wait: the next trial depends on one that is not finished"
    STOP = "stop: nothing is left to try"


def enqueue(study: optuna.Study, values: Values, facts: dict[str, Any] | None = None) -> None:
    """Make `study.ask()` return a trial of these values, with these facts about it."""
    study.enqueue_trial(values, facts)
    study.sampler = optuna.samplers.RandomSampler(seed=0)  # never used: all values are given


class Strategy(Protocol):
    """How a search proposes trials."""

    def prepare(self, study: optuna.Study) -> Turn:
        """Make `study.ask()` return the next trial. Only one worker at a time calls this."""

    def values(self, trial: optuna.Trial) -> Values:
        """The values of a trial: those of the space, and perhaps `EPOCHS`."""
