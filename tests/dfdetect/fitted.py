"""A fit of a toy model, which tests of fitting and of checkpoints run."""

from dfdetect.recipe import Recipe
from dfdetect.runs.folder import Run
from dfdetect.train.fitting import fit

# Batches of one size: TensorFlow makes a graph, and JAX compiles, for each size anew.
RECIPE = Recipe(epochs=4, batch_size=10, learning_rate=0.02, augment="report-c", weight_decay=0.01)


def by_split(stores):
    """The stores of train and val, as `fit` takes them."""
    return dict(zip(("train", "val"), stores, strict=True))


def train(model, stores, folder, recipe=RECIPE, **watch):
    """Fit a model on the stores of train and val; the run."""
    run = Run(folder)
    run.begin(recipe, "digest")
    fit(model, recipe, by_split(stores), run, **watch)
    return run
