"""Running a grid: what is trained, adopted, left to others, or refused before anything is trained."""

import shutil
from dataclasses import replace

import pytest
from filelock import FileLock

from dfdetect.models.build import build_model
from dfdetect.recipe import Recipe, write_recipe
from dfdetect.report import __main__ as report
from dfdetect.report import running
from dfdetect.report.comparisons import COMPARISONS, read_comparisons
from dfdetect.report.reading import read_experiment
from dfdetect.report.results import add_result, read_results
from dfdetect.report.scores import SCORES
from dfdetect.runs.environment import hardware
from dfdetect.runs.folder import Run

pytestmark = pytest.mark.usefixtures("light")

CNN, MESO, BOTH = "custom_cnn, base", "meso4, base", "both, base"


def test_a_test_fold_of_one_class_fails_before_the_first_is_trained(declare, uneven_folds, tmp_path):
    folder = declare(declare.text.replace("folds = 2", "folds = 3"))
    command = ["run", str(folder), "--manifest", str(uneven_folds), "--runs", str(tmp_path / "runs")]
    only = ["--only", "model=custom_cnn", "--only", "regime=base", "--profile", "folds"]
    assert report.main([*command, *only]) == 1
    (result,) = read_results(folder)
    assert "fold 3 of 3: split 'test' has 0 real and 3 fake faces" in result.reason
    assert not list((tmp_path / "runs").glob("custom_cnn*"))


def test_a_manifest_without_test_faces_fails_before_anything_is_trained(declare, write_squares, tmp_path):
    manifest = write_squares(tmp_path / "data", train=8, val=8, test=0)
    command = ["run", str(declare()), "--manifest", str(manifest), "--runs", str(tmp_path / "runs")]
    assert report.main([*command, "--only", "model=custom_cnn", "--only", "regime=base"]) == 1
    (result,) = read_results(tmp_path / "reports" / "tiny")
    assert "split 'test' has 0 real and 0 fake faces" in result.reason
    assert not list((tmp_path / "runs").glob("custom_cnn*"))


def test_an_ensemble_finds_its_members_however_the_manifest_was_called(
    declare, trained, tmp_path, monkeypatch
):
    folder, (manifest, _) = declare(), trained
    base = ["run", str(folder), "--runs", str(tmp_path / "runs"), "--only", "regime=base"]
    members = ["--only", "model=custom_cnn", "--only", "model=meso4"]
    assert report.main([*base, "--manifest", str(manifest), *members]) == 0
    monkeypatch.chdir(manifest.parent)
    ensemble = [*base, "--manifest", manifest.name, "--only", "model=both"]
    (member,) = (tmp_path / "runs").glob("meso4-*")
    member.rename(tmp_path / "away")
    assert report.main(ensemble) == 1
    (tmp_path / "away").rename(member)
    assert report.main(ensemble) == 0
    assert read_results(folder)[-1].members


def test_cells_whose_run_folders_are_gone_are_compared_by_the_kept_scores(grid, tmp_path, capsys):
    folder, _, command, _ = grid
    elsewhere = [*command[:-1], str(tmp_path / "new"), "--only", "model=custom_cnn", "--only", "regime=base"]
    first = read_comparisons(folder)
    assert first
    (folder / COMPARISONS).unlink()
    capsys.readouterr()
    assert report.main(elsewhere) == 0
    assert "stay out of comparisons" not in capsys.readouterr().out
    assert read_comparisons(folder) == first


def test_a_grid_of_an_earlier_version_gets_the_scores_that_it_did_not_keep(grid):
    folder, _, command, _ = grid
    kept = {path: path.read_bytes() for path in (folder / SCORES).iterdir()}
    assert {path.name for path in kept} == {
        f"{run}.csv.gz" for result in read_results(folder) for run in result.runs
    }
    shutil.rmtree(folder / SCORES)
    report.main(command)
    assert {path: path.read_bytes() for path in (folder / SCORES).iterdir()} == kept


def test_a_cell_whose_run_folder_is_gone_is_run_again_when_asked(grid, tmp_path, capsys):
    folder, _, command, _ = grid
    elsewhere = [*command[:-1], str(tmp_path / "new"), "--only", "model=custom_cnn", "--only", "regime=base"]
    before = len(read_results(folder))
    shutil.rmtree(folder / SCORES)
    assert report.main(elsewhere) == 0
    assert "results stay out of comparisons: their scores are neither in" in capsys.readouterr().out
    assert len(read_results(folder)) == before
    assert report.main([*elsewhere, "--again"]) == 0
    assert "custom_cnn, base: its run folder is gone: accuracy" in capsys.readouterr().out
    assert len(read_results(folder)) == before + 1
    assert list((tmp_path / "new").glob("custom_cnn-*"))
    assert report.main([*elsewhere, "--again"]) == 0
    assert len(read_results(folder)) == before + 1


def test_results_follow_their_predictions(grid, tmp_path, capsys):
    """A run trained again under its name, or a metric defined anew: no comparison of what no table shows."""
    folder, runs, command, _ = grid
    copy = tmp_path / "runs"
    shutil.copytree(runs, copy)
    old = read_results(folder)[0]
    (copy / old.runs[0] / "predictions-test.csv").write_text("other\n1\n")
    other = [*command[:-1], str(copy), "--only", "regime=l2"]
    capsys.readouterr()
    assert report.main(other) == 0
    assert "custom_cnn, base stays out of comparisons: " in capsys.readouterr().out
    run = Run(copy / old.runs[0])
    scores = Run(runs / old.runs[0]).predictions("test")
    run.write_predictions("test", replace(scores, p_fake=1 - scores.p_fake))
    assert report.main(other) == 0
    assert "its scores are now others" in capsys.readouterr().out
    other[-1] = "model=custom_cnn"
    assert report.main(other) == 0
    assert "custom_cnn, base: done before, its predictions measured again" in capsys.readouterr().out
    new = read_results(folder)[-1]
    assert new.estimate("auc", "face").value == pytest.approx(1 - old.estimate("auc", "face").value)
    assert new.parts[0]["n_train"] == old.parts[0]["n_train"]
    assert new.roc != old.roc


def test_a_run_that_began_otherwise_than_its_cell_fails(declare, trained, monkeypatch):
    manifest, runs = trained
    folder = declare()
    monkeypatch.setattr(running, "same_start", lambda wanted, run: False)
    command = ["run", str(folder), "--manifest", str(manifest), "--runs", str(runs)]
    assert report.main([*command, "--only", "model=custom_cnn", "--only", "regime=base"]) == 1
    assert "trained weights; the cell starts from published ones" in read_results(folder)[-1].reason


def test_trained_weights_are_refused_before_anything_is_trained(declare, trained, tmp_path, monkeypatch):
    manifest, runs = trained
    folder = declare(declare.text.replace('recipe = { model = "meso4" }', 'recipe = { model = "mobilenet" }'))
    build_model("mobilenet", image_size=32).save_weights(tmp_path / "whole.weights.h5")
    monkeypatch.setattr(running, "train", lambda *_: pytest.fail("it trains"))
    command = ["run", str(folder), "--manifest", str(manifest), "--runs", str(runs), "--only", "model=meso4"]
    assert report.main([*command, "--weights", f"mobilenet={tmp_path / 'whole.weights.h5'}"]) == 1
    assert "trained weights; the cell starts from published ones" in read_results(folder)[-1].reason


def test_a_folder_that_has_a_cells_name_alone_is_not_its_result(declare, trained, tmp_path):
    folder, manifest = declare(), trained[0]
    command = [
        "run",
        str(folder),
        "--manifest",
        str(manifest),
        "--runs",
        str(tmp_path),
        "--only",
        "model=both",
    ]
    only = ["--only", "model=custom_cnn", "--only", "model=meso4", "--only", "regime=base"]
    assert report.main([*command, *only]) == 0
    runs = {result.at["model"]: Run(tmp_path / result.runs[0]) for result in read_results(folder)}
    write_recipe(runs["meso4"].recipe_file, runs["meso4"].recipe().with_changes(learning_rate=0.5))
    combined = runs["both"].recipe()
    write_recipe(runs["both"].recipe_file, replace(combined, options={"combine": "stacked"}))
    (folder / "results.jsonl").unlink()

    assert report.main([*command, *only]) == 1

    reasons = {result.at["model"]: result.reason for result in read_results(folder)}
    assert reasons["custom_cnn"] == ""
    assert "holds a run with learning_rate 0.5, not 0.0003" in reasons["meso4"]
    assert "holds another ensemble" in reasons["both"]


def test_a_cell_that_another_process_has_is_left_to_it(declare, trained, tmp_path, capsys, monkeypatch):
    folder, (manifest, _) = declare(), trained
    command = ["run", str(folder), "--manifest", str(manifest), "--runs", str(tmp_path / "runs")]
    monkeypatch.setattr(running, "_folder_name", lambda *args: "cell")
    (tmp_path / "runs").mkdir()
    with FileLock(tmp_path / "runs" / ".cell.lock"):
        assert report.main([*command, "--only", "model=custom_cnn", "--only", "regime=base"]) == 1
    assert "custom_cnn, base: another process is running it" in capsys.readouterr().out
    assert not (tmp_path / "runs" / "cell").exists()


def test_the_time_that_cells_need_is_that_of_their_model_or_of_any(declare, measured):
    experiment, here = read_experiment(declare()), {"python": "3.11", **hardware()}
    data = {"manifest_sha256": "m", "sample_set": False, "sources": []}
    cells = {cell.name: cell for cell in experiment.cells()}
    done = [
        measured(experiment, CNN, data=data, seconds=60.0, environment=here),
        measured(experiment, CNN, data=data, seconds=90.0, folds=2, environment=here),
        measured(experiment, BOTH, data=data, seconds=0.0, members=[{}, {}], environment=here),
        measured(experiment, CNN, data=data, seconds=1.0, environment={**here, "devices": ["a faster one"]}),
        measured(experiment, CNN, data=data, seconds=1.0),
    ]
    # 150 s for three trainings of the CNN on a machine like this; an ensemble trains nothing, and says
    # nothing of others.
    assert running._expected(done, cells[CNN], "full") == 50
    assert running._expected(done, cells[MESO], "full") == 50
    assert running._expected(done, cells[BOTH], "full") == 0
    assert running._expected(done, cells[CNN], "tiny") is None
    assert running._expected(done[2:], cells[CNN], "full") is None


@pytest.mark.parametrize(
    ("weights", "replaced"), [("vit.npz", True), ("imagenet", True), ("", True), ("none", False)]
)
def test_a_local_file_stands_for_any_weights_that_a_cell_declares(tmp_path, weights, replaced):
    setup = running.Setup("cpu", "", tmp_path, weights={"mobilenet": "here/file"})

    assert (setup.recipe(Recipe(model="mobilenet", weights=weights)).weights == "here/file") == replaced


def test_listing_draws_no_sample_set_and_counts_results_of_the_one_drawn_last(
    declare, measured, tmp_path, monkeypatch, capsys
):
    def fail():
        raise AssertionError("the sample set was drawn")

    monkeypatch.setenv("DFDETECT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("dfdetect.data.opening.sample_manifest", fail)
    folder = declare()
    experiment = read_experiment(folder)
    for digest, drawn in (("older", True), ("last", True), ("a manifest's", False)):
        data = {"manifest_sha256": digest, "sample_set": drawn, "sources": []}
        names = (CNN, MESO) if digest == "older" else (CNN,)
        for name in names:
            add_result(experiment.folder, measured(experiment, name, data=data))
    assert report.main(["run", str(folder), "--list", "--only", "regime=base", "--profile", "full"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if CNN in line).strip() != f"{CNN}: missing"
    assert f"  {MESO}: missing on this manifest, measured on another" in lines
    assert lines[-1] == running.NOT_DRAWN


def test_what_another_report_has_measured_is_not_trained_again(grid, declare, tmp_path, capsys, monkeypatch):
    first, _, command, _ = grid
    # Its axis has another name, and an ensemble of the same members.
    text = declare.text.replace("regime", "way").replace(
        'custom_cnn = { title = "CNN"', 'own = { title = "Own"'
    )
    text = text.replace('members = ["custom_cnn"', 'members = ["own"').replace(
        'model = "custom_cnn",', 'model = "own",'
    )
    text = text.replace('only = { model = ["custom_cnn"]', 'only = { model = ["own"]')
    second = declare(text, "second")
    monkeypatch.setattr(running, "train", lambda *_: pytest.fail("it trains"))
    new = ["run", str(second), *command[2:-1], str(tmp_path / "new"), "--only", "way=base"]
    new += ["--only", "model=own", "--only", "model=both"]
    report.main([*new, "--list"])
    listed = capsys.readouterr().out
    assert "own, base: missing here, measured in tiny" in listed
    assert "0 trainings left" in listed
    assert report.main(new) == 0
    assert "own, base: measured in tiny: accuracy" in capsys.readouterr().out
    theirs = {result.at["model"]: result for result in read_results(first) if result.at["regime"] == "base"}
    for result in read_results(second):
        other = theirs["custom_cnn" if result.at["model"] == "own" else "both"]
        assert replace(result, at=other.at) == other
        (run,) = result.runs
        assert (second / SCORES / f"{run}.csv.gz").read_bytes() == (
            first / SCORES / f"{run}.csv.gz"
        ).read_bytes()
    assert len(read_results(second)) == 2


def test_another_recipe_or_data_or_lost_scores_are_not_taken_over(grid, declare, write_squares, tmp_path):
    first, _, command, _ = grid
    only = ["--only", "model=meso4"]
    other = declare(declare.text.replace("epochs = 1", "epochs = 2"), "other")
    same = declare(declare.text, "same")

    def trainings(folder, manifest, place):
        report.main(["run", str(folder), "--manifest", str(manifest), "--runs", str(place), *only])
        return len(list(place.glob("meso4-*")))

    assert trainings(other, command[3], tmp_path / "a") == 1
    assert trainings(same, write_squares(tmp_path / "b", train=8, val=8, test=8), tmp_path / "c") == 1
    assert trainings(same, command[3], tmp_path / "d") == 0
    (same / "results.jsonl").unlink()
    shutil.rmtree(first / SCORES)
    assert trainings(same, command[3], tmp_path / "e") == 1
