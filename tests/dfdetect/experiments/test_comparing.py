"""Comparing the cells of a column: what is not defined, and many cells."""

from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest

from dfdetect.experiments.comparing import _compare
from dfdetect.experiments.comparisons import COMPARISONS, read_comparisons
from dfdetect.metrics import compute_metrics
from dfdetect.metrics.comparison import Scored
from dfdetect.predictions import Predictions
from dfdetect.runs import write_json
from face_extraction.manifest import FaceSample


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
    write_json(tmp_path / COMPARISONS, {"comparisons": [asdict(one) for one in found]})
    assert read_comparisons(tmp_path) == found
    auc, precision, accuracy = found
    assert (auc.low, auc.p, auc.holm, auc.alike) == (None, None, None, False)
    assert (precision.best, precision.value, precision.alike) == ("a", None, False)
    assert accuracy.p is not None


def test_among_many_cells_a_large_difference_is_still_told():
    """Report A's grid has 27 cells: with 1,000 resamples Holm's method could not have told any apart."""
    samples = [FaceSample(f"{row}.png", row % 2, "test", str(row)) for row in range(40)]
    rng = np.random.default_rng(0)
    chance = {f"chance {number}": rng.random(40) for number in range(26)}
    found = compare(scores_of(samples, best=np.array([0.1, 0.9] * 20), **chance), "auc")
    assert {one.best for one in found} == {"best"}
    assert [one.alike for one in found] == [False] * 26
    # Which is the best the same scores told: Holm goes over all 27 * 26 / 2 pairs, not over 26.
    assert [one.holm for one in found] == pytest.approx([351 * 2 / (50 * 351 + 1)] * 26)
