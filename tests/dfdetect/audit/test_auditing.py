"""Audits, repairs and measured parts against rows whose leaks are known by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from dfdetect.audit.auditing import audit, repair
from dfdetect.audit.links import link
from dfdetect.audit.registry import Kind, get_kind
from dfdetect.audit.rows import Rows
from dfdetect.audit.scores import compare
from dfdetect.audit.table import findings_table
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe, write_recipe
from dfdetect.runs.folder import Run
from face_extraction.errors import InputError
from face_extraction.manifest import FaceSample


@pytest.fixture
def rows(tmp_path):
    """rows("train a", "test b") -> rows with these splits and groups."""

    def make(*words):
        pairs = enumerate(word.split() for word in words)
        samples = [FaceSample(f"{row}.png", row % 2, *pair, source="s") for row, pair in pairs]
        return Rows(tmp_path, samples, tmp_path / "cache.sqlite")

    return make


def test_the_share_is_one_of_the_later_split(rows):
    found = audit(rows("train a", "train b", "train c", "test a", "test d"), [get_kind("group")])
    assert findings_table(found).rows == [["group", "train – test", "1", "2", "1", "1 test (50.0 %)"]]


def test_a_repair_goes_on_until_an_audit_finds_nothing(rows):
    """Of the train rows this kind sees the first alone: the second is seen once the first is gone."""

    def find(some):
        first = np.flatnonzero(some.splits == 0)[:1]
        return link((row, "shared") for row in [*first.tolist(), *np.flatnonzero(some.splits == 2).tolist()])

    kind = Kind("one", "One", "One.", "columns", find)
    repaired = repair(audit(rows("train a", "train b", "val c", "test d"), [kind]))
    assert repaired.dropped == {"train": 2, "val": 0, "test": 0}
    assert [sample.group for sample in repaired.samples] == ["c", "d"]


@pytest.fixture
def scored(tmp_path):
    """A run that scored these rows right at its threshold of .75, half of them right at .5."""

    def make(samples):
        run, predictions = Run(tmp_path / "run"), Predictions(samples, np.array([0.6, 0.9, 0.7, 0.8]))
        write_recipe(run.recipe_file, Recipe())
        run.write_predictions("test", predictions)
        run.write_metrics(0.75, {"test": {"face": compute_metrics(predictions, threshold=0.75)}})
        return run

    return make


def test_parts_are_measured_at_the_runs_own_threshold(rows, scored):
    tested = rows("test a", "test b", "test c", "test d")
    parts = compare(scored(tested.samples), SimpleNamespace(rows=tested, leaking=np.zeros(4, bool))).parts
    assert parts["clean", "face"].estimates["accuracy"].value == 1.0


def test_scores_of_what_is_audited_as_a_train_row_are_refused(rows, scored):
    audited = rows("test a", "test b", "test c", "train d")
    with pytest.raises(InputError, match=r"scored '3\.png' \(1 such\), which is not an audited test row"):
        compare(scored(audited.samples), SimpleNamespace(rows=audited, leaking=np.zeros(4, bool)))
