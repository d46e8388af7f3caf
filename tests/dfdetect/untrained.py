"""A finished run that was not trained: random weights, and all that a run's folder holds."""

from collections.abc import Callable, Mapping
from pathlib import Path

from dfdetect.data.opening import open_data
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe
from dfdetect.runs.build import build_from_recipe
from dfdetect.runs.environment import describe
from dfdetect.runs.folder import Run
from dfdetect.runs.results import Outcome, write_results
from dfdetect.runs.scoring import score


def write_untrained(
    folder: Path,
    recipe: Recipe,
    threshold: Callable[[Mapping[str, Predictions]], float],
    notices: list[str] | None = None,
) -> Run:
    """Write the run of a recipe with random weights; val and test are scored, and give the threshold."""
    data = open_data(recipe)
    run = Run(folder)
    run.begin(recipe, data.digest)
    model = build_from_recipe(recipe)
    model.save_weights(run.weights)
    samples = {split: [row for row in data.samples if row.split == split] for split in ("val", "test")}
    crops = data.path.parent
    scored = {split: score(model, crops, rows, batch_size=8)[0] for split, rows in samples.items()}
    outcome = Outcome(
        recipe=recipe,
        environment=describe() | data.facts(),
        predictions=scored,
        threshold=threshold(scored),
        unscored=[],
        crops=crops,
        notices=notices or [],
    )
    write_results(run, outcome)
    return run
