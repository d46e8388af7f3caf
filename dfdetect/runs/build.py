"""Models of recipes and of runs."""

from dataclasses import replace
from typing import Any

import keras

from dfdetect.models.build import build_model
from dfdetect.models.ensemble import combine_models
from dfdetect.models.registry import family
from dfdetect.recipe import ENSEMBLE, Recipe, read_recipe
from dfdetect.runs.devices import dtype_policy
from dfdetect.runs.folder import Run, started_from
from face_extraction.errors import InputError


def build_from_recipe(recipe: Recipe, *, whole: bool = False) -> keras.Model:
    """The model that the recipe describes, with the weights that it names, not compiled.

    Args:
        recipe: the recipe.
        whole: refuse weights that lack the head.

    Raises:
        InputError: the weights cannot be had, or an option is unknown.
    """
    # Here too, so that an option cannot stand for an argument of build_model.
    family(recipe.model).check_options(recipe.options)
    # Another run's folder stands for its best weights; the folder of a preset is the model's affair.
    parent = started_from(recipe)
    options: dict[str, Any] = dict(recipe.options)
    with dtype_policy(recipe.precision):
        return build_model(
            recipe.model,
            image_size=recipe.image_size,
            frames=recipe.frames,
            weights=str(parent.weights) if parent else recipe.weights,
            partial_weights=recipe.partial_weights,
            whole=whole,
            normalisation=recipe.normalisation,
            trainable=recipe.trainable,
            dense_units=recipe.dense_units,
            dropout=recipe.dropout,
            l2=recipe.l2,
            bn_momentum=recipe.bn_momentum,
            seed=recipe.seed,
            **options,
        )


def load_model(run: Run) -> keras.Model:
    """A run's model: built from its recipe, with the best epoch's weights.

    Weights alone are loaded, never a pickled or serialised model: a run folder from a stranger
    runs no code of theirs.

    Raises:
        InputError: the folder is not a run that has weights, or the file of them is damaged.
    """
    recipe = run.recipe()
    if not run.weights.is_file():
        raise InputError(f"{run.weights}: no such weights; {run.remedy()}")
    if recipe.model == ENSEMBLE:
        parts = [read_recipe(path) for path in run.members()]
        models = [build_from_recipe(replace(part, weights="none")) for part in parts]
        model = combine_models(models, on_logits=recipe.options["combine"] == "stacked")
    else:
        model = build_from_recipe(replace(recipe, weights="none"))
    try:
        model.load_weights(run.weights)
    except (ValueError, KeyError, OSError) as error:
        line = " ".join(str(error).split())[:300]
        raise InputError(f"{run.weights}: torn, or not of the recipe's model: {line}") from error
    return model
