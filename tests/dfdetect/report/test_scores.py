"""The predictions of a result's run folders."""

import gzip
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dfdetect.metrics.comparison import Scored
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe, write_recipe
from dfdetect.report.reading import read_experiment
from dfdetect.report.scores import SCORES, keep_scores, keeps_scores, kept_scores, scores_of, still_measures
from dfdetect.runs.folder import Run
from face_extraction.errors import InputError
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


def test_kept_scores_have_no_names_and_give_the_same_numbers(declare, measured, tmp_path):
    """Two people of two faces each in one video, and a photo: names go, equal ones stay equal."""
    rng = np.random.default_rng(0)
    samples = [
        FaceSample(
            f"home/ann/{row}.png", row % 2, "test", f"ann {row // 4}", video=f"holiday {row % 2} {row // 8}"
        )
        for row in range(40)
    ]
    labels = np.arange(40) % 2
    p_fake = np.where(np.arange(40) < 36, labels, 1 - labels) * 0.8 + rng.random(40) * 0.1
    scored = Scored(Predictions(samples, p_fake), 0.5)
    result = replace(measured(read_experiment(declare()), CNN, accuracy=0.9), runs=["cnn-1"])
    assert kept_scores(tmp_path, result) is None
    assert not keeps_scores(tmp_path, result)

    keep_scores(tmp_path, result, [scored])
    assert keeps_scores(tmp_path, result)
    (file,) = (tmp_path / SCORES).iterdir()
    text = gzip.decompress(file.read_bytes()).decode()
    assert "ann" not in text
    assert "holiday" not in text
    (kept,) = kept_scores(tmp_path, result)
    assert kept.threshold == 0.5
    for level in ("face", "video"):
        first, second = (
            compute_metrics(one.predictions, threshold=0.5, level=level, resamples=200)
            for one in (scored, kept)
        )
        assert str(first) == str(second)  # some are NaN
    assert len({sample.path for sample in kept.predictions.samples}) == 40


def test_a_damaged_file_of_kept_scores_is_named(declare, measured, tmp_path):
    result = replace(measured(read_experiment(declare()), CNN), runs=["cnn-1"])
    file = tmp_path / SCORES / "cnn-1.csv.gz"
    file.parent.mkdir()
    whole = gzip.compress(b"path,label\n" * 100, mtime=0)
    for content in (b"no gzip", whole[:-9], whole[:20] + b"\xff\xff" + whole[22:]):
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"cnn-1\.csv\.gz: "):
            kept_scores(tmp_path, result)


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
