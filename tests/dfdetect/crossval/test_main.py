"""The command of cross-validation: its flags, its folder, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest

from dfdetect.crossval import __main__ as crossval
from dfdetect.crossval import crossvalidation
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.metrics.folds import Fold
from dfdetect.predictions import Predictions
from dfdetect.train import __main__ as train
from face_extraction.atomic import write_text
from face_extraction.manifest import FaceSample

pytestmark = pytest.mark.usefixtures("light")

SMALL = "--model custom_cnn --image-size 32 --batch-size 8 --epochs 1 --augment none --val-share 0.3".split()


def fold(number, right, n=20, n_train=40):
    """A fold of `n` faces of which `right` are called right."""
    samples = [FaceSample(f"{i}.png", i % 2, "test", str(i)) for i in range(n)]
    scores = np.array([(s.label if i < right else 1 - s.label) * 0.8 + 0.1 for i, s in enumerate(samples)])
    return Fold(number, compute_metrics(Predictions(samples, scores), threshold=0.5, resamples=0), n_train, n)


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
    assert f"{run}: a run folder" in capsys.readouterr().err
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
    assert "--fold 2: crossval trains every fold" in capsys.readouterr().err


def test_the_share_of_a_test_is_the_folds_choice(capsys):
    assert crossval.main([*SMALL, "--folds", "3", "--test-share", "0.2"]) == 2
    assert "--test-share 0.2: crossval tests each fold once, so --folds decides" in capsys.readouterr().err


def test_one_fold_is_refused(capsys):
    assert crossval.main(["--folds", "1"]) == 2
    assert "folds 1, fold 1; accepted: 2 folds or more" in capsys.readouterr().err


def test_the_manifests_split_is_not_offered(capsys):
    """It is one split, and no folds."""
    for arguments in (["--help"], ["--split", "manifest"]):
        with pytest.raises(SystemExit):
            crossval.main(arguments)
    out, error = capsys.readouterr()
    assert "--split {group,random}" in out
    assert "invalid choice: 'manifest'" in error


def test_weights_and_a_folder_that_cannot_be_are_refused_before_data_are_opened(
    manifest, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(
        "dfdetect.data.opening.open_training_data", lambda *_: pytest.fail("data were opened")
    )
    (tmp_path / "file").write_text("")
    for flags, words in (
        (["--weights", "nowhere.h5"], "nowhere.h5: no such weights file"),
        (["--out", str(tmp_path / "file")], "file: not a folder; give another --out"),
    ):
        assert crossval.main([*SMALL, "--manifest", str(manifest), *flags]) == 2
        assert words in capsys.readouterr().err
