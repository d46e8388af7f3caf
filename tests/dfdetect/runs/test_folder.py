"""Run folders that are damaged, or come from a stranger."""

import dataclasses
import hashlib
import json
import random
import shutil
from pathlib import Path

import pytest

from dfdetect.models.shipped import pretrained_folder
from dfdetect.recipe import Recipe, write_recipe
from dfdetect.runs.build import build_from_recipe, load_model
from dfdetect.runs.folder import Run, default_name, started_from
from dfdetect.train.__main__ import main as train
from face_extraction.errors import InputError

SMALL = "--model custom_cnn --image-size 32 --batch-size 8 --epochs 1 --augment none --dropout 0".split()


@pytest.fixture(scope="module")
def finished(write_squares, tmp_path_factory, lightly):
    folder = tmp_path_factory.mktemp("runs")
    manifest = write_squares(folder / "data")
    with lightly():
        assert train([*SMALL, "--manifest", str(manifest), "--out", str(folder / "run")]) == 0
    return Run(folder / "run")


@pytest.fixture
def run(finished, tmp_path):
    """A copy that a test may damage."""
    shutil.copytree(finished.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def read_all(run):
    """All that other commands read back of a run."""
    run.require_finished()
    return (run.threshold(), run.metrics(), run.environment(), run.cautions(), run.history(), load_model(run))


DEEP = "[" * 100_000
DAMAGED = {
    "metrics.json": (
        *("{}", "[]", "null", "", DEEP),
        '{"threshold": NaN, "splits": {}}',
        '{"threshold": 2, "splits": {}}',
        '{"threshold": "0.5", "splits": {}}',
        '{"threshold": 0.5, "splits": {"test": {"face": {}}}}',
        '{"threshold": 0.5, "splits": {}, "n": ' + "9" * 10_000 + "}",
    ),
    "environment.json": (
        *("[]", "null", "", "{}", DEEP),
        '{"manifest_sha256": 3}',
        '{"manifest_sha256": "a", "leaks": "text"}',
    ),
    "recipe.toml": (
        *("model = 3", "model = 'ensemble'", "options = 5", "x = 1", "[["),
        *("frames = 1000000", "image_size = 60000", "image_size = 1" + "0" * 30),
    ),
    "history.csv": ("epoch,loss\n1,x\n", "epoch,loss\n1,2,3\n"),
    "best.weights.h5": ("", "text"),
}
CASES = [(name, content) for name, contents in DAMAGED.items() for content in contents]


@pytest.mark.parametrize(("name", "content"), CASES)
def test_a_damaged_file_is_one_line_that_names_it(run, name, content):
    (run.folder / name).write_text(content)
    with pytest.raises(InputError) as error:
        read_all(run)
    line = str(error.value)
    assert str(run.folder) in line
    assert "\n" not in line
    assert len(line) < 600


def mutated(value, rng):
    """A JSON value with one thing in it replaced, taken away or nested."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        name = rng.choice(sorted(value))
        if rng.random() < 0.2:
            return {key: inside for key, inside in value.items() if key != name}
        return {**value, name: mutated(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        place = rng.randrange(len(value))
        return [*value[:place], mutated(value[place], rng), *value[place + 1 :]]
    return rng.choice([None, True, -1, 1e308, 10**30, "text", "", [], {}, [value], {"a": value}])


@pytest.mark.parametrize("name", ["metrics.json", "environment.json"])
def test_a_mutated_record_is_read_or_refused_in_a_line(run, name, monkeypatch):
    monkeypatch.setattr(f"{__name__}.load_model", lambda run: None)
    original = json.loads((run.folder / name).read_text())
    lines = []
    for seed in range(300):
        (run.folder / name).write_text(json.dumps(mutated(original, random.Random(seed))))
        try:
            threshold, metrics, *_ = read_all(run)
        except InputError as error:
            lines.append(str(error))
        else:
            assert 0 <= threshold <= 1
            assert all(levels["face"].estimates["auc"] for levels in metrics.values() if "face" in levels)
    assert len(lines) > 30
    assert all(str(run.folder) in line and "\n" not in line for line in lines)


def test_an_ensemble_without_members_is_refused(run):
    write_recipe(run.recipe_file, Recipe(model="ensemble", options={"combine": "mean"}))
    with pytest.raises(InputError, match="needs the recipes of 2 models"):
        load_model(run)


@pytest.mark.parametrize("name", ["model", "frames", "image_size", "normalisation"])
def test_a_recipe_that_lost_what_decides_the_scores_is_refused(run, name):
    lines = run.recipe_file.read_text().splitlines(keepends=True)
    run.recipe_file.write_text("".join(line for line in lines if not line.startswith(f"{name} =")))
    with pytest.raises(InputError, match=rf"recipe\.toml: lacks {name}, which the recipe of a run states"):
        run.recipe()


def test_weights_of_another_run_are_refused(run):
    """They fit the model, but metrics, threshold and calibration do not describe them."""
    load_model(run)
    model = build_from_recipe(dataclasses.replace(run.recipe(), seed=7))
    model.save_weights(run.weights)
    with pytest.raises(InputError, match=r"h5: not the weights that the run was measured with"):
        load_model(run)


def test_a_manifest_that_is_a_device_is_refused(run):
    facts = run.environment() | {"manifest": "/dev/zero"}
    (run.folder / "environment.json").write_text(json.dumps(facts))
    from dfdetect.evaluate.__main__ import main

    assert main([str(run.folder)]) == 2


def test_a_folder_of_runs_names_them(finished, run):
    accepted = f"{finished.folder.parent}: a folder of runs; choose one: {finished.folder}"
    with pytest.raises(InputError) as error:
        Run(finished.folder.parent).threshold()
    assert str(error.value) == accepted
    (run.folder / "metrics.json").unlink()
    shutil.copytree(finished.folder, run.folder / "fold-1")
    with pytest.raises(InputError, match=r"a folder of runs; choose one: \S+/fold-1$"):
        run.require_finished()


@pytest.mark.parametrize(("count", "left"), [(10, ""), (11, " and 1 more"), (13, " and 3 more")])
def test_of_many_runs_ten_are_named_and_the_rest_counted(tmp_path, monkeypatch, count, left):
    names = [f"run-{number:04d}" for number in range(count)]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.json").touch()
        (tmp_path / name / "recipe.toml").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        Run(Path()).recipe()
    assert str(error.value).partition("choose one: ")[2] == ", ".join(names[:10]) + left


RECIPE = Recipe(epochs=4, batch_size=8, learning_rate=0.02, augment="report-c", weight_decay=0.01)


def test_another_recipe_in_the_folder_is_refused_by_its_first_difference(tmp_path):
    run = Run(tmp_path / "run")
    run.begin(RECIPE, "other")
    run.begin(RECIPE, "digest")  # nothing is lost: no epoch was finished
    run.checkpoint.write_bytes(b"an epoch")
    with pytest.raises(InputError, match="manifest_sha256 'digest', not 'other'"):
        run.begin(RECIPE, "other")
    with pytest.raises(InputError, match="epochs 4, not 5"):
        run.begin(dataclasses.replace(RECIPE, epochs=5), "digest")


def test_other_weights_under_the_same_name_are_refused(tmp_path):
    weights, run = tmp_path / "a.weights.h5", Run(tmp_path / "run")
    weights.write_bytes(b"old")
    recipe = dataclasses.replace(RECIPE, weights=str(weights))
    run.begin(recipe, "digest")
    run.checkpoint.write_bytes(b"an epoch")
    run.begin(recipe, "digest")
    weights.write_bytes(b"new")
    with pytest.raises(InputError, match=f"weights_sha256 '{hashlib.sha256(b'old').hexdigest()}', not '"):
        run.begin(recipe, "digest")
    weights.unlink()
    run.begin(recipe, "digest")


def test_a_kill_before_the_recipe_was_written_blocks_nothing(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".tmp-1-recipe.toml").write_text("model = ")
    run = Run(tmp_path / "run")
    run.begin(RECIPE, "digest")
    assert run.recipe() == RECIPE
    assert sorted(path.name for path in run.folder.iterdir()) == ["environment.json", "recipe.toml"]


def test_what_a_training_left_before_its_first_checkpoint_is_no_part_of_the_next(tmp_path):
    """Faces would be cut for prediction as those of the former training were."""
    run = Run(tmp_path / "run")
    run.begin(RECIPE, "digest")
    for name in ("extraction.toml", "history.csv", "epoch-0001.weights.h5"):
        (run.folder / name).write_text("old")
    (run.folder / ".tmp-export").mkdir()
    (run.folder / ".tmp-export" / "model.tflite").write_text("half")
    (run.folder / "figures").mkdir()
    (run.folder / "figures" / ".tmp-1-roc.png").write_text("half")
    run.begin(RECIPE, "other")
    left = sorted(path.name for path in run.folder.rglob("*") if path.is_file())
    assert left == ["environment.json", "recipe.toml"]


def test_a_finished_run_leaves_alone_what_another_process_writes_there(tmp_path):
    run = Run(tmp_path / "run")
    run.begin(RECIPE, "digest")
    run.metrics_file.write_text("{}")
    (run.folder / ".tmp-export").mkdir()
    run.begin(RECIPE, "digest")
    assert (run.folder / ".tmp-export").is_dir()


def test_the_folder_of_weights_is_left_out(tmp_path):
    run = Run(tmp_path)
    digest = {"manifest_sha256": ""}
    run.write_environment(
        digest | {"weights_source": "../own/x.h5", "weights": "../own/x.h5 (1 of 2 parameters)"}
    )
    assert run.origin() == "x.h5 (1 of 2 parameters)"
    run.write_environment(digest | {"weights_source": "none", "weights": "random"})
    assert run.origin() == "random"


def test_a_run_has_its_folders_name_whatever_path_leads_there(tmp_path, monkeypatch):
    (tmp_path / "mine" / "inside").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    monkeypatch.chdir(tmp_path / "mine")
    paths = (tmp_path / "mine", Path("."), Path("inside") / "..", tmp_path / "link")
    assert [Run(path).name for path in paths] == ["mine"] * 4


def test_faces_that_a_shipped_detector_scored_lie_outside_the_package(run):
    shipped = Run(pretrained_folder())
    assert shipped.evaluation("dfdc").folder == Path("runs", shipped.name, "evaluations", "dfdc")
    assert run.evaluation("dfdc").folder == run.folder / "evaluations" / "dfdc"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "/a"])
def test_an_evaluation_stays_in_its_run(tmp_path, name):
    with pytest.raises(InputError, match="accepted: a plain name"):
        Run(tmp_path).evaluation(name)


def test_a_manifest_that_changed_since_the_training_is_refused(tmp_path):
    run = Run(tmp_path / "run")
    run.begin(RECIPE, "digest")
    run.check_manifest(Path("faces.csv"), "digest")
    with pytest.raises(InputError, match=r"faces\.csv: changed since .*run was trained"):
        run.check_manifest(Path("faces.csv"), "other")


def test_a_recipe_starts_from_a_run_by_its_folder_or_its_weights_file(tmp_path):
    run = Run(tmp_path / "run")
    run.begin(RECIPE, "digest")
    for weights in (run.folder, run.weights):
        assert started_from(Recipe(weights=str(weights))) == run
    for weights in ("none", "imagenet", run.folder / "other.weights.h5", tmp_path / "best.weights.h5"):
        assert started_from(Recipe(weights=str(weights))) is None
    with pytest.raises(InputError, match="not a run folder"):
        started_from(Recipe(weights=str(tmp_path)))


def test_a_file_of_the_name_of_published_weights_is_not_taken_for_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("none", "imagenet"):
        Path(name).write_bytes(b"something else")
        run = Run(tmp_path / f"run-{name}")
        run.begin(Recipe(weights=name), "digest")
        run.write_environment(run.environment() | {"weights_source": name})
        assert run.environment() == {
            "manifest_sha256": "digest",
            "weights_sha256": "",
            "weights_source": name,
        }


def test_the_default_name_shows_the_model_and_changes_with_the_recipe_and_the_data():
    recipes = (RECIPE, dataclasses.replace(RECIPE, seed=1), dataclasses.replace(RECIPE, model="meso4"))
    names = [default_name(recipe, digest) for recipe in recipes for digest in ("one", "other")]
    assert len(set(names)) == 6
    assert [name.rpartition("-")[0] for name in names] == [RECIPE.model] * 4 + ["meso4"] * 2
    assert default_name(dataclasses.replace(RECIPE), "one") == names[0]
