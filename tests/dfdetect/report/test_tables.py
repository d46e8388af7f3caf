"""Tables of results: their entries, marks and notes."""

from dataclasses import replace

import numpy as np
import pytest

from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe
from dfdetect.report import tables
from dfdetect.report.comparisons import Comparison
from dfdetect.report.reading import read_experiment
from dfdetect.report.results import Result, declared
from dfdetect.runs.lineage import random_backbone
from face_extraction.manifest import FaceSample

CNN, MESO, BOTH = "custom_cnn, base", "meso4, base", "both, base"


def result_of(experiment, **changes):
    cell = experiment.cells()[0]
    return Result(cell.at, "full", "failed", declared(cell), **changes)


class Begun:
    """A run of which only the beginning is asked for."""

    def __init__(self, weights, random, partial=False):
        self._recipe = Recipe(model="xception", weights=weights, partial_weights=partial)
        self._random = random

    def recipe(self):
        return self._recipe

    def environment(self):
        return {"random_layers": self._random}


def test_weights_that_fill_a_part_of_the_backbone_are_told(declare):
    part = bool(random_backbone(Begun("x.h5", ["block14_sepconv1", "logit"], partial=True)))
    assert part
    assert not random_backbone(Begun("x.h5", ["head_dense", "logit"], partial=True))
    assert not random_backbone(Begun("none", ["block1_conv1", "logit"]))
    failed = result_of(read_experiment(declare()), weights={"origin": "x.h5 (a half)", "partial": part})
    result = replace(failed, status="done")
    notes = tables.Footnotes()
    assert notes.of_result(result) == 1
    assert notes.texts == ["Weights: x.h5 (a half)."]
    seen = replace(result, weights={"origin": "first", "partial": False, "leaks": ["2 were seen.", "As 3."]})
    assert notes.of_result(seen) == 2
    assert notes.texts[1] == "2 were seen. As 3."
    assert notes.of_result(replace(failed, reason="why")) == 3
    assert notes.texts[2] == "Failed: why"


def built(experiment, name, results, comparisons=()):
    spec = next(spec for spec in experiment.tables if spec.name == name)
    return tables.build(tables.Asked(experiment, spec, experiment.cells(), results, comparisons))


def marks_of(measured, experiment, accuracies, comparisons, level="face"):
    """What the table "list" shows of cells by name: "best", "same" or ""."""
    results = {name: measured(experiment, name, accuracy) for name, accuracy in accuracies.items()}
    digests = {name: result.digest for name, result in results.items()}
    found = [
        Comparison(
            "list", level, "accuracy", *(digests.get(name, name) for name in pair), *[0.1] * 4, p, "these"
        )
        for *pair, p in comparisons
    ]
    table = built(experiment, "list", results, found)
    return {
        row[0]: "best" if row[3].best else "same" if row[3].same else ""
        for row in table.rows
        if row[1] == "Base" and row[3].estimate
    }


def test_a_mark_is_never_of_a_result_that_is_not_shown(declare, measured):
    """Meso-4 could not be told from what was best before that cell was declared anew."""
    experiment = read_experiment(declare())
    accuracies = {CNN: 0.9, MESO: 0.6}
    found = marks_of(measured, experiment, accuracies, [("gone", MESO, 0.5), (CNN, MESO, 0.01)])
    assert found == {"CNN": "best", "Meso-4": ""}


def test_a_comparison_by_clips_marks_no_table_of_faces(declare, measured):
    experiment = read_experiment(declare())
    found = marks_of(measured, experiment, {CNN: 0.9, MESO: 0.6}, [(CNN, MESO, 0.5)], level="video")
    assert found == {"CNN": "", "Meso-4": ""}


@pytest.mark.parametrize(
    ("accuracies", "comparisons"),
    [
        # The best's run was not at hand when the second was compared with the third.
        ({CNN: 0.9, MESO: 0.8, BOTH: 0.7}, [(CNN, MESO, 0.01), (CNN, BOTH, 0.01), (MESO, BOTH, 0.9)]),
        # A new cell is better than the best, whose run was not at hand; or worse.
        ({CNN: 0.9, MESO: 0.8, BOTH: 0.7}, [(CNN, BOTH, 0.01), (MESO, BOTH, 0.9)]),
        ({CNN: 0.9, MESO: 0.8, BOTH: 0.7}, [(MESO, BOTH, 0.9), (CNN, BOTH, 0.01)]),
    ],
)
def test_one_column_has_one_best_though_runs_were_not_at_hand(declare, accuracies, comparisons, measured):
    found = marks_of(measured, read_experiment(declare()), accuracies, comparisons)
    assert found == {"CNN": "best", "Meso-4": "", "Both": ""}


def test_of_cells_compared_apart_from_a_better_one_none_is_the_best(declare, measured):
    """The scores of CNN were not at hand: it is not compared, and Meso-4 is not the best."""
    accuracies = {CNN: 0.9, MESO: 0.8, BOTH: 0.7}
    found = marks_of(measured, read_experiment(declare()), accuracies, [(MESO, BOTH, 0.9)])
    assert found == {"CNN": "", "Meso-4": "", "Both": ""}


def test_a_training_that_scores_all_faces_alike_is_called_collapsed(declare, measured):
    experiment = read_experiment(declare())
    samples = [FaceSample(f"{row}.png", row % 2, "test", str(row)) for row in range(40)]
    found = {}
    for name, scores in ((CNN, np.full(40, 0.4)), (MESO, np.arange(40) / 40)):
        metrics = compute_metrics(Predictions(samples, scores), threshold=0.5)
        result = measured(experiment, name)
        found[name] = replace(result, parts=[{"n_train": 9, "metrics": {"face": metrics.to_dict()}}])
    table = built(experiment, "list", found)
    assert table.footnotes == ["This training collapsed: all faces have the same score."]
    marked = [row[0] for row in table.rows if any(getattr(entry, "footnote", 0) for entry in row)]
    assert marked == ["CNN"]
    assert tables.NOTE_UNCOMPARED in table.notes
    assert tables.NOTE_BEST not in table.general


def fold_of(p_fake):
    """Metrics of 40 faces, in turn real and fake, at a threshold of .5."""
    samples = [FaceSample(f"{row}.png", row % 2, "test", str(row)) for row in range(40)]
    return compute_metrics(Predictions(samples, p_fake), threshold=0.5)


def test_every_kind_of_collapse_is_told_and_in_which_folds(declare, measured):
    good, same = fold_of(np.arange(40) / 40), fold_of(np.full(40, 0.4))
    real, fake = fold_of(np.arange(40) / 100), fold_of(0.55 + np.arange(40) / 100)
    assert tables.collapsed([good]) == []
    assert tables.collapsed([real]) == ["This training collapsed: all faces are called real."]
    assert tables.collapsed([fake]) == ["This training collapsed: all faces are called fake."]
    experiment = read_experiment(declare())
    parts = [{"n_train": 9, "metrics": {"face": one.to_dict()}} for one in (same, good, real)]
    table = built(experiment, "folds", {CNN: replace(measured(experiment, CNN), parts=parts)})
    assert table.footnotes == [
        "Of 3 folds, 1, 3 collapsed: all faces have the same score or faces are called real."
    ]


def test_a_start_from_random_weights_is_told_of_networks_and_of_members(declare, measured):
    experiment = read_experiment(declare())
    members = [declared(cell) for cell in experiment.cells()[:2]]
    found = {
        CNN: measured(experiment, CNN, weights={"origin": "random"}),
        MESO: measured(experiment, MESO, weights={"origin": "imagenet"}),
        BOTH: measured(
            experiment, BOTH, members=members, weights={"origin": "of 2 runs", "random_members": ["meso4"]}
        ),
    }
    assert built(experiment, "grid", found).footnotes == [
        "Started from random weights.",
        "Started from random weights: meso4 (1 of 2).",
    ]


PART = {"origin": "x.h5 (1 of 2 parameters)", "local": True, "partial": True}


@pytest.mark.parametrize(("name", "folds"), [("grid", 1), ("list", 1), ("folds", 2)])
def test_every_kind_of_table_tells_of_weights_of_a_part_and_of_a_split_that_leaks(
    declare, name, folds, measured
):
    text = declare.text.replace("[recipe]", '[recipe]\nsplit = "random"', 1)
    experiment = read_experiment(declare(text))
    table = built(experiment, name, {CNN: measured(experiment, CNN, folds=folds, weights=PART)})
    notes = {entry.footnote for row in table.rows for entry in row if isinstance(entry, tables.Value)}
    assert 1 in notes
    assert table.below()[-1] == "(1) Weights: x.h5 (1 of 2 parameters)."
    assert tables.NOTE_THRESHOLD in table.general
    assert f"Tested on {40 * folds} faces." in table.notes
    assert [note for note in table.notes if note.startswith("Split at random over faces")]
    apart = read_experiment(declare())
    table = built(apart, name, {CNN: measured(apart, CNN, folds=folds)})
    assert not [note for note in table.below() if "random" in note or note.startswith("(1)")]


def test_the_numbers_of_faces_tested_are_told_as_a_span(declare, measured):
    experiment = read_experiment(declare())
    found = {CNN: measured(experiment, CNN, folds=2), MESO: measured(experiment, MESO)}
    assert "Tested on 40 to 80 faces." in built(experiment, "grid", found).notes


def test_a_list_shows_matrices_beside_metrics(declare, measured):
    experiment = read_experiment(
        declare(declare.text.replace('"accuracy", "auc"]', '"accuracy", "confusion"]'))
    )
    failed = replace(measured(experiment, MESO), status="failed", reason="why")
    found = {CNN: measured(experiment, CNN, 0.75), MESO: failed, BOTH: measured(experiment, BOTH, folds=2)}
    table = built(experiment, "list", found)
    assert table.titles[-1] == "Matrix"
    # Of 40 faces in turn real and fake, the first 30 or 36 are called right.
    shown = {row[0]: row[-1] for row in table.rows if row[1] == "Base"}
    assert shown == {"CNN": "[[15, 5], [5, 15]]", "Meso-4": "–", "Absent": "–", "Both": "[[18, 2], [2, 18]]"}
    assert tables.NOTE_MATRIX in table.notes


def test_of_errors_the_smallest_keeps_its_mark_though_runs_were_not_at_hand(declare, measured):
    text = declare.text.replace('metrics = ["accuracy", "auc"]', 'metrics = ["log_loss"]')
    experiment = read_experiment(declare(text))
    results = {
        name: measured(experiment, name, right) for name, right in ((CNN, 0.9), (MESO, 0.8), (BOTH, 0.7))
    }
    found = [
        Comparison(
            "list", "face", "log_loss", results[best].digest, results[BOTH].digest, *[0.1] * 4, p, "these"
        )
        for best, p in ((CNN, 0.01), (MESO, 0.9))
    ]
    table = built(experiment, "list", results, found)
    assert [row[0] for row in table.rows if row[2].best] == ["CNN"]
    assert not any(row[2].same for row in table.rows)
