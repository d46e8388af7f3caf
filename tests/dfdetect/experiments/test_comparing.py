"""Comparing cells whose metric is not defined."""

import json
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np

from dfdetect.experiments.comparing import _compare
from dfdetect.experiments.comparisons import COMPARISONS, read_comparisons
from dfdetect.metrics import compute_metrics
from dfdetect.metrics.comparison import Scored
from dfdetect.predictions import Predictions
from dfdetect.runs import write_json
from face_extraction.manifest import FaceSample


def test_a_metric_that_is_not_defined_is_compared_written_and_read_again(tmp_path):
    """Without fakes there is no AUC."""
    samples = [FaceSample(f"{row}.png", 0, "test", str(row // 2)) for row in range(8)]
    rng = np.random.default_rng(0)
    scored = {name: [Scored(Predictions(samples, rng.random(8)), 0.5)] for name in ("a", "b")}
    metrics = {name: compute_metrics(s.predictions, threshold=0.5) for name, (s,) in scored.items()}
    column = [
        (name, SimpleNamespace(estimate=lambda metric, level, m=m: m.estimates[metric]))
        for name, m in metrics.items()
    ]
    table = SimpleNamespace(name="list", level="face")
    (first,) = _compare(table, "auc", column, scored, {})
    assert (first.value, first.low, first.p, first.differs) == (None, None, None, False)
    write_json(tmp_path / COMPARISONS, {"comparisons": [asdict(first)]})
    assert json.loads((tmp_path / COMPARISONS).read_text())["comparisons"][0]["value"] is None
    (read,) = read_comparisons(tmp_path)
    kept = {(read.table, read.metric, read.best, read.other): read}
    assert _compare(table, "auc", column, {}, kept) == [first]
