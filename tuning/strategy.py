"""What a strategy is: how a search proposes its next trial.

A strategy keeps no state of its own. All it knows is in the study, so that any worker can ask it, a
killed one leaves nothing torn, and one taken up again goes on as if it had not stopped. Its chance
comes from the seed and the trial's number: a sampler that is only seeded repeats its first
suggestions after a restart.
"""

import enum
from typing import Protocol

import optuna

from tuning.space import Values

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
