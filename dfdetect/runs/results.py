"""Turn scores into a folder of results: predictions, metrics, figures and the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dfdetect.data.sharpness import least_sharpness
from dfdetect.metrics.estimates import SHOWN, compute_metrics, no_skill, useful_levels
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe
from dfdetect.render.figures.drawing import Drawing, Figure, draw_all, list_figures, reading_order
from dfdetect.render.run_content import CHOSEN_ON_VAL, Part, RunContent
from dfdetect.render.run_page import write_page
from dfdetect.render.table import Cell, Table, Value, columns
from dfdetect.runs.calibration import calibrate_levels, read_calibrations, write_calibrations
from dfdetect.runs.evaluation import SCORED_WEIGHTS, Evaluation, MetricsBySplit
from dfdetect.runs.folder import Run
from face_extraction.digest import file_digest
from face_extraction.images import read_rgb
from face_extraction.ledger import LedgerRow, read_ledger, write_ledger

# Facts that are too long for the page, or that it shows elsewhere.
LONG_FACTS = (
    *("counts", "random_layers", "leaks", "weights_file", "members_starts"),
    *("notices", "threshold_origin"),
)


def measure(
    predictions: Mapping[str, Predictions], threshold: float, levels: Sequence[str]
) -> MetricsBySplit:
    """Metrics of each split's predictions, at each level; a split without known labels has none."""
    return {
        split: {level: compute_metrics(scored, threshold=threshold, level=level) for level in levels}
        for split, scored in predictions.items()
        if len(scored.known())
    }


def _calibrate(results: Evaluation, outcome: "Outcome") -> None:
    """Calibrate a run, and write it down; an evaluation has no calibration of its own."""
    if not isinstance(results, Run) or "val" not in outcome.predictions:
        return
    val = [sample.path for sample in outcome.predictions["val"].samples]
    least = least_sharpness(val, lambda path: read_rgb(outcome.crops / path), outcome.recipe.image_size)
    write_calibrations(results.folder, calibrate_levels(outcome.predictions, outcome.recipe.levels, least))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The scores, and the facts to show beside them.

    Attributes:
        recipe: the model's recipe.
        environment: the run's facts.
        predictions: by split.
        threshold: a face with this `p_fake` or more is called fake.
        unscored: crops that could not be read, and clips that could not be made.
        crops: the manifest's folder, for the figure of best and worst cases.
        notices: what a reader has to know about the data before any number.
        leaks: the same about what the weights have seen; kept with the facts.
        threshold_origin: how the threshold was chosen, as words that follow "It was ...".
    """

    recipe: Recipe
    environment: Mapping[str, Any]
    predictions: Mapping[str, Predictions]
    threshold: float
    unscored: Sequence[LedgerRow]
    crops: Path
    notices: Sequence[str] = ()
    leaks: Sequence[str] = ()
    threshold_origin: str = CHOSEN_ON_VAL


def write_results(results: Evaluation, outcome: Outcome) -> MetricsBySplit:
    """Write everything that follows from the predictions; metrics.json comes last and marks the end.

    Args:
        results: where they go.
        outcome: the predictions, and the facts to show beside them.

    Returns:
        The metrics by split and level.
    """
    results.forget_results()
    for split, scored in outcome.predictions.items():
        results.write_predictions(split, scored)
    write_ledger(results.unscored, outcome.unscored)
    said: dict[str, Any] = {"notices": list(outcome.notices), "threshold_origin": outcome.threshold_origin}
    if isinstance(results, Run):
        said[SCORED_WEIGHTS] = file_digest(results.weights)
    results.write_environment({**outcome.environment, "leaks": list(outcome.leaks), **said})
    metrics = measure(outcome.predictions, outcome.threshold, outcome.recipe.levels)
    _calibrate(results, outcome)
    drawing = _drawing(results, outcome, metrics)
    write_page(results.folder, _content(results, outcome, metrics, draw_all(drawing, results.folder)))
    results.write_metrics(outcome.threshold, metrics)
    return metrics


def add_explanation(run: Run, explanation: Part) -> bool:
    """Write the page of a finished run again, with how far its heat maps can be trusted.

    Args:
        run: a run, not an evaluation inside one.
        explanation: what to add.

    Returns:
        False if nothing was written: an older version made the run, and did not record what its page says.
    """
    content = _stored(run, run.recipe())
    if content is None:
        return False
    write_page(run.folder, replace(content, explanation=explanation))
    return True


def add_subgroups(results: Evaluation, recipe: Recipe, subgroups: Part) -> None:
    """Write the page of an evaluation again, with how often the model errs in parts of the faces.

    Args:
        results: an evaluation that this version wrote.
        recipe: its run's.
        subgroups: what to add.
    """
    content = _stored(results, recipe)
    if content is not None:
        write_page(results.folder, replace(content, subgroups=subgroups))


def _stored(results: Evaluation, recipe: Recipe) -> RunContent | None:
    """What the page of finished results shows, from their files; None if an older version wrote them."""
    facts = results.environment()
    if "notices" not in facts:
        return None
    metrics = results.metrics()
    outcome = Outcome(
        recipe=recipe,
        environment=facts,
        predictions={split: results.predictions(split) for split in metrics},
        threshold=results.threshold(),
        unscored=read_ledger(results.unscored),
        crops=Path(facts["manifest"]).parent,
        notices=facts["notices"],
        leaks=results.leaks(),
        threshold_origin=facts["threshold_origin"],
    )
    return _content(results, outcome, metrics, list_figures(_drawing(results, outcome, metrics)))


def _drawing(results: Evaluation, outcome: Outcome, metrics: MetricsBySplit) -> Drawing:
    return Drawing(
        history=results.history(),
        predictions=outcome.predictions,
        metrics=metrics,
        threshold=outcome.threshold,
        load=lambda path: read_rgb(outcome.crops / path),
        monitor=outcome.recipe.monitor,
        training_only=_training_only(outcome.recipe),
    )


def _content(
    results: Evaluation, outcome: Outcome, metrics: MetricsBySplit, figures: Sequence[Figure]
) -> RunContent:
    """What the page of results shows."""
    return RunContent(
        title=_title(results),
        model=outcome.recipe.model,
        recipe=outcome.recipe.stated(),
        environment={name: value for name, value in outcome.environment.items() if name not in LONG_FACTS},
        metrics=metrics,
        threshold=outcome.threshold,
        threshold_origin=outcome.threshold_origin,
        notices=[*outcome.notices, *filter(None, [no_skill(metrics)]), *outcome.leaks],
        history=results.history(),
        figures=figures,
        unscored=[(row.path, row.reason, row.detail) for row in outcome.unscored],
        data_table=outcome.environment["counts"],
        calibrations=read_calibrations(results.folder),
    )


def _title(results: Evaluation) -> str:
    """The run's name, and for an evaluation of other faces that of the evaluation."""
    folder = results.folder
    return folder.name if isinstance(results, Run) else f"{folder.parents[1].name} on {folder.name}"


def _training_only(recipe: Recipe) -> list[str]:
    """What raises the loss in training but not in validation."""
    used = {
        "dropout": True,  # some models have their own
        "augmentation": recipe.augment != "none",
        "the L2 penalty": recipe.l2 > 0,
        "label smoothing": recipe.label_smoothing > 0,
        "class weights": recipe.balance == "weights",
        "balanced sampling": recipe.balance == "sampling",
    }
    return [name for name, is_used in used.items() if is_used]


def metrics_table(metrics: MetricsBySplit) -> Table:
    """The main numbers, test first, with n and 95 % intervals."""
    rows: list[list[Cell]] = [
        [split, level, f"{m.n:,}", f"{m.n_groups:,}", *(Value(m.estimates[name]) for name in SHOWN)]
        for split in reading_order(metrics)
        for level, m in useful_levels(metrics[split]).items()
    ]
    return Table(columns(["split", "level"], ["n", "groups", *SHOWN.values()]), rows)
