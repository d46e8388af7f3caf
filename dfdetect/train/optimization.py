"""The recipe's optimizer, and its optional running average of the weights."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from dfdetect.recipe import Recipe
from dfdetect.train.schedule import Schedule


def make_optimizer(recipe: Recipe, rate: Schedule) -> keras.optimizers.Optimizer:
    """The recipe's optimizer. Weight decay does not touch biases and normalisation.

    For every optimizer, weight decay is decoupled from the gradient (Loshchilov and Hutter 2019).
    SGD has a momentum of .9, as is usual.
    """
    kinds: dict[str, Callable[..., Any]] = {
        "adamw": keras.optimizers.AdamW,
        "adam": keras.optimizers.Adam,
        "nadam": keras.optimizers.Nadam,
        "sgd": keras.optimizers.SGD,
    }
    extra: dict[str, Any] = {"momentum": 0.9} if recipe.optimizer == "sgd" else {}
    if recipe.clip_norm:
        extra["global_clipnorm"] = recipe.clip_norm
    if recipe.ema:
        extra |= {"use_ema": True, "ema_momentum": recipe.ema}
    # None lets Keras skip the work, but its AdamW does not accept None.
    decay = recipe.weight_decay if recipe.optimizer == "adamw" else recipe.weight_decay or None
    optimizer = kinds[recipe.optimizer](rate, weight_decay=decay, **extra)
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    if recipe.ema:
        # At the end of each `fit`, Keras replaces the weights by their averages. Each of our epochs is
        # one `fit`, so the next epoch would start from the average. `averaged` does it for a while instead.
        optimizer.finalize_variable_values = lambda variables: None
    strategy = getattr(optimizer, "_distribution_strategy", None)
    if strategy is not None and strategy.num_replicas_in_sync == 1:
        # TensorFlow keeps the graph of the training step, and with it the model's weights, until the process
        # ends, for the gradient of a sum over devices (here one). A search would fill the memory.
        optimizer._all_reduce_sum_gradients = list
    return optimizer


@contextmanager
def averaged(model: keras.Model, recipe: Recipe) -> Iterator[None]:
    """Inside, the trained weights are their running averages, if the recipe asks for averages.

    After step t the average is a(t) = m a(t-1) + (1 - m) w(t), with a(1) = w(1). The running means of
    batch normalisation are averages already and stay as they are.

    Args:
        model: a model compiled with `make_optimizer`'s optimizer.
        recipe: the recipe.
    """
    # Under float16 Keras wraps the optimizer to scale the loss.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    # The wrapper skips steps whose gradients overflow; if it skipped all so far, there is no average yet.
    if not recipe.ema or not int(optimizer.iterations):
        yield
        return
    # Copies, not views: TensorFlow overwrites its values in place.
    latest = [np.array(variable) for variable in model.trainable_variables]
    type(optimizer).finalize_variable_values(optimizer, model.trainable_variables)
    for variable in model.trainable_variables:
        # On JAX it now shares memory with the optimizer's average, and prediction gives that memory away.
        variable.assign(np.array(variable))
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, latest, strict=True):
            variable.assign(value)
