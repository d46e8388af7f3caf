"""Models that only Keras runs. It is imported when one is asked for: what ships, and exports, do without."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from dfdetect.cli import load_keras
from dfdetect.recipe import Recipe
from dfdetect.runs.folder import Run
from face_extraction.errors import InputError
from face_extraction.missing import extra

if TYPE_CHECKING:
    import keras


def has_keras() -> bool:
    """Whether Keras is installed."""
    return find_spec("keras") is not None


def model_of_run(run: Run) -> "keras.Model":
    """A run's model.

    Raises:
        InputError: Keras is not installed, or see `runs.build.load_model`.
    """
    _require_keras(run.folder)
    from dfdetect.runs.build import load_model

    return load_model(run)


def model_of_weights(recipe: Recipe, weights: Path) -> "keras.Model":
    """The model of a recipe with the weights of a file.

    Raises:
        InputError: Keras is not installed, the model is unknown, or the file does not hold its weights, head
            and all.
    """
    _require_keras(weights)
    from dfdetect.runs.build import build_from_recipe

    return build_from_recipe(recipe.with_changes(weights=str(weights), partial_weights=False), whole=True)


def _require_keras(what: Path) -> None:
    """Load Keras for what only it can run.

    Raises:
        InputError: it is not installed.
    """
    if not has_keras():
        raise InputError(
            f"{what}: needs Keras and TensorFlow: {extra('train')}; without them, '.[onnx]' runs what ships, "
            "and what dfdetect.export writes"
        )
    load_keras()
