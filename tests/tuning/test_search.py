"""Searches from the command to the page, on drawn crops."""

import csv
import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from dfdetect.data.opening import Data, open_training_data
from dfdetect.recipe import Conditions, Recipe, read_recipe
from dfdetect.runs.checkpoint import save_weights
from dfdetect.runs.folder import Run
from dfdetect.train import __main__ as train
from face_extraction.errors import InputError
from face_extraction.ledger import read_ledger
from face_extraction.manifest import FaceSample
from tuning import __main__ as tuning
from tuning.job import parse_job
from tuning.opening import Place, open_search
from tuning.rows import Row
from tuning.search import best_recipe
from tuning.store import MAX_ATTEMPTS
from tuning.trial import SearchStopped, Trainer, parts_of, why_failed

pytestmark = pytest.mark.usefixtures("light")

SPACE = """
strategy = "grid"
trials = 10
objective = "val_auc"

[space]
"""


@pytest.fixture
def command(manifest, tmp_path):
    """The arguments of a small search over the space given."""

    def make(space, *more):
        (tmp_path / "job.toml").write_text(SPACE + space)
        small = "--model custom_cnn --image-size 32 --epochs 2 --augment none --trainable head"
        paths = ["--manifest", str(manifest), "--job", str(tmp_path / "job.toml")]
        return [*small.split(), "--batch-size", "16", *paths, "--out", str(tmp_path / "best.toml"), *more]

    return make


@pytest.fixture
def untrained():
    """Trials end at once with a made-up history; their weights are those that they started with."""

    def fit(model, recipe, stores, run, *, watch):
        history = []
        for epoch in range(1, recipe.epochs + 1):
            row = {"epoch": epoch, "learning_rate": recipe.learning_rate, "loss": 1.0, "accuracy": 0.5}
            row |= {"val_loss": 1.0, "val_accuracy": 0.5, "val_auc": 0.5 + epoch / 10, "seconds": 0.1}
            history.append(row)
            run.write_history(history)
            watch(row)
        save_weights(run.weights, model)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tuning.trial.fit", fit)
        yield


def rows(tmp_path):
    with (tmp_path / "best" / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_no_test_face_is_read_and_the_recipe_replays_to_its_score(command, manifest, tmp_path, capsys):
    hidden = manifest.parent / "hidden"
    hidden.mkdir()
    tests = list((manifest.parent / "faces").glob("test-*.png"))
    for path in tests:
        path.replace(hidden / path.name)
    arguments = command("learning_rate = [1e-4, 1e-2]")
    assert tuning.main(arguments) == 0
    assert "best: val_auc" in capsys.readouterr().out
    found = rows(tmp_path)
    assert [row["state"] for row in found] == ["done", "done"]
    best = max(float(row["score"]) for row in found)

    for path in tests:
        (hidden / path.name).replace(path)
    assert train.main(["--recipe", str(tmp_path / "best.toml"), "--out", str(tmp_path / "run")]) == 0
    history = Run(tmp_path / "run").history()
    assert max(row["val_auc"] for row in history) == pytest.approx(best, abs=1e-3)
    assert read_recipe(tmp_path / "best.toml").monitor == "val_auc"

    folder = tmp_path / "best"
    for name in ("index.html", "ablation.md", "ablation.csv", "trials.jsonl", "figures/history.png"):
        assert (folder / name).is_file()
    weights = list((folder / "trials").rglob("*.weights.h5"))
    assert len(weights) == 1  # the best trial's
    assert "| Optimizer | Learning rate | Score | Model type |" in (folder / "ablation.md").read_text()

    # The same command goes on, and finds nothing to do; another one is refused.
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("history.csv")}
    assert tuning.main(arguments) == 0
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("history.csv")} == before
    assert tuning.main([*arguments, "--seed", "7"]) == 2
    assert "holds a search with another recipe, seed: 0, not 7; give" in capsys.readouterr().err
    assert tuning.main([*arguments, "--dense-units", "4", "--overwrite", "--trials", "1"]) == 0
    assert len(rows(tmp_path)) == 1


def test_a_trial_that_diverges_is_a_row_with_its_reason(command, tmp_path, capsys):
    assert tuning.main(command('optimizer = ["sgd"]\nlearning_rate = [1e30, 1e-2]')) == 1
    failed, done = rows(tmp_path)
    assert (failed["state"], done["state"]) == ("failed", "done")
    assert "diverged" in failed["reason"] or "NaN" in failed["reason"]
    assert "1 of 2 trials failed" in capsys.readouterr().out
    assert read_recipe(tmp_path / "best.toml").learning_rate == 1e-2
    assert "diverged" in (tmp_path / "best" / "index.html").read_text()


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("done", [0, 1])
def test_an_interrupted_search_leaves_what_it_found(done, command, tmp_path, monkeypatch):
    trains = Trainer.run

    def interrupted(*args):
        if args[2].name == f"{done:04d}":
            raise KeyboardInterrupt
        return trains(*args)

    monkeypatch.setattr(Trainer, "run", interrupted)
    assert tuning.main(command("learning_rate = [1e-2, 1e-3, 1e-4]")) == 130
    assert [row["state"] for row in rows(tmp_path)] == ["done"] * done + ["running"]
    assert (tmp_path / "best" / "index.html").is_file()
    assert (tmp_path / "best.toml").is_file() == bool(done)
    monkeypatch.undo()
    assert tuning.main(command("learning_rate = [1e-2, 1e-3, 1e-4]")) == 0
    assert [row["state"] for row in rows(tmp_path)] == ["done"] * 3


def test_folds_validate_every_face_outside_the_test_split_once(manifest):
    recipe = Recipe(manifest=str(manifest))
    data = open_training_data(recipe)
    parts = parts_of(data, recipe, 3)
    outside = sorted(s.path for s in data.samples if s.split != "test")
    assert sorted(s.path for part in parts for s in part.samples if s.split == "val") == outside
    for part in parts:
        assert sorted(s.path for s in part.samples) == outside
        groups = [{s.group for s in part.samples if s.split == split} for split in ("train", "val")]
        assert not groups[0] & groups[1]


def test_with_folds_the_score_is_their_mean(command, tmp_path):
    assert tuning.main(command("learning_rate = [1e-2]", "--folds", "2")) == 0
    (row,) = rows(tmp_path)
    folder = tmp_path / "best" / "trials" / "custom_cnn" / "0000"
    each = [max(r["val_auc"] for r in Run(folder / f"fold-{k}").history()) for k in (1, 2)]
    assert float(row["score"]) == pytest.approx(sum(each) / 2)
    facts = [Run(folder / f"fold-{k}").environment() for k in (1, 2)]
    assert [found["search_fold"] for found in facts] == [[1, 2], [2, 2]]


@pytest.mark.usefixtures("untrained")
def test_a_search_of_one_case_goes_on_with_all(command, tmp_path):
    space = "learning_rate = [1e-2]\n[cases.a]\ndropout = 0.1\n[cases.b]\ndropout = 0.3\n"
    assert tuning.main(command(space, "--case", "b")) == 0
    kept = tmp_path / "best" / "trials" / "b" / "0000" / "history.csv"
    before = kept.stat().st_mtime_ns
    assert tuning.main(command(space)) == 0
    assert sorted(row["case"] for row in rows(tmp_path)) == ["a", "b"]
    assert kept.stat().st_mtime_ns == before


def test_a_case_searched_later_stands_beside_the_others_in_the_results(command, tmp_path, capsys):
    """With a rate of 1e-12 nothing is learnt, so that case b is the better one."""
    space = "dropout = [0.1]\n[cases.a]\nlearning_rate = 1e-12\n[cases.b]\nlearning_rate = 1e-2\n"
    for case in "ba":
        assert tuning.main(command(space, "--case", case, "--batch-size", "8")) == 0
    scores = {row["case"]: float(row["score"]) for row in rows(tmp_path)}
    assert scores["b"] > scores["a"]
    assert "b #0" in capsys.readouterr().out.splitlines()[-3]
    assert read_recipe(tmp_path / "best.toml").learning_rate == 1e-2
    page = (tmp_path / "best" / "index.html").read_text()
    assert "<h3>a</h3>" in page
    assert "<h3>b</h3>" in page


def test_a_model_that_varies_brings_its_own_weights_and_image_size(manifest, tmp_path, monkeypatch):
    monkeypatch.setattr("tuning.opening.build_from_recipe", lambda recipe: None)  # it would be downloaded
    space = {"model": ["custom_cnn", "xception"]}
    job = parse_job({"space": space, "recipe": {"manifest": str(manifest)}}, "mine.toml")
    search = open_search(job, [], Place(tmp_path / "search", tmp_path / "best.toml"), Conditions())
    trial = Row("xception", 1, "done", 0.9, {"model": "xception"}, {})
    recipe = best_recipe(search, trial)
    assert (recipe.model, recipe.weights, recipe.image_size) == ("xception", "imagenet", 299)


def test_reasons_of_failures():
    assert why_failed(MemoryError()) == "out of memory: MemoryError"
    kind = type("ResourceExhaustedError", (Exception,), {})
    assert why_failed(kind("OOM when allocating\nmore")) == "out of memory: OOM when allocating"
    assert why_failed(ValueError("Input contains NaN.")) == "diverged: Input contains NaN."
    assert why_failed(KeyError("x")) == "KeyError: 'x'"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "best"], "accepted: a file named *.toml"),
        (["--out", f"{__file__}/best.toml"], "not a folder; give another --out"),
        (["--learning-rate", "0.1"], "--learning-rate: the job's space varies it"),
        (["--monitor", "val_loss"], "--objective decides"),
        (["--case", "other"], "unknown case 'other'"),
        (["--job", "report_z"], "unknown job 'report_z'"),
        (["--manifest", "nowhere.csv"], "nowhere.csv: no such manifest"),
        (["--folds", "1"], "folds 1; accepted: 0, or 2 or more"),
        (["--weights", "nowhere.h5"], "nowhere.h5"),
        (["--epochs", "0"], "epochs 0 and head_epochs 0; accepted: 1 or more of either"),
        (["--devices", "99"], "--devices 99; this machine has"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(command, tmp_path, capsys, arguments, words):
    assert tuning.main([*command("learning_rate = [1e-2]"), *arguments]) == 2
    assert not (tmp_path / "best").exists()
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("python -m tuning: ")
    assert words in error


@pytest.mark.usefixtures("untrained")
def test_a_broken_crop_stops_a_search_before_it_begins_or_is_deleted(command, manifest, tmp_path, capsys):
    crop = manifest.parent / "faces" / "train-3.png"
    whole = crop.read_bytes()
    crop.write_bytes(b"x")
    arguments = command("learning_rate = [1e-2]")
    assert tuning.main(arguments) == 2
    assert "train-3.png" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "best").exists()
    crop.write_bytes(whole)
    assert tuning.main(arguments) == 0
    crop.write_bytes(b"x")
    assert tuning.main([*arguments, "--overwrite"]) == 2
    assert [row["state"] for row in rows(tmp_path)] == ["done"]


@pytest.mark.usefixtures("untrained")
def test_crops_left_out_are_listed(command, manifest, tmp_path, capsys):
    (manifest.parent / "faces" / "val-3.png").write_bytes(b"x")
    assert tuning.main(command("learning_rate = [1e-2]", "--unreadable", "skip")) == 1
    line = "Left out of training and validation: 1; unscored.csv says why."
    assert line in capsys.readouterr().out
    assert line in (tmp_path / "best" / "index.html").read_text()
    assert [row.path for row in read_ledger(tmp_path / "best" / "unscored.csv")] == ["faces/val-3.png"]


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device", "a"), SearchStopped("no face")]
)
def test_what_is_no_fault_of_a_trials_values_ends_the_search_and_fails_no_trial(
    error, command, tmp_path, monkeypatch
):
    def broken(*args):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "run", broken)
        for _ in range(MAX_ATTEMPTS + 1):
            assert tuning.main(command("learning_rate = [1e-2, 1e-3]")) == 2
    assert tuning.main(command("learning_rate = [1e-2, 1e-3]")) == 0
    assert [row["state"] for row in rows(tmp_path)] == ["done", "done"]


@pytest.mark.usefixtures("untrained")
def test_faces_lost_during_a_search_cost_one_trial(command, manifest, tmp_path, monkeypatch, capsys):
    trains = Trainer.run

    def loses(*args):
        trains(*args)
        (manifest.parent / "faces" / "train-3.png").unlink()
        raise RuntimeError("backend: no such file")

    monkeypatch.setattr(Trainer, "run", lambda *args: (loses if args[2].name == "0000" else trains)(*args))
    assert tuning.main(command("learning_rate = [1e-2, 1e-3, 1e-4]")) == 2
    assert "train-3.png" in capsys.readouterr().err.splitlines()[-1]
    assert [row["state"] for row in rows(tmp_path)] == ["failed", "running"]


@pytest.mark.usefixtures("untrained")
def test_failed_trials_are_tried_again_when_asked(command, tmp_path, monkeypatch):
    trains = Trainer.run

    def fails(*args):
        if args[2].name == "0000":
            raise RuntimeError("out of luck")
        return trains(*args)

    arguments = command("learning_rate = [1e-2, 1e-3]")
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "run", fails)
        assert tuning.main(arguments) == 1
    before = rows(tmp_path)
    assert [row["state"] for row in before] == ["failed", "done"]
    assert tuning.main(arguments) == 1
    assert rows(tmp_path) == before
    assert tuning.main([*arguments, "--retry-failed"]) == 0
    first, second = rows(tmp_path)
    assert (first["state"], first["learning_rate"], first["reason"]) == ("done", "0.01", "")
    assert second == before[1]


def test_weights_that_saw_the_validation_groups_are_told_of(command, manifest, tmp_path, capsys):
    small = "--model custom_cnn --image-size 32 --epochs 1 --batch-size 8 --augment none".split()
    run = str(tmp_path / "run")
    assert train.main([*small, "--manifest", str(manifest), "--out", run]) == 0
    assert tuning.main(command("learning_rate = [1e-2]", "--weights", run, "--folds", "2")) == 0
    printed, page = capsys.readouterr().out, (tmp_path / "best" / "index.html").read_text()
    for fold in (1, 2):
        for text in (printed, page):
            assert re.search(rf"Fold {fold}: \d+ of the groups scored were trained or validated on by", text)


@pytest.mark.usefixtures("untrained")
def test_a_search_does_not_delete_what_it_starts_from(command, tmp_path, capsys):
    assert tuning.main(command("learning_rate = [1e-2]")) == 0
    trial = tmp_path / "best" / "trials" / "custom_cnn" / "0000"
    for space, more in (
        ("learning_rate = [1e-2]", ["--weights", str(trial)]),
        (f'weights = ["none", "{trial}"]', []),
    ):
        assert tuning.main(command(space, *more, "--overwrite")) == 2
        assert f"--overwrite would delete {trial}" in capsys.readouterr().err
    assert Run(trial).weights.is_file()
    assert rows(tmp_path)


@pytest.mark.parametrize("space", ['weights = ["none", "nowhere.h5"]', 'model = ["custom_cnn", "resnet18"]'])
def test_weights_of_a_later_value_are_missed_before_training(space, command, tmp_path, capsys, monkeypatch):
    def build(recipe):
        if recipe.weights not in ("", "none"):
            raise InputError(f"{recipe.weights}: not to be had")

    monkeypatch.setattr("tuning.opening.build_from_recipe", build)
    arguments = command(space)
    if "model" in space:
        arguments = arguments[2:]
    assert tuning.main(arguments) == 2
    assert "not to be had" in capsys.readouterr().err
    assert not (tmp_path / "best").exists()


def test_folds_that_part_the_people_of_a_swap_are_told_of(tmp_path):
    swaps = [
        FaceSample(f"{n}-{m}.png", int(n != m), "train", f"id{n}", f"id{n}_id{m}_0000", source="celebdf")
        for n in range(4)
        for m in range(4)
    ]
    alone = [replace(row, video=f"id{row.group[2:]}_0000") for row in swaps]
    for rows, told in ((swaps, True), (alone, False)):
        parts = parts_of(Data(tmp_path, rows, "", ("before",)), Recipe(), 2)
        for part in parts:
            assert part.notices[0] == "before"
            assert (
                any("people in validation faces, as target or source" in line for line in part.notices)
                == told
            )


@pytest.mark.usefixtures("untrained")
def test_a_grid_that_is_not_tried_whole_says_so(command, tmp_path, capsys):
    space = "learning_rate = [1e-2, 1e-3]\ndropout = [0.0, 0.5]"
    assert tuning.main(command(space, "--trials", "1")) == 0
    line = "Grid: 1 of 4 combinations are tried, with only one value of learning_rate (0.01) and dropout (0)."
    assert line in capsys.readouterr().out
    assert line in (tmp_path / "best" / "index.html").read_text()


@pytest.mark.usefixtures("untrained")
def test_a_search_that_ends_before_its_budget_says_why(command, tmp_path, capsys):
    space = "learning_rate = [1e-2, 1e-3]"
    assert tuning.main(command(space, "--strategy", "tpe", "--trials", "5")) == 0
    line = "3 trials of the budget not run: no values are left that were not tried"
    assert line in capsys.readouterr().out
    assert len({row["learning_rate"] for row in rows(tmp_path)}) == len(rows(tmp_path)) == 2


def test_the_help_names_no_flag_that_is_refused(capsys):
    with pytest.raises(SystemExit):
        tuning.main(["--help"])
    printed = capsys.readouterr().out
    assert "--monitor" not in printed
    assert "--tensorboard" not in printed
    assert "the score is their mean" in " ".join(printed.split())


@pytest.mark.slow
def test_a_killed_search_goes_on_and_counts_nothing_twice(command, tmp_path):
    arguments = command("learning_rate = [1e-4, 1e-3, 1e-2]\ndropout = [0.0, 0.5]")
    child = subprocess.Popen([sys.executable, "-m", "tuning", *arguments], stderr=subprocess.DEVNULL)
    copy = tmp_path / "best" / "trials.jsonl"
    while not (copy.is_file() and '"COMPLETE"' in copy.read_text()):
        assert child.poll() is None
        time.sleep(0.05)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    states = [json.loads(line)["state"] for line in copy.read_text().splitlines()]
    kept = tmp_path / "best" / "trials" / "custom_cnn" / "0000" / "history.csv"
    before = kept.stat().st_mtime_ns
    assert tuning.main(arguments) == 0
    assert kept.stat().st_mtime_ns == before
    found = rows(tmp_path)
    assert [row["state"] for row in found] == ["done"] * 6
    assert len({(row["learning_rate"], row["dropout"]) for row in found}) == 6
    assert states[0] == "COMPLETE"
