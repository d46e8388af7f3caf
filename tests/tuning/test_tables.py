"""The tables of a search: what is known of each case, and which trial is the best."""

from dfdetect.metrics.estimates import DASH
from dfdetect.recipe import Recipe
from dfdetect.render.table import csv_rows, markdown
from tuning.rows import Row
from tuning.tables import Trials, ablation, importance, trial_table

FACTS = {"val_loss": 0.5, "val_accuracy": 0.75, "val_auc": 0.8, "seconds": 1.23456, "features": True}
ROWS = [
    Row("a", 0, "failed", None, {"learning_rate": 1e-3}, {"reason": "x | y"}),
    Row("a", 1, "done", 0.8, {"learning_rate": 1e-4, "options.width": 2}, FACTS),
    Row("a", 2, "done", 0.7, {"learning_rate": 1e-2}, FACTS),
]


def test_the_best_trial_is_marked_and_a_failed_one_has_its_reason():
    table = trial_table(ROWS, "val_auc")
    assert table.best == 1
    assert table.titles[:5] == ["Trial", "State", "val_auc", "Learning rate", "Width"]
    assert csv_rows(table)[0] == ["a #0", "failed", DASH, "0.001", "", "", "", "", "x | y"]
    assert csv_rows(table)[1] == ["a #1", "done", "0.8000", "0.0001", "2", "", "1.235", "once", ""]
    assert trial_table(ROWS[:1], "val_auc").best is None


def test_a_case_without_importances_says_why():
    known = {"learning_rate": 0.75, "options.width": 0.25}
    table = importance({"a": known, "b": "all trials have the same score"})
    assert table.titles == ["Case", "Learning rate", "Width", "Why none"]
    assert csv_rows(table) == [
        ["a", "0.750", "0.250", ""],
        ["b", DASH, DASH, "all trials have the same score"],
    ]
    assert importance({"a": known}).titles == ["Case", "Learning rate", "Width"]


def test_a_reason_with_a_bar_keeps_its_cell_in_markdown():
    recipes = {row.label: Recipe(model="vgg16", optimizer="sgd", learning_rate=0.01) for row in ROWS}
    head, _, failed, *_ = markdown(ablation(Trials(ROWS, recipes, {}))).splitlines()
    assert head == "| Optimizer | Learning rate | Width | Score | Model type | AUC | Trial |"
    assert failed == f"| sgd | 0.01 |  | failed: x \\| y | a | {DASH} | 0 |"
