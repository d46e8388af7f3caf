"""The committed reports: what a reader sees follows from what was typed in and measured."""

from pathlib import Path

from dfdetect.models.registry import family
from dfdetect.report import __main__ as report
from dfdetect.report.declared import find_experiments

ROOT = Path(__file__).resolve().parents[3]


def test_the_committed_tables_are_those_that_would_be_rendered_now(monkeypatch):
    monkeypatch.chdir(ROOT)

    assert report.main(["tables", "--check"]) == 0


def test_report_b_fine_tunes_the_blocks_that_each_family_names():
    (experiment,) = (one for one in find_experiments(ROOT / "reports") if one.name == "report_b")
    tuned = [cell.recipe for cell in experiment.cells() if cell.at["regime"] == "with"]

    assert {recipe.model: recipe.trainable for recipe in tuned} == {
        recipe.model: family(recipe.model).report_b for recipe in tuned
    }
    assert len(tuned) == 7
