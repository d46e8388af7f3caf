"""Comparing the cells of a column: what is not defined, and many cells."""

from types import SimpleNamespace

import numpy as np
import pytest

from dfdetect.metrics.comparison import Scored
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.report import comparing
from dfdetect.report.comparing import _compare
from dfdetect.report.comparisons import COMPARISONS, Comparison, read_comparisons, write_entries
from dfdetect.report.reading import read_experiment
from dfdetect.report.results import add_result, read_results
from face_extraction.manifest import FaceSample

CNN, MESO = "custom_cnn, base", "meso4, base"


def table_of(*metrics):
    return SimpleNamespace(name="list", level="face", metrics=metrics)


def family_of(scored):
    """Results, as `_compare` takes them, of one-fold scores by name."""
    metrics = {name: compute_metrics(s.predictions, threshold=0.5) for name, (s,) in scored.items()}
    return {
        name: SimpleNamespace(estimate=lambda metric, level, m=m: m.estimates[metric])
        for name, m in metrics.items()
    }


def compare(scored, *metrics):
    return _compare(table_of(*metrics), [family_of(scored)], scored, "these")


def scores_of(samples, **p_fake):
    return {name: [Scored(Predictions(samples, scores), 0.5)] for name, scores in p_fake.items()}


def test_a_metric_that_is_defined_of_nobody_has_no_best():
    """Without fakes there is no AUC."""
    samples = [FaceSample(f"{row}.png", 0, "test", str(row // 2)) for row in range(8)]
    rng = np.random.default_rng(0)
    found = compare(scores_of(samples, a=rng.random(8), b=rng.random(8)), "auc", "accuracy")
    assert {one.metric for one in found} == {"accuracy"}


def test_what_cannot_be_told_is_written_read_again_and_not_called_alike(tmp_path):
    """One clip holds all reals: how the AUC would scatter over others nobody knows. b calls nobody fake."""
    samples = [FaceSample(f"{row}.png", row % 2, "test", str(row) if row % 2 else "a") for row in range(40)]
    rng = np.random.default_rng(0)
    found = compare(
        scores_of(samples, a=rng.random(40), b=rng.random(40) / 3), "auc", "precision", "accuracy"
    )
    write_entries(tmp_path / COMPARISONS, found)
    again = read_comparisons(tmp_path)
    assert repr(again) == repr(found)
    auc, precision, accuracy = again
    assert np.isnan([auc.low, auc.p, auc.holm, precision.value]).all()
    assert (auc.alike, precision.best, precision.alike) == (False, "a", False)
    assert not np.isnan(accuracy.p)


def test_among_many_cells_a_large_difference_is_still_told():
    """Report A's grid has 27 cells: with 1,000 resamples Holm's method could not have told any apart."""
    samples = [FaceSample(f"{row}.png", row % 2, "test", str(row)) for row in range(100)]
    rng = np.random.default_rng(0)
    chance = {f"chance {number}": rng.random(100) for number in range(26)}
    found = compare(scores_of(samples, best=np.array([0.1, 0.9] * 50), **chance), "auc")
    assert {one.best for one in found} == {"best"}
    assert [one.alike for one in found] == [False] * 26
    # Which is the best the same scores told: Holm goes over all 27 * 26 / 2 pairs, not over 26.
    assert min(one.holm for one in found) == pytest.approx(351 * min(one.p for one in found))


def test_of_errors_the_smallest_is_the_best():
    samples = [FaceSample(f"{row}.png", row % 2, "test", str(row)) for row in range(40)]
    sure, unsure = np.array([0.1, 0.9] * 20), np.array([0.4, 0.6] * 20)
    (one,) = compare(scores_of(samples, sure=sure, unsure=unsure), "log_loss")
    assert (one.best, one.other) == ("sure", "unsure")
    assert one.value == pytest.approx(np.log(0.6 / 0.9))  # -ln .9 less -ln .6


def test_a_table_of_clips_compares_clips():
    """Of each clip's three faces b has one wrong: by face it is a third behind a, by clip not at all."""
    samples = [
        FaceSample(f"{clip}-{face}.png", clip % 2, "test", str(clip), f"v{clip}")
        for clip in range(8)
        for face in range(3)
    ]
    labels, off = np.repeat(np.arange(8) % 2, 3), np.tile([0.1, 0.1, 0.6], 8)
    scored = scores_of(samples, a=np.abs(labels - 0.1), b=np.abs(labels - off))
    table = SimpleNamespace(name="list", level="video", metrics=("accuracy",))
    (one,) = _compare(table, [family_of(scored)], scored, "these")
    assert (one.best, one.value, one.p) == ("a", 0.0, 1.0)


def test_all_metrics_of_a_table_are_one_family_of_tests():
    """7 cells make 21 pairs, and two metrics of them 42 tests."""
    samples = [FaceSample(f"{row}.png", row % 2, "test", str(row)) for row in range(40)]
    rng = np.random.default_rng(0)
    chance = {f"chance {number}": rng.random(40) for number in range(6)}
    found = compare(scores_of(samples, best=np.array([0.1, 0.9] * 20), **chance), "auc", "accuracy")
    assert min(one.holm for one in found) == pytest.approx(42 * min(one.p for one in found))
    assert max(one.holm for one in found) < 0.05


def test_two_processes_that_compare_lose_nothing(declare, measured):
    folder = declare()
    ends = {"value": 0.1, "low": 0.0, "high": 0.2, "p": 0.1, "holm": 0.1, "together": "t"}
    experiment = read_experiment(folder)
    for name in (CNN, MESO):
        add_result(folder, measured(experiment, name, data={"sources": [], "sample_set": False}))
    one, other = (result.digest for result in read_results(folder))
    mine = Comparison("list", "face", "auc", one, other, **ends)
    theirs = Comparison("grid", "face", "accuracy", other, one, **ends)
    comparing._write(folder, [theirs], set())
    comparing._write(folder, [mine], set())
    assert read_comparisons(folder) == [theirs, mine]
    comparing._write(folder, [], {one, other})
    assert read_comparisons(folder) == []
