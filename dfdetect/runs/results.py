"""Turn scores into a folder of results: predictions, metrics, figures and the page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from dfdetect.data.clips import check_videos
from dfdetect.data.opening import Data, open_data, open_manifest
from dfdetect.data.sharpness import least_sharpness
from dfdetect.metrics.estimates import SHOWN, compute_metrics, no_skill
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe
from dfdetect.render.figures.drawing import Drawing, Figure, draw_all, list_figures, reading_order
from dfdetect.render.run_content import CHOSEN_ON_VAL, Explanation, RunContent
from dfdetect.render.run_page import write_page
from dfdetect.render.table import Cell, Table, Value, columns
from dfdetect.runs.build import load_model
from dfdetect.runs.calibration import calibrate_levels, read_calibrations, write_calibrations
from dfdetect.runs.environment import describe
from dfdetect.runs.evaluation import Evaluation, MetricsBySplit
from dfdetect.runs.folder import Run, located
from dfdetect.runs.lineage import scoring_leaks
from dfdetect.runs.scoring import score
from face_extraction.errors import InputError
from face_extraction.images import read_rgb
from face_extraction.ledger import LedgerRow, read_ledger, write_ledger
from face_extraction.lock import alone
from face_extraction.manifest import LABEL_NAMES, UNKNOWN, FaceSample
from face_extraction.settings import ExtractionSettings, read_settings

CHANGED = "The rows of this manifest, or how its faces were cut, have changed since the run was trained."
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
    said = {"notices": list(outcome.notices), "threshold_origin": outcome.threshold_origin}
    results.write_environment({**outcome.environment, "leaks": list(outcome.leaks), **said})
    metrics = measure(outcome.predictions, outcome.threshold, outcome.recipe.levels)
    _calibrate(results, outcome)
    drawing = _drawing(results, outcome, metrics)
    write_page(results.folder, _content(results, outcome, metrics, draw_all(drawing, results.folder)))
    results.write_metrics(outcome.threshold, metrics)
    return metrics


def add_explanation(run: Run, explanation: Explanation) -> bool:
    """Write the page of a finished run again, with how far its heat maps can be trusted.

    Args:
        run: a run, not an evaluation inside one.
        explanation: what to add.

    Returns:
        False if nothing was written: an older version made the run, and did not record what its page says.
    """
    facts = run.environment()
    if "notices" not in facts:
        return False
    metrics = run.metrics()
    outcome = Outcome(
        recipe=run.recipe(),
        environment=facts,
        predictions={split: run.predictions(split) for split in metrics},
        threshold=run.threshold(),
        unscored=read_ledger(run.unscored),
        crops=Path(facts["manifest"]).parent,
        notices=facts["notices"],
        leaks=run.leaks(),
        threshold_origin=facts["threshold_origin"],
    )
    figures = list_figures(_drawing(run, outcome, metrics))
    write_page(run.folder, replace(_content(run, outcome, metrics, figures), explanation=explanation))
    return True


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
        title=results.folder.name,
        model=outcome.recipe.model,
        recipe=asdict(outcome.recipe),
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


def evaluate(
    run: Run, manifest: Path | None, split: str, name: str | None, batch_size: int | None
) -> tuple[Evaluation, int]:
    """Score a manifest with a finished run, and write the results into a folder inside the run's folder.

    Args:
        run: the run.
        manifest: the manifest to score; None for the run's own.
        split: the rows to score, or "all".
        name: the folder's name; None makes one from the manifest's folder, its content and the chosen rows.
        batch_size: faces a batch; None for the recipe's.

    Returns:
        The evaluation, and the number of faces or clips that could not be scored.

    Raises:
        InputError: the run is not finished, the manifest is wrong or has no such rows, the name has a
            folder in it, or another process writes into the folder.
    """
    recipe, threshold, trained = run.recipe(), run.threshold(), run.environment()
    data = open_manifest(manifest) if manifest else open_data(located(recipe, trained))
    if name is None:
        name = _default_name(data, split, None if manifest else recipe)
    results = run.evaluation(name)
    samples = [sample for sample in data.samples if split in (sample.split, "all")]
    if not samples:
        raise InputError(f"{data.path}: it has no rows of split {split!r}")
    if recipe.frames:
        check_videos(samples, recipe.frames, data.path)
    leaks = scoring_leaks(run, samples)
    changed = manifest is None and data.digest != trained["manifest_sha256"]
    notices = [
        *data.notices,
        *([CHANGED] if changed else []),
        *_other_crops(run.folder, data.path.parent),
        *_one_class(samples),
    ]
    for notice in (*notices, *leaks):
        print(notice)
    model = load_model(run)
    # Fail before hours of scoring if the folder cannot be written, or another process writes into it.
    with alone(results.folder):
        scored, unscored = score(
            model,
            data.path.parent,
            samples,
            batch_size=batch_size or recipe.batch_size,
            title=f"score {split}",
        )
        facts = trained | describe() | {"trained_on": recipe.manifest or trained["manifest"]} | data.facts()
        outcome = Outcome(
            recipe=recipe,
            environment=facts,
            predictions={split: scored},
            threshold=threshold,
            unscored=unscored,
            crops=data.path.parent,
            notices=notices,
            leaks=leaks,
            threshold_origin=f"{CHOSEN_ON_VAL}, in the run's own training",
        )
        write_results(results, outcome)
    return results, len(unscored)


def _one_class(samples: Sequence[FaceSample]) -> list[str]:
    """The notice about what cannot be measured because a class is missing."""
    labels = {sample.label for sample in samples} - {UNKNOWN}
    if not labels:
        return ["No face here has a known label: the faces are scored, but nothing is measured."]
    if len(labels) == 1:
        name = LABEL_NAMES[labels.pop()]
        return [f"All labelled faces here are {name}: AUC, EER and balanced accuracy need both classes."]
    return []


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


def _other_crops(trained: Path, scored: Path) -> list[str]:
    """The caution about crops that were cut with other settings than in training, if both are known."""
    before, now = read_settings(trained), read_settings(scored)
    if before is None or now is None or before == now:
        return []
    old, new = _fields(before), _fields(now)
    differ = [f"{name} {new[name]} (in training {old[name]})" for name in new if new[name] != old[name]]
    return [f"These faces were extracted with other settings than in training: {', '.join(differ)}."]


def _fields(settings: ExtractionSettings) -> dict[str, Any]:
    """Every setting by its name, with those of the crop beside the others."""
    named = asdict(settings)
    del named["crop"]
    return named | asdict(settings.crop)


def _default_name(data: Data, split: str, recipe: Recipe | None) -> str:
    """A name from the manifest's folder and content, the recipe's choice of rows, and the split."""
    chosen = []
    if recipe is not None and (recipe.split != "manifest" or recipe.per_class):
        # The manifest's own rows of this split are another choice, and get another name.
        chosen = [f"{recipe.split}{recipe.drawing_seed}"]
    return "-".join([data.path.absolute().parent.name, data.digest[:8], *chosen, split])


def metrics_table(metrics: MetricsBySplit) -> Table:
    """The main numbers, test first, with n and 95 % intervals."""
    rows: list[list[Cell]] = [
        [split, level, f"{m.n:,}", f"{m.n_groups:,}", *(Value(m.estimates[name]) for name in SHOWN)]
        for split in reading_order(metrics)
        for level, m in metrics[split].items()
    ]
    return Table(columns(["split", "level"], ["n", "groups", *SHOWN.values()]), rows)
