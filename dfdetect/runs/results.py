"""From scores to a folder of results: predictions, metrics, figures and the page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dfdetect.data.clips import check_videos
from dfdetect.data.opening import Data, open_data, open_manifest
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe
from dfdetect.render.figures.drawing import draw_all, reading_order
from dfdetect.render.page import write_page
from dfdetect.render.report import CHOSEN_ON_VAL, RunReport
from dfdetect.runs.build import load_model
from dfdetect.runs.environment import describe
from dfdetect.runs.folder import MetricsBySplit, Run, located
from dfdetect.runs.lineage import scoring_leaks
from dfdetect.runs.scoring import score
from face_extraction.errors import InputError
from face_extraction.images import read_rgb
from face_extraction.ledger import LedgerRow, write_ledger
from face_extraction.lock import alone
from face_extraction.settings import ExtractionSettings, read_settings

# Facts that the page has no room for, or shows apart or by another name.
LONG_FACTS = ("counts", "random_layers", "leaks", "weights_file", "members_starts")


def measure(
    predictions: Mapping[str, Predictions], threshold: float, levels: Sequence[str]
) -> MetricsBySplit:
    """Metrics of each split's predictions, at each level; an empty split has none."""
    return {
        split: {level: compute_metrics(scored, threshold=threshold, level=level) for level in levels}
        for split, scored in predictions.items()
        if len(scored.known())
    }


def write_results(
    results: Run,
    recipe: Recipe,
    environment: Mapping[str, Any],
    predictions: Mapping[str, Predictions],
    threshold: float,
    unscored: Sequence[LedgerRow],
    crops: Path,
    *,
    notices: Sequence[str] = (),
    leaks: Sequence[str] = (),
    threshold_origin: str = CHOSEN_ON_VAL,
) -> MetricsBySplit:
    """Write all that follows from predictions; metrics.json last, which says that all is there.

    Args:
        results: the folder: a run, or an evaluation inside one.
        recipe: what the model was made from.
        environment: the run's facts.
        predictions: by split.
        threshold: from this `p_fake` on, a face is called fake.
        unscored: the crops that could not be read, and clips that could not be made.
        crops: the manifest's folder, for the figure of best and worst cases.
        notices: what a reader must know of the data before any number.
        leaks: and of what the model's weights have seen; kept with the facts.
        threshold_origin: how the threshold came about, to follow "It was ...".

    Returns:
        The metrics by split and level.
    """
    results.forget_results()
    for split, scored in predictions.items():
        results.write_predictions(split, scored)
    write_ledger(results.unscored, unscored)
    results.write_environment({**environment, "leaks": list(leaks)})
    metrics = measure(predictions, threshold, recipe.levels)
    history = results.history()

    def load(path: str) -> Any:
        return read_rgb(crops / path)

    figures = draw_all(
        history,
        predictions,
        metrics,
        threshold,
        load,
        results.folder,
        monitor=recipe.monitor,
        training_only=_training_only(recipe),
    )
    report = RunReport(
        title=results.folder.name,
        model=recipe.model,
        recipe=asdict(recipe),
        environment={name: value for name, value in environment.items() if name not in LONG_FACTS},
        metrics=metrics,
        threshold=threshold,
        threshold_origin=threshold_origin,
        notices=[*notices, *leaks],
        history=history,
        figures=figures,
        unscored=[(row.path, row.reason, row.detail) for row in unscored],
        data_table=environment["counts"],
    )
    write_page(results.folder, report)
    results.write_metrics(threshold, metrics)
    return metrics


def evaluate(
    run: Run, manifest: Path | None, split: str, name: str | None, batch_size: int | None
) -> tuple[Run, int]:
    """Score a manifest with a finished run, and write the results into a folder inside the run's.

    Args:
        run: the run.
        manifest: what to score; None for the run's own manifest.
        split: which rows, or "all".
        name: the folder's name; None makes one from the manifest's folder, its content and the rows chosen.
        batch_size: faces a batch; None for the recipe's.

    Returns:
        The folder, and the number of faces or clips that could not be scored.

    Raises:
        InputError: the run is not finished, the manifest is wrong or has no such rows, the name is
            no plain one, or another process writes into the folder.
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
    notices = [*data.notices, *_other_crops(run.folder, data.path.parent)]
    for notice in (*notices, *leaks):
        print(notice)
    model = load_model(run)
    # Before hours of scoring: a folder that cannot be written, or that another process writes.
    with alone(results.folder):
        scored, unscored = score(
            model,
            data.path.parent,
            samples,
            batch_size=batch_size or recipe.batch_size,
            title=f"score {split}",
        )
        facts = trained | describe() | {"trained_on": recipe.manifest or trained["manifest"]} | data.facts()
        write_results(
            results,
            recipe,
            facts,
            {split: scored},
            threshold,
            unscored,
            data.path.parent,
            notices=notices,
            leaks=leaks,
            threshold_origin=f"{CHOSEN_ON_VAL}, in the run's own training",
        )
    return results, len(unscored)


def _training_only(recipe: Recipe) -> list[str]:
    """What the loss in training has and that in validation lacks."""
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
    """What must be said of crops that were not cut as those of training, where both settings are known."""
    before, now = read_settings(trained), read_settings(scored)
    if before is None or now is None or before == now:
        return []
    old, new = _fields(before), _fields(now)
    differ = [f"{name} {new[name]} (in training {old[name]})" for name in new if new[name] != old[name]]
    return [f"These faces were extracted with other settings than those of training: {', '.join(differ)}."]


def _fields(settings: ExtractionSettings) -> dict[str, Any]:
    """Every setting by its name, those of the crop among the others."""
    named = asdict(settings)
    del named["crop"]
    return named | asdict(settings.crop)


def _default_name(data: Data, split: str, recipe: Recipe | None) -> str:
    """A name of the manifest's folder and content, of the recipe's choice from it, and of the split."""
    chosen = []
    if recipe is not None and (recipe.split != "manifest" or recipe.per_class):
        # Not the rows that the manifest itself names so: an evaluation of those is another one.
        chosen = [f"{recipe.split}{recipe.drawing_seed}"]
    return "-".join([data.path.absolute().parent.name, data.digest[:8], *chosen, split])


def text_table(metrics: MetricsBySplit) -> str:
    """The main numbers as lines of text, test first, with n and 95 % intervals."""
    names = {"auc": "AUC", "accuracy": "accuracy", "balanced_accuracy": "balanced acc.", "eer": "EER"}
    lines = [f"{'split':<9}{'level':<7}{'n':>7}{'groups':>8}  " + "".join(f"{n:<23}" for n in names.values())]
    for split in reading_order(metrics):
        for level, values in metrics[split].items():
            numbers = "".join(f"{values.estimates[name]!s:<23}" for name in names)
            lines.append(f"{split:<9}{level:<7}{values.n:>7,}{values.n_groups:>8,}  {numbers}")
    return "\n".join(line.rstrip() for line in lines)
