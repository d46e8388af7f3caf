"""The recipe's optimizer, and the running average of the weights that it can keep."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from dfdetect.recipe import Recipe
from dfdetect.train.schedule import Schedule


def make_optimizer(recipe: Recipe, rate: Schedule) -> keras.optimizers.Optimizer:
    """The recipe's optimizer. Weight decay leaves biases and normalisation alone.

    Weight decay is decoupled from the gradient for every optimizer (Loshchilov and Hutter 2019).
    SGD has a momentum of .9, the field's usual.
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
    # Keras skips the work for None, which its AdamW does not take.
    decay = recipe.weight_decay if recipe.optimizer == "adamw" else recipe.weight_decay or None
    optimizer = kinds[recipe.optimizer](rate, weight_decay=decay, **extra)
    if recipe.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    if recipe.ema:
        # Keras puts the averages in place at the end of each `fit`, and each of our epochs is one:
        # the next epoch would go on from the average. `averaged` puts them in place for a while.
        optimizer.finalize_variable_values = lambda variables: None
    strategy = getattr(optimizer, "_distribution_strategy", None)
    if strategy is not None and strategy.num_replicas_in_sync == 1:
        # For the gradient of a sum over devices, here of one, TensorFlow keeps the graph of the training
        # step to the end of the process, and with it the model's weights: a search would fill the memory.
        optimizer._all_reduce_sum_gradients = list
    return optimizer


@contextmanager
def averaged(model: keras.Model, recipe: Recipe) -> Iterator[None]:
    """Inside, the trained weights are their running averages, where the recipe keeps some.

    After step t the average is a(t) = m a(t-1) + (1 - m) w(t), with a(1) = w(1). Running means of
    batch normalisation are averages by themselves and stay as they are.

    Args:
        model: a model compiled with `make_optimizer`'s optimizer.
        recipe: the recipe.
    """
    # Under float16 Keras wraps the optimizer to scale the loss.
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    # It leaves out steps whose gradients overflow; where that were all so far, no average has begun.
    if not recipe.ema or not int(optimizer.iterations):
        yield
        return
    # Copies, and not views: TensorFlow's values are overwritten in place.
    latest = [np.array(variable) for variable in model.trainable_variables]
    type(optimizer).finalize_variable_values(optimizer, model.trainable_variables)
    for variable in model.trainable_variables:
        # On JAX it shares its memory with the optimizer's average now, and prediction gives it away.
        variable.assign(np.array(variable))
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, latest, strict=True):
            variable.assign(value)
