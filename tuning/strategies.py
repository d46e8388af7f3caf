"""Make the strategy that a job names: Optuna's or one of Keras Tuner's."""

from dfdetect.recipe import Recipe
from tuning.job import Job
from tuning.oracle import KerasTuner
from tuning.parzen import Optuna
from tuning.strategy import Strategy


def make_strategy(job: Job, recipe: Recipe) -> Strategy:
    """Make the strategy that a job names, for one of its cases."""
    if job.strategy.startswith("tpe"):
        return Optuna(job, recipe.seed)
    return KerasTuner(job, recipe)
