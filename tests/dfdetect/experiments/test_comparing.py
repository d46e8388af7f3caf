"""Comparing the cells of a column: what is not defined, and many cells."""

import json
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np

from dfdetect.experiments.comparing import _compare, enough
from dfdetect.experiments.comparisons import COMPARISONS, read_comparisons
from dfdetect.metrics import compute_metrics
from dfdetect.metrics.comparison import Scored
from dfdetect.predictions import Predictions
from dfdetect.runs import write_json
from face_extraction.manifest import FaceSample


def column_of(scored):
    """A table's column, as `_compare` takes it, of one-fold scores by name."""
    metrics = {name: compute_metrics(s.predictions, threshold=0.5) for name, (s,) in scored.items()}
    return [
        (name, SimpleNamespace(estimate=lambda metric, level, m=m: m.estimates[metric]))
        for name, m in metrics.items()
    ]


def test_a_metric_that_is_not_defined_is_compared_written_and_read_again(tmp_path):
    """Without fakes there is no AUC."""
    samples = [FaceSample(f"{row}.png", 0, "test", str(row // 2)) for row in range(8)]
    rng = np.random.default_rng(0)
    scored = {name: [Scored(Predictions(samples, rng.random(8)), 0.5)] for name in ("a", "b")}
    column = column_of(scored)
    table = SimpleNamespace(name="list", level="face")
    (first,) = _compare(table, "auc", column, scored, {}, 1000)
    assert (first.value, first.low, first.p, first.differs) == (None, None, None, False)
    write_json(tmp_path / COMPARISONS, {"comparisons": [asdict(first)]})
    assert json.loads((tmp_path / COMPARISONS).read_text())["comparisons"][0]["value"] is None
    (read,) = read_comparisons(tmp_path)
    kept = {read.key: read}
    assert _compare(table, "auc", column, {}, kept, 1000) == [first]


def test_among_many_cells_a_large_difference_is_still_told():
    """Report A's grid has 27 cells: with 1,000 resamples Holm's method could not have told any apart."""
    samples = [FaceSample(f"{row}.png", row % 2, "test", str(row)) for row in range(24)]
    right = np.array([0.1, 0.9] * 12)
    rng = np.random.default_rng(0)
    scored = {"best": [Scored(Predictions(samples, right), 0.5)]}
    for number in range(26):
        scored[f"chance {number}"] = [Scored(Predictions(samples, rng.random(24)), 0.5)]
    table = SimpleNamespace(name="grid", level="face")
    found = _compare(table, "auc", column_of(scored), scored, {}, enough(len(scored)))
    assert {one.best for one in found} == {"best"}
    assert [one.differs for one in found] == [True] * 26
