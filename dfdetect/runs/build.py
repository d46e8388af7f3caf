"""Build the model of a recipe or of a run."""

import warnings
from dataclasses import replace
from typing import Any

import keras

from dfdetect.hdf5 import check_contents
from dfdetect.models.build import build_model
from dfdetect.models.ensemble import combine_models
from dfdetect.models.registry import family
from dfdetect.recipe import COMBINES, ENSEMBLE, Recipe, read_run_recipe
from dfdetect.runs.devices import dtype_policy
from dfdetect.runs.folder import Run, started_from
from face_extraction.errors import InputError, one_line


def build_from_recipe(recipe: Recipe, *, whole: bool = False) -> keras.Model:
    """Build the model that the recipe describes, with the weights that it names, not compiled.

    Args:
        recipe: the recipe.
        whole: refuse weights that lack the head.

    Raises:
        InputError: the weights cannot be had, or an option is unknown.
    """
    # Check here too, so that an option cannot pass for an argument of build_model.
    family(recipe.model).check_options(recipe.options)
    # A run's folder means its best weights; build_model opens the folder of a preset itself.
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
    """Build a run's model from its recipe, with the best epoch's weights.

    Only weights are loaded, never a pickled or serialised model, so the run folder of a stranger cannot
    run their code.

    Raises:
        InputError: the folder is no run or has no weights, or the weights file is damaged or another run's.
    """
    recipe = run.recipe()
    if not run.weights.is_file():
        raise InputError(f"{run.weights}: no such weights file; {run.remedy()}")
    if recipe.model == ENSEMBLE:
        model = _ensemble(run, recipe)
    else:
        model = build_from_recipe(replace(recipe, weights="none"))
    check_contents(run.weights, model.count_params())
    try:
        with warnings.catch_warnings():
            # Keras only warns about layers that the file lacks, and leaves them random.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(run.weights)
    except (ValueError, KeyError, OSError, UserWarning) as error:
        raise InputError(f"{run.weights}: damaged, or weights of another model: {one_line(error)}") from error
    run.check_weights()
    return model


def _ensemble(run: Run, recipe: Recipe) -> keras.Model:
    """The model of an ensemble's run, without its weights."""
    combine = recipe.options.get("combine")
    if combine not in COMBINES:
        raise InputError(f"{run.recipe_file}: option combine {combine!r}; accepted: {', '.join(COMBINES)}")
    parts = [read_run_recipe(path) for path in run.members()]
    if len(parts) < 2 or any(part.model == ENSEMBLE for part in parts):
        raise InputError(f"{run.folder}: an ensemble needs the recipes of 2 models or more in members/")
    models = [build_from_recipe(replace(part, weights="none")) for part in parts]
    return combine_models(models, on_logits=combine == "stacked")
