"""Cross-validation: one run a fold, and the table of all folds (Report B's table)."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from dfdetect.data.clips import make_clips
from dfdetect.data.opening import Data, open_training_data
from dfdetect.flags import Conditions
from dfdetect.metrics import MEASURES, Estimate, Metrics
from dfdetect.recipe import Recipe
from dfdetect.runs import Run, write_json
from dfdetect.training import train
from face_extraction.atomic import write_text

MARKDOWN = "crossval.md"
# Report B's columns, and AUC, which needs no threshold.
NAMES = ("accuracy", "precision_weighted", "recall_weighted", "f1_weighted", "auc")


@dataclass(frozen=True)
class Fold:
    """What one fold gave.

    Attributes:
        number: from 1.
        metrics: of the fold's own faces or clips.
        n_train: faces or clips that were trained on.
    """

    number: int
    metrics: Metrics
    n_train: int


@dataclass(frozen=True)
class CrossValidation:
    """What all folds gave.

    Attributes:
        folds: in order.
        averages: name to mean over the folds, with the corrected 95 % interval.
        confusion: mean over the folds; rows are true real and fake, columns called real and fake.
    """

    folds: Sequence[Fold]
    averages: dict[str, Estimate]
    confusion: tuple[tuple[float, float], tuple[float, float]]


def summarise(folds: Sequence[Fold]) -> CrossValidation:
    """Average the folds.

    The interval is Student's with the corrected variance of Nadeau and Bengio 2003 (section 3),
    s^2 (1/k + n_test/n_train): folds share training faces, so their plain variance is too small.
    """
    k = len(folds)
    ratio = float(np.mean([fold.metrics.n / fold.n_train for fold in folds]))
    averages = {}
    for name in NAMES:
        values = np.array([fold.metrics.estimates[name].value for fold in folds])
        mean, spread = float(values.mean()), float(values.std(ddof=1))
        half = float(stats.t.ppf(0.975, k - 1)) * spread * math.sqrt(1 / k + ratio)
        averages[name] = Estimate(mean, mean - half, mean + half)
    (tn, fp), (fn, tp) = np.mean([fold.metrics.confusion for fold in folds], axis=0).tolist()
    return CrossValidation(folds, averages, ((tn, fp), (fn, tp)))


def cross_validate(recipe: Recipe, folder: Path, conditions: Conditions) -> CrossValidation:
    """Train and test every fold, each as a run in `folder`; finished folds are kept.

    Args:
        recipe: resolved, with `folds`; its `fold` is not used.
        folder: where fold-1, fold-2 and so on, crossval.json and crossval.md go.
        conditions: how to go about it.

    Raises:
        InputError: as training does.
    """
    folds = []
    for number in range(1, recipe.folds + 1):
        part = recipe.with_changes(fold=number)
        data = open_training_data(part)
        run = Run(folder / f"fold-{number}")
        print(f"\nfold {number} of {recipe.folds}: {run.folder}\n{data.table()}", flush=True)
        if run.finished:
            run.begin(part, data.digest)  # refuses another recipe's folder
        else:
            train(part, data, run, conditions)
        folds.append(Fold(number, run.metrics()["test"][part.levels[0]], _train_size(part, data)))
    result = summarise(folds)
    write_json(
        folder / "crossval.json",
        {
            "folds": [
                {"fold": fold.number, "n_train": fold.n_train, "metrics": fold.metrics.to_dict()}
                for fold in folds
            ],
            "averages": {name: asdict(value) for name, value in result.averages.items()},
            "confusion": result.confusion,
        },
    )
    write_text(folder / MARKDOWN, markdown(result, recipe, data.notices))
    return result


def _train_size(recipe: Recipe, data: Data) -> int:
    samples = [sample for sample in data.samples if sample.split == "train"]
    return len(make_clips(samples, recipe.frames)[0]) if recipe.frames else len(samples)


def markdown(result: CrossValidation, recipe: Recipe, notices: Sequence[str]) -> str:
    """Report B's table: per fold and on average, with the confusion matrices."""
    titles = [MEASURES[name].title for name in NAMES]
    lines = [f"# {recipe.model}: {recipe.folds}-fold cross-validation, split by {recipe.split}", ""]
    for notice in notices:
        lines += [f"> **Note.** {notice}", ""]
    lines += [
        f"| fold | n | {' | '.join(titles)} | confusion matrix |",
        f"|---|---:|{'---:|' * len(titles)}---|",
    ]
    for fold in result.folds:
        values = " | ".join(f"{fold.metrics.estimates[name].value:.4f}" for name in NAMES)
        lines.append(f"| {fold.number} | {fold.metrics.n:,} | {values} | {_matrix(fold.metrics.confusion)} |")
    means = " | ".join(str(result.averages[name]) for name in NAMES)
    lines.append(f"| average | | {means} | {_matrix(result.confusion)} |")
    lines += [
        "",
        "Each fold is tested once, by a model whose epoch and threshold were chosen on others. Brackets "
        "hold the 95 % interval of the mean, with the corrected variance of Nadeau and Bengio (2003). "
        "Matrices are [[real called real, real called fake], [fake called real, fake called fake]].",
        "",
    ]
    return "\n".join(lines)


def _matrix(confusion: Sequence[Sequence[float]]) -> str:
    rows = (", ".join(f"{count:.6g}" for count in row) for row in confusion)
    return "[" + ", ".join(f"[{row}]" for row in rows) + "]"
