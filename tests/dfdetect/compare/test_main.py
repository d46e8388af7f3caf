"""The comparison of two runs: which scores it takes, and what it says of them first."""

import numpy as np
import pytest

from dfdetect.compare import __main__ as compare
from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe, write_recipe
from dfdetect.runs.folder import Run
from face_extraction.manifest import FaceSample


@pytest.fixture
def make_run(tmp_path):
    """Writes a finished run that scored 24 faces of 12 videos, in as many groups."""

    def make(name, splits=("val", "test"), leaks=(), **fields):
        recipe = Recipe(**fields)
        run = Run(tmp_path / name)
        write_recipe(run.recipe_file, recipe)
        run.write_environment({"manifest_sha256": "", "leaks": list(leaks)})
        metrics = {}
        for split in splits:
            rows = range(24)
            samples = [
                FaceSample(f"{n}.png", n // 2 % 2, split, f"g{n // 2}", f"clip-{n // 2}") for n in rows
            ]
            p_fake = np.random.default_rng(len(name)).uniform(0, 1, len(samples))
            predictions = Predictions(samples, p_fake)
            run.write_predictions(split, predictions)
            metrics[split] = {
                level: compute_metrics(predictions, threshold=0.5, level=level, resamples=10)
                for level in recipe.levels
            }
        run.write_metrics(0.5, metrics)
        return run

    return make


def test_clips_are_compared_by_one_score_each(make_run, capsys):
    runs = [make_run(name) for name in ("a", "bb")]
    folders = [str(run.folder) for run in runs]
    assert compare.main(folders) == 0
    assert "24 faces of 12 groups" in capsys.readouterr().out
    assert compare.main([*folders, "--level", "video"]) == 0
    shown = capsys.readouterr().out
    assert "12 videos of 12 groups" in shown
    first, second = (run.metrics()["test"]["video"].estimates["auc"].value for run in runs)
    assert f"{first - second:.3f} [" in shown


def test_what_makes_numbers_too_high_is_said_first(make_run, capsys):
    first = make_run("a", split="random")
    second = make_run("bb", leaks=["2 of the groups scored were trained on."])
    assert compare.main([str(first.folder), str(second.folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{first.folder}: Split at random over faces, as some reports did")
    assert lines[1] == f"{second.folder}: 2 of the groups scored were trained on."
    assert lines[2].startswith("24 faces")


def test_an_evaluation_of_all_rows_is_compared(make_run, tmp_path, capsys):
    folders = []
    for name in ("a", "bb"):
        folders.append(str(make_run(name, splits=("all",)).folder))
        Run(tmp_path / name).recipe_file.unlink()  # an evaluation has none
    assert compare.main([*folders, "--split", "all"]) == 0
    assert "24 faces" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--split", "train"], "bb: no metrics of split 'train'; it has: val, test"),
        (["--level", "face"], "bb: no metrics of level 'face'; it has: video"),
    ],
)
def test_what_was_not_measured_is_named(make_run, capsys, arguments, words):
    first = make_run("a", splits=("train", "val", "test"))
    second = make_run("bb", frames=4 if "--level" in arguments else 0)
    assert compare.main([str(first.folder), str(second.folder), *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_run_that_is_not_finished_is_refused(make_run, capsys):
    first, second = make_run("a"), make_run("bb")
    second.metrics_file.unlink()
    assert compare.main([str(first.folder), str(second.folder)]) == 2
    assert "bb: the run is not finished" in capsys.readouterr().err


def test_a_run_is_not_compared_with_itself(make_run, capsys):
    run = make_run("a")
    assert compare.main([str(run.folder), str(run.folder / ".." / "a")]) == 2
    assert "named twice; accepted: each folder once" in capsys.readouterr().err
