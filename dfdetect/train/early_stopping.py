"""The early stopping rule: which epoch of a training is the best, and when a training stops."""

import math
from dataclasses import dataclass, field

from dfdetect.recipe import Recipe, lower_is_better

Row = dict[str, float]


@dataclass
class State:
    """How far a training has come, between epochs; kept in the checkpoint.

    Attributes:
        epoch: epochs finished.
        best_epoch: the best epoch by the recipe's monitor, from 1; 0 before the first.
        best: the monitored value of that epoch, signed so that more is better.
        history: one row an epoch.
    """

    epoch: int = 0
    best_epoch: int = 0
    best: float = -math.inf
    history: list[Row] = field(default_factory=list)

    def count(self, row: Row, recipe: Recipe) -> bool:
        """Count an epoch, and say whether it is the best so far. Of equal epochs the first is the best."""
        value = row[recipe.monitor] * (-1 if lower_is_better(recipe.monitor) else 1)
        self.epoch += 1
        self.history.append(row)
        if value <= self.best:
            return False
        self.best, self.best_epoch = value, self.epoch
        return True

    def patience_spent(self, recipe: Recipe) -> bool:
        """Whether `early_stopping` epochs passed without a better one. The head's own epochs do not count."""
        since = max(self.best_epoch, recipe.head_epochs)
        return 0 < recipe.early_stopping <= self.epoch - since
