"""Cross-validation: every face is tested once, finished folds are kept."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dfdetect.crossval import __main__ as crossval
from dfdetect.crossval import crossvalidation
from dfdetect.data.opening import open_trainings
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.metrics.folds import Fold
from dfdetect.predictions import Predictions
from dfdetect.runs.folder import Run
from face_extraction.manifest import FaceSample, read_manifest

pytestmark = pytest.mark.usefixtures("light")

SMALL = "--model custom_cnn --image-size 32 --batch-size 8 --epochs 1 --augment none --val-share 0.3".split()


def fold(number, right, n=20, n_train=40):
    """A fold of `n` faces of which `right` are called right."""
    samples = [FaceSample(f"{i}.png", i % 2, "test", str(i)) for i in range(n)]
    scores = np.array([(s.label if i < right else 1 - s.label) * 0.8 + 0.1 for i, s in enumerate(samples)])
    return Fold(number, compute_metrics(Predictions(samples, scores), threshold=0.5, resamples=0), n_train, n)


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
