"""The early stopping rule, epoch by epoch."""

import pytest

from dfdetect.recipe import Recipe
from dfdetect.train.early_stopping import State


def stopped_after(values, recipe):
    """How many epochs pass until the rule stops the training, and which of them is the best."""
    state = State()
    for value in values:
        if state.patience_spent(recipe):
            break
        state.count({recipe.monitor: value}, recipe)
    return state.epoch, state.best_epoch


@pytest.mark.parametrize(
    ("values", "patience", "epochs", "best"),
    [
        ([0.5, 0.6, 0.6, 0.5, 0.9], 2, 4, 2),  # an equal epoch is no better one
        ([0.5, 0.6, 0.6, 0.7, 0.6], 2, 5, 4),
        ([0.5, 0.4, 0.9], 1, 2, 1),
        ([0.9, 0.1, 0.1, 0.1, 0.1], 0, 5, 1),  # never
    ],
)
def test_it_stops_after_so_many_epochs_without_a_better_one(values, patience, epochs, best):
    assert stopped_after(values, Recipe(early_stopping=patience)) == (epochs, best)


def test_of_a_loss_less_is_better():
    assert stopped_after([0.5, 0.4, 0.6, 0.7, 0.1], Recipe(early_stopping=2, monitor="val_loss")) == (4, 2)


def test_the_heads_own_epochs_neither_stop_nor_count():
    recipe = Recipe(early_stopping=2, head_epochs=3)
    assert stopped_after([0.9, 0.1, 0.1, 0.1, 0.1, 0.1], recipe) == (5, 1)
