"""Cross-validation: every face tested once, folds kept, averages as computed by hand."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dfdetect.crossval import __main__ as crossval
from dfdetect.crossval import crossvalidation
from dfdetect.data.opening import Data, open_trainings
from dfdetect.metrics.estimates import Estimate, compute_metrics
from dfdetect.metrics.folds import Fold, summarise
from dfdetect.predictions import Predictions
from dfdetect.runs.folder import Run
from dfdetect.train import __main__ as train
from face_extraction.atomic import write_text
from face_extraction.manifest import FaceSample, read_manifest

SMALL = "--model custom_cnn --image-size 32 --batch-size 8 --epochs 1 --augment none --val-share 0.3".split()


def fold(number, right, n=20, n_train=40):
    """A fold of `n` faces of which `right` are called right."""
    samples = [FaceSample(f"{i}.png", i % 2, "test", str(i)) for i in range(n)]
    scores = np.array([(s.label if i < right else 1 - s.label) * 0.8 + 0.1 for i, s in enumerate(samples)])
    return Fold(number, compute_metrics(Predictions(samples, scores), threshold=0.5, resamples=0), n_train, n)


def test_averages_and_the_corrected_interval_are_those_computed_by_hand():
    result = summarise([fold(1, 16), fold(2, 18), fold(3, 20)])
    accuracy = result.averages["accuracy"]
    assert accuracy.value == pytest.approx(0.9)
    # Accuracies .8, .9, 1: s = .1; Student's t with 2 degrees at .975 is 4.30265; n_test/n_train = 1/2.
    half = 4.30265 * 0.1 * np.sqrt(1 / 3 + 1 / 2)
    assert accuracy.value - accuracy.low == pytest.approx(half, rel=1e-4)
    assert accuracy.high == 1  # not 1.29
    assert result.averages["log_loss"].high > 1
    assert result.confusion == ((9.0, 1.0), (1.0, 9.0))
    # Of 15 called right 8 are real, of 17 there are 9; each class has 10.
    assert summarise([fold(1, 15), fold(2, 17)]).confusion == ((8.5, 1.5), (2.5, 7.5))


def test_clips_are_counted_alike_in_training_and_in_the_test():
    """One video of two people is two clips of a model over time, though it has one score."""
    rows = [
        FaceSample(f"{split}-{video}-{person}-{frame}.png", 1, split, video, video, frame, person=person)
        for split, videos in (("train", "ab"), ("test", "c"))
        for video in videos
        for person in (1, 2)
        for frame in range(4)
    ]
    data = Data(Path("manifest.csv"), rows, "", ())
    assert [data.count(split, 4) for split in ("train", "test")] == [4, 2]
    assert [data.count(split, 0) for split in ("train", "test")] == [16, 8]


def test_folds_that_agree_tell_no_interval():
    accuracy = summarise([fold(1, 14), fold(2, 14), fold(3, 14)]).averages["accuracy"]
    assert str(accuracy) == "0.700 [–]"


def test_every_face_is_tested_once_and_finished_folds_are_kept(make_manifest, tmp_path, capsys):
    manifest = make_manifest(train=36, val=18, test=18)
    out = tmp_path / "cv"
    command = [*SMALL, "--manifest", str(manifest), "--out", str(out), "--folds", "3"]
    assert crossval.main(command) == 0
    tested = [s.path for k in (1, 2, 3) for s in Run(out / f"fold-{k}").predictions("test").samples]
    assert sorted(tested) == sorted(sample.path for sample in read_manifest(manifest))
    table = (out / "crossval.md").read_text()
    assert "3-fold cross-validation, split by group" in table
    assert "| average |" in table
    record = json.loads((out / "crossval.json").read_text())
    values = [part["metrics"]["estimates"]["auc"]["value"] for part in record["folds"]]
    assert record["averages"]["auc"]["value"] == pytest.approx(np.mean(values))
    for part in record["folds"]:
        fold = Run(out / f"fold-{part['fold']}")
        held = {split: len(fold.predictions(split)) for split in ("val", "test")}
        assert part["metrics"]["n"] == held["test"]
        assert part["n_train"] == len(tested) - held["val"] - held["test"]

    before = {k: (out / f"fold-{k}" / "best.weights.h5").stat().st_mtime_ns for k in (1, 2, 3)}
    (out / "fold-3" / "metrics.json").unlink()  # as if it had been cut before its end
    (out / "fold-3" / "best.weights.h5").unlink()
    assert crossval.main(command) == 0
    after = {k: (out / f"fold-{k}" / "best.weights.h5").stat().st_mtime_ns for k in (1, 2, 3)}
    assert [before[k] == after[k] for k in (1, 2, 3)] == [True, True, False]
    assert (out / "crossval.md").read_text() == table


@pytest.mark.parametrize(
    ("fields", "flags", "expected"),
    [
        ("", [], ("group", 3)),
        ('split = "random"\nfolds = 5\nfold = 2\n', [], ("random", 5)),
        ('split = "random"\nfolds = 5\n', [], ("random", 5)),
        ("folds = 5\n", [], ("group", 5)),
        ('split = "random"\nfolds = 5\nfold = 2\n', ["--folds", "2", "--split", "group"], ("group", 2)),
    ],
)
def test_a_recipes_own_folds_and_split_count_unless_flags_say_otherwise(
    tmp_path, monkeypatch, make_manifest, fields, flags, expected
):
    made = {}

    def watch(recipe, folder, conditions):
        made.update(split=recipe.split, folds=recipe.folds, fold=recipe.fold)
        (folder / "crossval.md").parent.mkdir(parents=True)
        (folder / "crossval.md").write_text("")

    monkeypatch.setattr(crossvalidation, "cross_validate", watch)
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        f'model = "custom_cnn"\nmanifest = "{make_manifest(train=36, val=18, test=18)}"\n{fields}'
    )
    assert crossval.main(["--recipe", str(recipe), "--out", str(tmp_path / "cv"), *flags]) == 0
    assert (made["split"], made["folds"], made["fold"]) == (*expected, 1)


def test_its_folder_is_not_that_of_a_training_of_its_first_fold(make_manifest, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = [*SMALL, "--manifest", str(make_manifest(train=36, val=18, test=18)), "--epochs", "0"]
    command += ["--folds", "2", "--split", "group"]
    assert train.main([*command, "--fold", "1"]) == 0
    (run,) = (tmp_path / "runs").iterdir()
    assert crossval.main([*command, "--out", str(run)]) == 2
    assert f"{run}: a run's folder" in capsys.readouterr().err
    assert not (run / "fold-1").exists()
    given = []

    def watch(recipe, folder, conditions):
        given.append(folder)
        write_text(folder / "crossval.md", "")

    monkeypatch.setattr(crossvalidation, "cross_validate", watch)
    for _ in range(2):
        assert crossval.main(command) == 0
    assert given == [Path("runs") / f"crossval-{run.name}"] * 2


def test_one_fold_alone_is_refused(capsys):
    assert crossval.main([*SMALL, "--folds", "3", "--fold", "2"]) == 2
    assert "--fold 2: every fold is trained here" in capsys.readouterr().err


def test_the_notices_of_all_folds_stand_in_the_table_once(make_manifest, tmp_path, monkeypatch):
    def noticed(recipe):
        parts = enumerate(open_trainings(recipe), start=1)
        return [(part, replace(data, notices=("of all", f"of {k}"))) for k, (part, data) in parts]

    monkeypatch.setattr(crossvalidation, "open_trainings", noticed)
    manifest = make_manifest(train=36, val=18, test=18)
    command = [*SMALL, "--epochs", "0", "--manifest", str(manifest), "--out", str(tmp_path / "cv")]
    assert crossval.main([*command, "--folds", "2"]) == 0
    notes = [
        line.removeprefix("> **Note.** ")
        for line in (tmp_path / "cv" / "crossval.md").read_text().splitlines()
        if line.startswith("> ")
    ]
    assert notes == ["of all", "of 1", "of 2"]


def test_a_random_split_is_named_as_a_leak(make_manifest, tmp_path, capsys):
    manifest = make_manifest(train=36, val=18, test=18)
    command = [*SMALL, "--manifest", str(manifest), "--out", str(tmp_path / "cv"), "--folds", "2"]
    assert crossval.main([*command, "--split", "random"]) == 0
    assert "Split at random over faces" in (tmp_path / "cv" / "crossval.md").read_text()
    assert "Split at random over faces" in (tmp_path / "cv" / "fold-1" / "index.html").read_text()
    assert "no group stands in two splits" not in (tmp_path / "cv" / "fold-1" / "MODEL_CARD.md").read_text()


def test_a_test_fold_of_one_class_is_refused_before_any_is_trained(uneven_folds, tmp_path, capsys):
    command = [*SMALL, "--manifest", str(uneven_folds), "--out", str(tmp_path / "cv")]
    assert crossval.main([*command, "--folds", "3"]) == 2
    assert not (tmp_path / "cv").exists()
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "fold 3 of 3: split 'test' has 0 real and 3 fake faces; accepted: at least one of each" in error
    assert "another --seed" in error


def test_an_average_that_is_not_defined_is_written_as_null():
    assert Estimate(0.5, math.nan, math.nan).to_dict() == {"value": 0.5, "low": None, "high": None}
    assert Estimate(math.nan, math.nan, math.nan).to_dict()["value"] is None


def test_one_fold_is_refused(capsys):
    assert crossval.main(["--folds", "1"]) == 2
    assert "folds 1, fold 1; accepted: 2 folds or more" in capsys.readouterr().err


def test_folds_of_unequal_size_and_an_interval_that_would_fall_below_zero():
    result = summarise([fold(1, 0), fold(2, 2), fold(3, 4, n_train=20)])
    accuracy = result.averages["accuracy"]
    # Accuracies 0, .1, .2: s = .1; n_test/n_train is 1/2, 1/2 and 1: 2/3 on average.
    assert accuracy.low == 0  # not -.33
    assert accuracy.high == pytest.approx(0.1 + 4.30265 * 0.1 * np.sqrt(1 / 3 + 2 / 3), rel=1e-4)


def test_the_manifests_split_is_not_offered(capsys):
    """It is one split, and no folds."""
    for arguments in (["--help"], ["--split", "manifest"]):
        with pytest.raises(SystemExit):
            crossval.main(arguments)
    out, error = capsys.readouterr()
    assert "--split {group,random}" in out
    assert "invalid choice: 'manifest'" in error
