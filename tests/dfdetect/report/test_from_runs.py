"""A table of own runs, against their metrics.json."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from dfdetect.metrics.estimates import compute_metrics
from dfdetect.metrics.folds import Fold, summarise
from dfdetect.metrics.measures import MEASURES
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe, write_recipe
from dfdetect.report import __main__ as report
from dfdetect.report import from_runs
from dfdetect.runs.folder import Run
from face_extraction.json_file import write_json
from face_extraction.manifest import FaceSample


def metrics_of(right):
    """Of 40 faces, in turn real and fake, the first `right` are called right."""
    samples = [FaceSample(f"{row}.png", row % 2, "test", str(row)) for row in range(40)]
    labels = np.arange(40) % 2
    scores = np.where(np.arange(40) < right, labels, 1 - labels).astype(np.float64)
    return compute_metrics(Predictions(samples, scores), threshold=0.5, resamples=200)


@pytest.fixture
def make(tmp_path):
    """Write a finished run of so many right of 40; returns its folder."""

    def write(name, right=30, manifest="m", finished=True, weights="none", **recipe):
        run = Run(tmp_path / name)
        run.folder.mkdir(parents=True)
        given = Recipe(model="custom_cnn", image_size=64, epochs=3, weights=weights, **recipe)
        write_recipe(run.recipe_file, given)
        origin = "random" if weights == "none" else f"{weights} (9 of 10 parameters; random: logit)"
        run.write_environment({"manifest_sha256": manifest, "weights": origin, "weights_source": weights})
        if finished:
            run.write_metrics(0.5, {"test": {"face": metrics_of(right)}})
        return run.folder

    return write


@pytest.fixture
def crossval(make, tmp_path):
    """Write a finished cross-validation of three folds; returns its folder and its result."""

    def write(name, rights=(30, 32, 34)):
        for number, right in enumerate(rights, start=1):
            make(f"{name}/fold-{number}", right, folds=3, fold=number, split="group")
        folds = [Fold(number, metrics_of(right), 80, 40) for number, right in enumerate(rights, start=1)]
        result = summarise(folds)
        record = {
            "folds": [{"fold": f.number, "n_train": 80, "metrics": f.metrics.to_dict()} for f in folds],
            "averages": {name: average.to_dict() for name, average in result.averages.items()},
        }
        write_json(tmp_path / name / "crossval.json", record)
        return tmp_path / name, result

    return write


def table_of(folders, metrics):
    """The table of folders that all have a row."""
    table, refused = from_runs.table_of(folders, metrics)
    assert refused == []
    return table


def test_numbers_are_those_of_metrics_json(make, capsys):
    folder = make("one", 30)
    assert report.main(["from-runs", str(folder), "--columns", "accuracy,f1", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    stored = json.loads((folder / "metrics.json").read_text())["splits"]["test"]["face"]
    for row, name in zip(rows, ("accuracy", "f1"), strict=True):
        assert (row["run"], row["model"], row["metric"]) == ("one", "custom_cnn", MEASURES[name].title)
        for end in ("value", "low", "high"):
            assert float(row[end]) == stored["estimates"][name][end]
        assert (row["n"], row["size"]) == ("40", "64 pixels, 3 epochs")
        assert row["note"] == "Started from random weights."
    assert float(rows[0]["value"]) == 0.75


def test_a_cross_validation_is_the_mean_of_its_folds(crossval):
    folder, result = crossval("cv")
    table = table_of([folder], ["accuracy"])
    ((name, model, value, n, size),) = table.rows
    assert (name, model, n, size) == ("cv", "custom_cnn", "120", "64 pixels, 3 epochs, mean of 3 folds")
    assert value.estimate == result.averages["accuracy"]
    assert value.estimate.value == pytest.approx((30 + 32 + 34) / 120)


def scored(name, p_fake):
    """Metrics of four photos that all have this score."""
    samples = [FaceSample(f"{name}{row}.png", row % 2, "test", str(row)) for row in range(4)]
    return compute_metrics(Predictions(samples, np.full(4, p_fake)), threshold=0.5)


def test_the_calibration_error_stands_beside_its_chance_level(make, crossval):
    """Scores of 0 fix the labels; of .5, four labels give gaps of 0, .25 or .5."""
    sure, unsure, old = make("sure"), make("unsure"), make("old")
    for folder, p_fake in ((sure, 0.0), (unsure, 0.5)):
        Run(folder).write_metrics(0.5, {"test": {"face": scored(folder.name, p_fake)}})
    Run(old).write_metrics(0.5, {"test": {"face": replace(scored("old", 0.5), ideal_ece=None)}})
    table = table_of([sure, unsure, old], ["auc", "ece", "brier"])
    at = table.titles.index("ECE if perfectly calibrated")
    assert table.titles[at - 1] == MEASURES["ece"].title
    first, second, third = (row[at] for row in table.rows)
    assert (first, third) == ("0.000, at most 0.000", "–")
    # On average (0 * 6 + .25 * 8 + .5 * 2) / 16, within what 1,000 draws stray.
    mean, _, high = second.partition(", at most ")
    assert float(mean) == pytest.approx(3 / 16, abs=0.015)
    assert high == "0.500"
    assert any("by chance" in line for line in table.general)
    assert from_runs.NOTE_OLDER in table.general
    assert from_runs.NOTE_OLDER not in table_of([sure, unsure], ["ece"]).general
    assert "ECE if perfectly calibrated" not in table_of([sure], ["auc"]).titles
    folder, _ = crossval("cv")
    path = folder / "crossval.json"
    record = json.loads(path.read_text())
    for fold, ideal in zip(record["folds"], (0.01, 0.02, 0.06), strict=True):
        fold["metrics"]["ideal_ece"] = {"mean": ideal, "high": 1.0}
    write_json(path, record)
    (row,) = table_of([folder], ["ece"]).rows
    assert row[3] == "0.030"


def test_notes_tell_of_collapse_leaks_starts_and_other_data(make, crossval):
    flat, good = make("flat", 20, split="random"), make("good", 30, "other", weights="x.h5")
    # In turn real and fake: all called real, so 20 of 40 are right.
    samples = [FaceSample(f"{row}.png", row % 2, "test", str(row)) for row in range(40)]
    alike = compute_metrics(Predictions(samples, np.full(40, 0.2)), threshold=0.5)
    Run(flat).write_metrics(0.5, {"test": {"face": alike}})
    table = table_of([flat, good], ["accuracy", "auc"])
    first, second = table.footnotes
    assert first.startswith("Started from random weights. Split at random over faces")
    assert first.endswith("This training collapsed: all faces have the same score.")
    assert second == "Weights: x.h5 (9 of 10 parameters; random: logit)."
    assert table.notes == ["These runs have 2 different manifests, so their numbers are no ranking."]
    folder, _ = crossval("cv")
    assert table_of([folder], ["auc"]).footnotes == ["Started from random weights."]


def test_every_form_holds_the_number_and_the_note(make, tmp_path, capsys):
    folder = make("o<n>e", 30)
    shown = str(metrics_of(30).estimates["accuracy"]).partition(" ")[0]
    for form, name in (
        ("text", "o<n>e"),
        ("markdown", "| o&lt;n&gt;e |"),
        ("html", "o&lt;n&gt;e"),
        ("latex", r"o\textless{}n\textgreater{}e &"),
    ):
        out = tmp_path / f"table.{form}"
        assert report.main(["from-runs", str(folder), "--format", form, "--out", str(out)]) == 0
        written = out.read_text()
        assert name in written
        assert shown in written
        assert "Started from random weights." in written
    assert "\\begin{longtable}" in written
    assert "Student" in written  # how intervals of folds are made
    assert capsys.readouterr().out.count("written: ") == 4


def test_runs_of_one_name_show_the_folder_above(make):
    table = table_of([make("a/run"), make("b/run")], ["auc"])
    assert [row[0] for row in table.rows] == ["a/run", "b/run"]


def test_what_cannot_be_tabulated_is_refused_by_name(make, crossval, tmp_path, capsys):
    good, begun = make("good"), make("begun", finished=False)
    untested = make("untested")
    Run(untested).write_metrics(0.5, {"val": {"face": metrics_of(30)}})
    cut, _ = crossval("cut")
    (cut / "crossval.json").unlink()
    damaged, _ = crossval("damaged")
    (damaged / "crossval.json").write_text('{"folds": []}')
    strange, _ = crossval("strange")
    record = json.loads((strange / "crossval.json").read_text())
    write_json(strange / "crossval.json", {**record, "averages": dict.fromkeys(MEASURES, 5)})
    other, _ = crossval("other")
    write_json(other / "crossval.json", {**record, "folds": [{"metrics": 5}]})
    assert report.main(["from-runs", str(good), str(good / "."), "--columns", "auc"]) == 2
    assert f"{good}: named twice" in capsys.readouterr().err
    for folder, columns, message in (
        (good, "acuracy", "unknown column 'acuracy' (nearest: accuracy)"),
        (begun, "auc", f"{begun}: the run is not finished; resume it with dfdetect.train"),
        (untested, "auc", f"{untested}: has no test faces"),
        (cut, "auc", f"{cut}: the cross-validation is not finished"),
        (damaged, "auc", "crossval.json: damaged"),
        (strange, "auc", f"{strange}/crossval.json: damaged"),
        (other, "auc", f"{other}/crossval.json: damaged"),
        (tmp_path / "nothing", "auc", "nothing: not a run folder"),
    ):
        assert report.main(["from-runs", str(folder), "--columns", columns]) == 2
        assert message in capsys.readouterr().err


def test_what_has_no_row_does_not_cost_the_others_theirs(make, tmp_path, capsys):
    """A shell's `runs/*` names unfinished runs, and evaluations of a detector that ships, too."""
    good, begun = make("good"), make("begun", finished=False)
    (tmp_path / "small" / "evaluations").mkdir(parents=True)
    folders = [str(begun), str(good), str(tmp_path / "small")]
    assert report.main(["from-runs", *folders, "--format", "csv"]) == 1
    told = capsys.readouterr()
    assert {row["run"] for row in csv.DictReader(io.StringIO(told.out))} == {"good"}
    assert told.err.splitlines() == [
        f"left out: {begun}: the run is not finished; resume it with dfdetect.train",
        f"left out: {tmp_path / 'small'}: not a run folder (it has no recipe.toml)",
    ]
    assert report.main(["from-runs", str(begun), str(tmp_path / "small")]) == 2
