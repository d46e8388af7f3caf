"""The predictions of a result's run folders."""

from types import SimpleNamespace

import numpy as np

from dfdetect.metrics.comparison import Scored
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe, write_recipe
from dfdetect.report.declared import read_experiment
from dfdetect.report.scores import scores_of, still_measures
from dfdetect.runs.folder import Run
from face_extraction.manifest import FaceSample

CNN = "custom_cnn, base"


def test_where_one_folds_run_folder_is_not_here_there_are_no_scores(tmp_path):
    samples = [FaceSample(f"{row}.png", row % 2, "test", str(row)) for row in range(4)]
    predictions = Predictions(samples, np.array([0.1, 0.9, 0.2, 0.8]))
    metrics = {"test": {"face": compute_metrics(predictions, threshold=0.5, resamples=0)}}
    for name in ("one", "two"):
        write_recipe(Run(tmp_path / name).recipe_file, Recipe())
        Run(tmp_path / name).write_predictions("test", predictions)
        Run(tmp_path / name).write_metrics(0.5, metrics)
    result = SimpleNamespace(runs=["one", "two"])

    assert len(scores_of(result, tmp_path)) == 2
    Run(tmp_path / "two").metrics_file.unlink()
    assert scores_of(result, tmp_path) is None


def test_a_run_folder_with_other_scores_of_one_fold_is_noticed(declare, measured):
    labels, samples = (
        np.arange(40) % 2,
        [FaceSample(f"{row}.png", row % 2, "test", str(row)) for row in range(40)],
    )
    same, other = (
        Scored(Predictions(samples, np.where(np.arange(40) < right, labels, 1.0 - labels)), 0.5)
        for right in (36, 30)
    )
    result = measured(read_experiment(declare()), CNN, accuracy=0.9, folds=2)
    assert still_measures(result, [same, same])
    assert not still_measures(result, [same, other])
