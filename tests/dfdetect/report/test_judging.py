"""Judging findings from predictions: hand-made scores of 60 faces, whose outcomes are plain to see."""

import numpy as np
import pytest

from dfdetect.metrics.comparison import Scored
from dfdetect.predictions import Predictions
from dfdetect.report import judging
from dfdetect.report.comparisons import write_entries
from dfdetect.report.outcomes import FAILS, HOLDS, MISSING, UNCOMPARED, UNKNOWN, claim_outcomes, read_compared
from dfdetect.report.outcomes import FINDINGS as FINDINGS_FILE
from dfdetect.report.reading import read_experiment
from dfdetect.report.results import add_result, declared, read_results
from face_extraction.manifest import FaceSample

DATA = {"manifest_sha256": "m", "sample_set": False, "sources": ["dfdc"]}
# Of 60 faces, how many each model calls right.
RIGHT = {"custom_cnn": 54, "meso4": 30, "both": 54, "absent": 31}
FINDINGS = """
[[findings]]
says = "CNN beats Meso-4 and Absent"
place = "page 1"
metric = "accuracy"
first = { model = "custom_cnn", regime = "base" }
second = { model = ["meso4", "absent"], regime = "base" }
each = true

[[findings]]
says = "Meso-4 beats CNN"
place = "page 2"
metric = "accuracy"
first = { model = "meso4", regime = "base" }
second = { model = "custom_cnn", regime = "base" }

[[findings]]
says = "the ensemble beats CNN"
place = "page 3"
metric = "accuracy"
first = { model = "both", regime = "base" }
second = { model = "custom_cnn", regime = "base" }

[[findings]]
says = "Meso-4 stays below .7"
place = "page 4"
metric = "accuracy"
first = { model = "meso4", regime = "base" }
below = 0.7

[[findings]]
says = "L2 helps CNN"
place = "page 5"
metric = "accuracy"
first = { model = "custom_cnn", regime = "l2" }
second = { model = "custom_cnn", regime = "base" }
"""


def scores(right):
    """One fold in which the first `right` of 60 faces, in turn real and fake, are called right."""
    labels = np.arange(60) % 2
    samples = [FaceSample(f"{row}.png", int(labels[row]), "test", str(row)) for row in range(60)]
    called = np.where(np.arange(60) < right, labels, 1 - labels)
    return [Scored(Predictions(samples, called.astype(np.float64)), 0.5)]


@pytest.fixture
def experiment(declare, measured, monkeypatch):
    """A report whose cells have results, except those with L2, and predictions in place of run folders."""
    experiment = read_experiment(declare(declare.text + FINDINGS))
    for model in RIGHT:
        cell = next(cell for cell in experiment.cells() if cell.name == f"{model}, base")
        members = [declared(member) for member in cell.members]
        result = measured(experiment, cell.name, data=DATA, members=members, runs=[model])
        add_result(experiment.folder, result)
    monkeypatch.setattr(judging, "scores_for", lambda folder, result, runs: scores(RIGHT[result.runs[0]]))
    monkeypatch.setattr(judging, "still_measures", lambda result, found: True)
    return experiment


def test_toy_results_give_the_outcomes_that_one_sees(experiment, tmp_path):
    assert judging.judge_findings(experiment, "full", "m", tmp_path) == []
    found = claim_outcomes(experiment, read_results(experiment.folder), read_compared(experiment.folder))
    assert [one.outcome for one in found] == [HOLDS, FAILS, UNKNOWN, HOLDS, MISSING]
    both, reverse, same, below, missing = found
    # .9 against .5 and 31 / 60: the second is the weaker difference.
    assert both.compared.decisive == 1
    assert [one.value for one in both.compared.measured] == pytest.approx([24 / 60, 23 / 60])
    assert both.compared.n == 60
    assert reverse.compared.measured[0].value == pytest.approx(-24 / 60)
    assert same.compared.measured[0].value == 0.0
    assert same.compared.p == 1.0
    assert below.compared.measured[0].value == pytest.approx(0.2)
    # An interval of an accuracy of .5 over 60 faces: 1.96 x sqrt(.25 / 60) = .127 to both sides.
    low, high = below.compared.measured[0].low, below.compared.measured[0].high
    assert (low, high) == pytest.approx((0.2 - 0.127, 0.2 + 0.127), abs=0.02)
    assert [cell.name for cell in missing.found.missing] == ["custom_cnn, l2"]


def test_each_runs_scores_are_read_once_for_all_findings(experiment, monkeypatch, tmp_path):
    read = []

    def scores_for(folder, result, runs):
        read.append(result.runs[0])
        return scores(RIGHT[result.runs[0]])

    monkeypatch.setattr(judging, "scores_for", scores_for)
    assert judging.judge_findings(experiment, "full", "m", tmp_path) == []
    assert sorted(read) == sorted(RIGHT)


def test_comparisons_of_the_same_results_are_kept_and_lost_runs_are_named(experiment, monkeypatch, tmp_path):
    monkeypatch.setattr(judging, "scores_for", lambda folder, result, runs: None)
    told = judging.judge_findings(experiment, "full", "m", tmp_path)
    assert len(told) == 4
    assert told[1].startswith("finding 'Meso-4 beats CNN' is not compared: ")
    assert "are neither in" in told[1]
    found = claim_outcomes(experiment, read_results(experiment.folder), read_compared(experiment.folder))
    assert {one.outcome for one in found[:4]} == {UNCOMPARED}
    monkeypatch.setattr(judging, "scores_for", lambda folder, result, runs: scores(RIGHT[result.runs[0]]))
    assert judging.judge_findings(experiment, "full", "m", tmp_path) == []
    first = read_compared(experiment.folder)
    monkeypatch.setattr(judging, "scores_for", lambda folder, result, runs: None)
    assert judging.judge_findings(experiment, "full", "m", tmp_path) == []
    assert read_compared(experiment.folder) == first


def test_what_another_process_compared_meanwhile_is_kept(declare, measured, monkeypatch, tmp_path):
    experiment = read_experiment(declare(declare.text + FINDINGS))
    for model in ("custom_cnn", "meso4"):
        add_result(experiment.folder, measured(experiment, f"{model}, base", data=DATA, runs=[model]))
    monkeypatch.setattr(judging, "still_measures", lambda result, found: True)
    monkeypatch.setattr(judging, "scores_for", lambda folder, result, runs: scores(RIGHT[result.runs[0]]))
    assert judging.judge_findings(experiment, "full", "m", tmp_path) == []
    reverse, below = read_compared(experiment.folder)
    path = experiment.folder / FINDINGS_FILE
    path.unlink()

    def scores_for(folder, result, runs):
        write_entries(path, [reverse])  # what the other process found; this one lacks a run of it
        return None if result.runs[0] == "custom_cnn" else scores(RIGHT[result.runs[0]])

    monkeypatch.setattr(judging, "scores_for", scores_for)
    assert len(judging.judge_findings(experiment, "full", "m", tmp_path)) == 1
    assert read_compared(experiment.folder) == [reverse, below]


def test_other_test_faces_are_no_comparison(experiment, monkeypatch, tmp_path):
    def scores_for(folder, result, runs):
        (one,) = scores(RIGHT[result.runs[0]])
        few = Predictions(one.predictions.samples[:40], one.predictions.p_fake[:40])
        return [Scored(few, 0.5) if result.runs[0] == "meso4" else one]

    monkeypatch.setattr(judging, "scores_for", scores_for)
    told = judging.judge_findings(experiment, "full", "m", tmp_path)
    assert len(told) == 2
    assert "20 faces differ" in told[0]


def test_sizes_that_only_show_that_cells_run_are_not_judged(declare, tmp_path):
    smoke = '[profiles.tiny]\nabout = "tiny"\nsmoke = true\n'
    experiment = read_experiment(declare(declare.text + FINDINGS + smoke))
    assert judging.judge_findings(experiment, "tiny", "m", tmp_path) == []
    assert read_compared(experiment.folder) == []
