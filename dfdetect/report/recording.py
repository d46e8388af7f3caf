"""Turn finished runs into a line of results."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dfdetect.data.opening import Data, open_training_data
from dfdetect.metrics.comparison import Scored
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.metrics.measures import Array, curve
from dfdetect.models.head import leave_head
from dfdetect.models.names import PUBLISHED
from dfdetect.predictions import Predictions
from dfdetect.report.declared import Cell, Experiment
from dfdetect.report.results import DONE, FAILED, Result, add_result, declared, without_paths
from dfdetect.report.scores import keep_scores, scored, still_measures
from dfdetect.runs.folder import Run
from dfdetect.runs.lineage import random_backbone
from dfdetect.sample.sample_set import NOTICE
from dfdetect.train.training import resolve
from face_extraction.errors import InputError
from face_extraction.manifest import LABEL_NAMES

FACTS = ("dfdetect", "git_commit", "python", "cores", "backend", "devices", "packages")
ROC_POINTS = np.linspace(0, 1, 101)


def adopt(experiment: Experiment, run: Run) -> Result:
    """Record a finished run as the result of the cell that declares its recipe.

    The cells of every size (profile) are searched, and the first that matches takes it. Ensembles and
    cross-validations match no cell.

    Raises:
        InputError: the run is not finished, or no cell declares its recipe.
    """
    run.require_finished()
    recipe = run.recipe()
    data = open_training_data(run.located())
    run.check_manifest(data.path, data.digest)
    for profile in experiment.profiles:
        for cell in experiment.cells(profile):
            if cell.members or cell.recipe.folds or cell.recipe.model != recipe.model:
                continue
            wanted = resolve(cell.recipe)
            here = replace(
                recipe, manifest="", weights=wanted.weights, partial_weights=wanted.partial_weights
            )
            if here == wanted and same_start(wanted.weights, run):
                result = record(cell, profile, [run], data)
                keep_scores(experiment.folder, result, scored([run]))
                add_result(experiment.folder, result)
                return result
    raise InputError(
        f"{run.folder}: no cell of {experiment.folder} declares its recipe; accepted: single trainings, "
        "not ensembles, nor folds of a cell"
    )


def same_start(wanted: str, run: Run) -> bool:
    """Whether a run began with the weights `wanted`, the cell's resolved ones.

    A local copy of the weights counts as "imagenet". Random weights do not, nor do trained ones, which leave
    no head at random.
    """
    weights = run.recipe().weights
    if "none" in (weights, wanted):
        return weights == wanted
    return leave_head(run.environment().get("random_layers", ()))


def record_failure(cell: Cell, profile: str, digest: str, sample_set: bool, error: Exception) -> Result:
    """The result of a failed cell, with its reason.

    Args:
        cell: the cell.
        profile: the size at which it ran.
        digest: SHA-256 of the manifest.
        sample_set: whether the data are the embedded sample set.
        error: the exception.
    """
    kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
    return Result(
        at=cell.at,
        profile=profile,
        status=FAILED,
        recipe=declared(cell),
        reason=without_paths(kind + str(error).strip().partition("\n")[0])[:300],
        members=[declared(member) for member in cell.members],
        data={"manifest_sha256": digest, "sample_set": sample_set},
    )


def record(cell: Cell, profile: str, runs: Sequence[Run], data: Data) -> Result:
    """The result of a finished cell.

    Args:
        cell: the cell.
        profile: the size at which it ran.
        runs: its finished run, or its folds' runs in order.
        data: the data of the last run.
    """
    environment = runs[0].environment()
    # From the last fold; the others differ by a few.
    sizes = {f"n_{split}": data.count(split, cell.recipe.frames) for split in ("train", "test")}
    result = Result(
        at=cell.at,
        profile=profile,
        status=DONE,
        recipe=declared(cell),
        members=[declared(member) for member in cell.members],
        data=_facts(data),
        weights={
            "origin": without_paths(runs[0].origin()),
            "sha256": environment.get("weights_sha256", ""),
            "local": runs[0].recipe().weights not in ("", "none", *PUBLISHED),
            "partial": bool(random_backbone(runs[0])),
            "leaks": [without_paths(line) for run in runs for line in run.leaks()],
            "random_members": [
                member.recipe.model for member in cell.members if resolve(member.recipe).weights == "none"
            ],
        },
        # Not where a link leads: comparisons look for the name in the folder of runs.
        runs=[os.path.basename(os.path.abspath(run.folder)) for run in runs],
        parts=[
            {
                **sizes,
                "metrics": {level: metrics.to_dict() for level, metrics in run.metrics()["test"].items()},
            }
            for run in runs
        ],
        environment={name: environment[name] for name in FACTS if name in environment},
        seconds=sum(run.environment().get("training_seconds", 0.0) for run in runs),
    )
    scores = scored(runs)
    # An earlier version may have measured the run with an earlier definition of a metric.
    return (
        replace(result, roc=_curve(scores))
        if still_measures(result, scores)
        else measure_anew(result, scores)
    )


def measure_anew(result: Result, scores: Sequence[Scored]) -> Result:
    """The result with the metrics that its runs' predictions give now."""
    parts = [
        {**part, "metrics": _measured(fold, list(part["metrics"]))}
        for part, fold in zip(result.parts, scores, strict=True)
    ]
    return replace(result, parts=parts, roc=_curve(scores))


def _measured(fold: Scored, levels: Sequence[str]) -> dict[str, Any]:
    return {
        level: compute_metrics(fold.predictions, threshold=fold.threshold, level=level).to_dict()
        for level in levels
    }


def _curve(scores: Sequence[Scored]) -> list[float]:
    """The mean of the folds' curves."""
    return [
        round(float(height), 4) for height in np.mean([_roc(fold.predictions) for fold in scores], axis=0)
    ]


def _facts(data: Data) -> dict[str, Any]:
    faces = Counter(f"{sample.split} {LABEL_NAMES[sample.label]}" for sample in data.samples)
    return {
        "manifest_sha256": data.digest,
        "sources": sorted({sample.source for sample in data.samples}),
        "faces": dict(sorted(faces.items())),
        "sample_set": NOTICE in data.notices,
    }


def _roc(predictions: Predictions) -> Array:
    """The share of fakes found at each of `ROC_POINTS`, on a curve of straight lines."""
    known = predictions.known()
    real, fake = curve(known.labels, known.p_fake)
    if not (real[-1] and fake[-1]):
        return np.zeros(len(ROC_POINTS))
    # Where the curve rises vertically, take the top of the step.
    heights: Array = np.interp(ROC_POINTS + 1e-12, real / real[-1], fake / fake[-1])
    return heights
