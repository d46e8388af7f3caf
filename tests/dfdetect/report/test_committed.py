"""The committed reports: what a reader sees follows from what was typed in and measured."""

from pathlib import Path

import pytest

from dfdetect.models.registry import family
from dfdetect.report import __main__ as report
from dfdetect.report.comparisons import COMPARISONS, Comparison, read_entries, write_entries
from dfdetect.report.outcomes import FINDINGS, Compared
from dfdetect.report.reading import find_experiments
from dfdetect.report.results import read_results
from dfdetect.report.scores import kept_scores, still_measures

ROOT = Path(__file__).resolve().parents[3]


def test_the_committed_tables_are_those_that_would_be_rendered_now(monkeypatch):
    monkeypatch.chdir(ROOT)

    assert report.main(["tables", "--check"]) == 0


@pytest.mark.parametrize(("name", "kind"), [(COMPARISONS, Comparison), (FINDINGS, Compared)])
def test_committed_comparisons_written_again_are_the_same_bytes(name, kind, tmp_path):
    files = [*(ROOT / "reports").glob(f"*/{name}")]
    assert files
    for file in files:
        write_entries(tmp_path / name, read_entries(file, kind))
        assert (tmp_path / name).read_bytes() == file.read_bytes()


def test_the_kept_scores_of_each_committed_result_give_its_numbers():
    checked = 0
    for experiment in find_experiments(ROOT / "reports"):
        # A cell that was trained again has a later line, and the scores of that training.
        latest = {tuple(result.runs): result for result in read_results(experiment.folder)}
        for result in latest.values():
            scores = kept_scores(experiment.folder, result)
            if scores is not None:
                assert still_measures(result, scores), result.runs
                checked += 1
    assert checked


def test_no_committed_result_is_of_a_size_that_only_shows_that_cells_run():
    for experiment in find_experiments(ROOT / "reports"):
        assert not [
            result for result in read_results(experiment.folder) if experiment.profiles[result.profile].smoke
        ]


def test_report_b_fine_tunes_the_blocks_that_each_family_names():
    (experiment,) = (one for one in find_experiments(ROOT / "reports") if one.name == "report_b")
    tuned = [cell.recipe for cell in experiment.cells() if cell.at["regime"] == "with"]

    assert {recipe.model: recipe.trainable for recipe in tuned} == {
        recipe.model: family(recipe.model).report_b for recipe in tuned
    }
    assert len(tuned) == 7


@pytest.mark.parametrize("name", ["report_a", "report_b", "report_d", "report_e"])
def test_size_cpu_tests_enough_faces_for_intervals_of_a_twentieth(name):
    (experiment,) = (one for one in find_experiments(ROOT / "reports") if one.name == name)
    for cell in experiment.cells("cpu"):
        recipe = cell.recipe
        tested = (
            2 * recipe.per_class * (1 if recipe.folds else recipe.test_share)
        )  # folds test each face once
        assert 2 * 1.96 * 0.5 / tested**0.5 <= 0.05, cell.name


def test_at_size_cpu_report_d_shares_trainings_with_report_a():
    recipes = {
        experiment.name: [cell.recipe for cell in experiment.cells("cpu") if not cell.members]
        for experiment in find_experiments(ROOT / "reports")
        if experiment.name in ("report_a", "report_d")
    }

    own = [recipe.model for recipe in recipes["report_d"] if recipe not in recipes["report_a"]]

    assert own == ["swin_t"] * 3


@pytest.mark.parametrize("name", ["report_a", "report_b", "report_d", "report_e"])
def test_every_finding_that_a_report_claims_rests_on_cells_of_size_cpu(name):
    (experiment,) = (one for one in find_experiments(ROOT / "reports") if one.name == name)
    cells = [cell.at for cell in experiment.cells("cpu")]
    assert len(experiment.findings) >= 2
    assert all(at in cells for finding in experiment.findings for at in finding.points)


@pytest.mark.parametrize("report_name", ["report_a", "report_b", "report_d", "report_e"])
def test_at_size_cpu_no_frozen_layer_is_random_but_under_a_head_alone(report_name):
    (experiment,) = (one for one in find_experiments(ROOT / "reports") if one.name == report_name)
    for cell in experiment.cells("cpu"):
        if cell.recipe.weights == "none" and not cell.members:
            assert cell.recipe.trainable in ("all", "head"), cell.name
