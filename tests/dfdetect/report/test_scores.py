"""The predictions of a result's run folders."""

from types import SimpleNamespace

import numpy as np

from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.report.scores import scores_of
from dfdetect.runs.folder import Run
from face_extraction.manifest import FaceSample


def test_where_one_folds_run_folder_is_not_here_there_are_no_scores(tmp_path):
    samples = [FaceSample(f"{row}.png", row % 2, "test", str(row)) for row in range(4)]
    predictions = Predictions(samples, np.array([0.1, 0.9, 0.2, 0.8]))
    metrics = {"test": {"face": compute_metrics(predictions, threshold=0.5, resamples=0)}}
    for name in ("one", "two"):
        Run(tmp_path / name).write_predictions("test", predictions)
        Run(tmp_path / name).write_metrics(0.5, metrics)
    result = SimpleNamespace(runs=["one", "two"])

    assert len(scores_of(result, tmp_path)) == 2
    Run(tmp_path / "two").metrics_file.unlink()
    assert scores_of(result, tmp_path) is None
