"""What weights saw before: groups of parents' rows, counted by hand."""

import json
import shutil
from dataclasses import replace

import pytest

from dfdetect.crossval import __main__ as crossval
from dfdetect.data.opening import open_data
from dfdetect.ensemble import __main__ as ensemble
from dfdetect.evaluate import __main__ as evaluate
from dfdetect.models.shipped import pretrained_folder
from dfdetect.recipe import ENSEMBLE, Recipe, write_recipe
from dfdetect.report.declared import Cell
from dfdetect.report.recording import record
from dfdetect.runs.build import build_from_recipe
from dfdetect.runs.folder import Run, started_from
from dfdetect.runs.lineage import random_backbone, scoring_leaks, seen_before, training_leaks
from dfdetect.train import __main__ as train
from face_extraction.digest import file_digest
from face_extraction.errors import InputError
from face_extraction.manifest import FaceSample, manifest_hash, read_manifest, write_manifest

pytestmark = pytest.mark.usefixtures("light")

CHOSE = "1 of the groups scored chose the epoch or the threshold: their numbers are optimistic."
SEEN = "were trained or validated on by"


@pytest.fixture
def make_run(tmp_path):
    """Writes a run's recipe and what it records of a manifest with these groups in each split."""

    def make(name, weights="none", /, epochs=1, model="xception", **groups):
        manifest = tmp_path / f"{name}.csv"
        write_manifest(
            manifest,
            [
                FaceSample(f"{group}-{label}.png", label, split, group, source="s")
                for split, names in groups.items()
                for group in names
                for label in (0, 1)
            ],
        )
        run = Run(tmp_path / name)
        weights = str(weights.folder) if isinstance(weights, Run) else weights
        recipe = Recipe(model=model, weights=weights, manifest=str(manifest), epochs=epochs)
        write_recipe(run.recipe_file, recipe)
        run.write_environment({"manifest": str(manifest), "manifest_sha256": manifest_hash(manifest)})
        return run

    return make


def told(run):
    recipe = run.recipe()
    return training_leaks(recipe, open_data(recipe))


def test_the_same_split_or_one_apart_says_nothing(make_run):
    head = make_run("head", train="abcd", val="ef", test="gh")
    assert told(head) == []
    assert told(make_run("tuned", head, train="abcd", val="ef", test="gh")) == []
    assert told(make_run("apart", head, train="abcd", val="ef", test="xy")) == []
    # Groups that chose the parent's epoch and choose this run's are as they should be.
    assert told(make_run("grown", head, train="abcdx", val="ef", test="gh")) == []


def test_groups_of_the_parents_training_and_choice_are_counted(make_run):
    head = make_run("head", train="abcd", val="ef", test="gh")
    (line,) = told(make_run("torn", head, train="gh", val="ax", test="bcey"))
    assert line.startswith(f"4 of the groups scored were trained or validated on by {head.folder}, whose")


def test_the_chain_is_followed_and_a_weights_file_of_a_run_counts(make_run):
    first = make_run("first", train="ab", val="c", test="d")
    first.weights.write_bytes(b"")
    second = make_run("second", str(first.weights), train="ef", val="g", test="h")
    third = make_run("third", second, train="ij", val="k", test="aex")
    (line,) = told(third)
    assert line.startswith(f"2 of the groups scored {SEEN} {second.folder} and {first.folder},")
    assert scoring_leaks(third, read_manifest(first.folder.with_suffix(".csv"))) == [
        f"3 of the groups scored {SEEN} {first.folder}, whose weights this run "
        "started from: these numbers do not measure skill."
    ]
    assert scoring_leaks(second, [FaceSample("e.png", 0, "test", "e", source="s")]) == [
        "1 of the groups scored were trained on: these numbers do not measure skill."
    ]


def test_a_run_that_only_scores_its_weights_has_seen_nothing(make_run):
    idle = make_run("idle", epochs=0, train="ab", val="c", test="d")
    assert told(make_run("next", idle, train="cd", val="a", test="b")) == []
    assert scoring_leaks(idle, open_data(idle.recipe()).samples) == [CHOSE]  # the threshold
    taught = make_run("taught", train="ab", val="c", test="d")
    same = make_run("same", taught, epochs=0, train="ab", val="c", test="d")
    assert told(same) == []
    (line,) = scoring_leaks(same, [FaceSample("a.png", 0, "train", "a", source="s")])
    assert line.startswith(f"1 of the groups scored {SEEN} {taught.folder},")


def test_validation_groups_that_are_scored_again_chose_something(make_run):
    run = make_run("run", train="ab", val="c", test="d")
    assert scoring_leaks(run, [FaceSample("c.png", 0, "val", "c", source="s")]) == [CHOSE]
    trained, chose = scoring_leaks(run, open_data(run.recipe()).samples)
    assert trained.startswith("2 of the groups scored were trained on")
    assert chose == CHOSE
    assert scoring_leaks(run, [FaceSample("d.png", 0, "test", "d", source="s")]) == []


def test_members_of_an_ensemble_are_asked_too(make_run):
    start = make_run("start", train="ab", val="c", test="d")
    member = make_run("member", start, train="cd", val="e", test="f")
    both = make_run("both", train="cd", val="e", test="f", model="ensemble")
    write_recipe(both.folder / "members" / "01.toml", member.recipe())
    (line,) = scoring_leaks(both, [FaceSample("a.png", 0, "test", "a", source="s")])
    assert str(start.folder) in line


def test_records_of_other_members_than_there_are_are_refused(make_run):
    both = make_run("both", train="cd", val="e", test="f", model="ensemble")
    write_recipe(both.folder / "members" / "01.toml", replace(both.recipe(), model="xception"))
    for starts, told in (
        ([{}, {}], r"environment\.json: members_starts tells of 2, and the folder members/ holds 1"),
        ([{"weights_sha256": 3}], r"environment\.json: Expected `str`, got `int` - at `\$\.members_starts"),
    ):
        facts = {"manifest": both.recipe().manifest, "manifest_sha256": "", "members_starts": starts}
        both.write_environment(facts)
        with pytest.raises(InputError, match=told):
            scoring_leaks(both, [FaceSample("a.png", 0, "test", "a", source="s")])


def test_an_ensemble_has_trained_if_any_member_has(make_run):
    """The recipe of an ensemble is the first member's, which here only scores its weights."""
    both = make_run("both", train="cd", val="e", test="f", model="ensemble", epochs=0)
    for number, epochs in enumerate((0, 1), start=1):
        part = replace(both.recipe(), model="xception", epochs=epochs)
        write_recipe(both.folder / "members" / f"{number:02d}.toml", part)
    (line,) = scoring_leaks(both, [FaceSample("c.png", 0, "test", "c", source="s")])
    assert line.startswith("1 of the groups scored were trained on")


@pytest.mark.parametrize(
    ("changes", "layers"),
    [
        ({"weights": "x.h5", "partial_weights": True}, ["block1_conv1"]),
        ({"weights": "x.h5"}, []),
        ({"weights": "none", "partial_weights": True}, []),
        ({"model": ENSEMBLE, "weights": "none"}, ["block1_conv1"]),
    ],
    ids=str,
)
def test_layers_before_the_head_are_told_where_a_weights_file_should_have_filled_them(
    tmp_path, changes, layers
):
    run = Run(tmp_path)
    write_recipe(run.recipe_file, Recipe(**changes))
    random = ["block1_conv1", "head_dense", "logit"]
    run.write_environment({"manifest_sha256": "digest", "random_layers": random})
    assert random_backbone(run) == layers


def test_what_is_not_known_is_said_once(make_run):
    first = make_run("first", train="ab", val="c", test="d")
    second = make_run("second", first, train="ef", val="g", test="h")
    third = make_run("third", second, train="ij", val="k", test="l")
    for run in (first, second):
        run.folder.with_suffix(".csv").unlink()
    words = (
        f"The run or the manifest of {second.folder} and {first.folder} is gone or changed: "
        "its training data are unknown."
    )
    assert told(third) == [words]
    write_recipe(first.recipe_file, replace(first.recipe(), weights="runs/gone"))
    assert told(third) == [words.replace(str(second.folder), f"runs/gone and {second.folder}")]


def test_a_run_that_was_emptied_is_gone(make_run):
    first = make_run("first", train="ab", val="c", test="d")
    second = make_run("second", first, train="ef", val="g", test="h")
    shutil.rmtree(first.folder)
    first.folder.mkdir()
    assert scoring_leaks(second, [FaceSample("x.png", 0, "test", "x", source="s")]) == [
        f"The run or the manifest of {first.folder} is gone or changed: its training data are unknown."
    ]


def test_folders_with_names_of_published_weights_are_not_meant(make_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("imagenet", "none"):
        (tmp_path / name).mkdir()
        assert started_from(Recipe(weights=name)) is None
    assert told(make_run("first", "imagenet", train="ab", val="c", test="d")) == []


def test_a_run_that_was_trained_anew_is_not_known(make_run):
    """Its folder tells of the new training alone, which has other weights and may have other groups."""
    first = make_run("first", train="ab", val="c", test="d")
    first.weights.write_bytes(b"old")
    second = make_run("second", first, train="ef", val="g", test="a")
    start = {"weights_sha256": file_digest(first.weights)}
    second.write_environment(second.environment() | start)
    both = make_run("both", train="ef", val="g", test="a", model="ensemble")
    write_recipe(both.folder / "members" / "01.toml", second.recipe())
    both.write_environment(both.environment() | {"members_starts": [start]})
    scored = [FaceSample("a.png", 0, "test", "a", source="s")]
    for run in (second, both):
        (line,) = scoring_leaks(run, scored)
        assert line.startswith(f"1 of the groups scored {SEEN} {first.folder},")
    first = make_run("first", train="x", val="y", test="z")
    first.weights.write_bytes(b"new")
    for run in (second, both):
        assert scoring_leaks(run, scored) == [
            f"The run or the manifest of {first.folder} is gone or changed: its training data are unknown."
        ]


def test_all_that_a_search_parted_into_folds_was_trained_on(make_run):
    fold = make_run("fold", train="abcd", val="ef", test="gh")
    child = make_run("child", fold, train="abcd", val="ef", test="gh")
    assert told(child) == []
    fold.write_environment(fold.environment() | {"search_fold": [1, 3]})
    (line,) = told(child)
    assert line.startswith(f"2 of the groups scored {SEEN} {fold.folder},")
    assert scoring_leaks(fold, [FaceSample("e.png", 0, "val", "e", source="s")]) == [
        "1 of the groups scored were trained on: these numbers do not measure skill."
    ]


def test_what_was_typed_in_one_working_directory_is_found_from_another(make_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = make_run("first", train="ab", val="c", test="d")
    first.weights.write_bytes(b"")
    run = make_run("second", "first", train="ef", val="g", test="a")
    write_recipe(run.recipe_file, replace(run.recipe(), manifest="second.csv"))
    facts = {"manifest": "second.csv", "weights_source": "first/best.weights.h5"}
    run.write_environment(run.environment() | facts)
    scored = [FaceSample("a.png", 0, "test", "a", source="s")]
    (line,) = scoring_leaks(run, scored)
    assert line.startswith(f"1 of the groups scored {SEEN} first,")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (line,) = scoring_leaks(run, scored)
    assert line.startswith(f"1 of the groups scored {SEEN} {tmp_path / 'first'},")
    assert run.recipe().weights == "first"


def test_a_run_named_by_its_weights_file_is_told_of_when_that_is_deleted(make_run):
    first = make_run("first", train="ab", val="c", test="d")
    second = make_run("second", str(first.weights), train="ef", val="g", test="h")
    third = make_run("third", second, train="ij", val="k", test="a")
    (line,) = told(third)  # the recipe says what it was trained on
    assert line.startswith(f"1 of the groups scored {SEEN} {first.folder},")
    first.recipe_file.unlink()
    assert told(third) == [
        f"The run or the manifest of {first.weights} is gone or changed: its training data are unknown."
    ]
    write_recipe(second.recipe_file, replace(second.recipe(), weights="elsewhere.h5"))
    assert told(third) == []


def test_it_is_told_wherever_numbers_are(make_manifest, tmp_path, capsys):
    manifest = make_manifest(train=24, val=12, test=12)
    run, folds = Run(tmp_path / "first"), tmp_path / "folds"
    recipe = Recipe(model="custom_cnn", image_size=32, weights="none", manifest=str(manifest))
    write_recipe(run.recipe_file, recipe)
    run.write_environment({"manifest": str(manifest), "manifest_sha256": manifest_hash(manifest)})
    build_from_recipe(recipe).save_weights(run.weights)
    command = [
        "--model", "custom_cnn", "--image-size", "32", "--manifest", str(manifest),
        "--weights", str(run.folder), "--epochs", "0", "--folds", "2", "--val-share", "0.3",
        "--out", str(folds),
    ]  # fmt: skip

    assert crossval.main(command) == 0
    printed = capsys.readouterr().out
    for words in ("\n> **Note.** Fold 1: ", f"groups scored {SEEN} {run.folder}"):
        assert words in printed
        assert words in "\n" + (folds / "crossval.md").read_text()
    for name in ("index.html", "MODEL_CARD.md"):
        assert f"groups scored {SEEN}" in (folds / "fold-1" / name).read_text()
    fold = Run(folds / "fold-1")
    assert evaluate.main([str(fold.folder), "--split", "all", "--name", "again"]) == 0
    chose, line = fold.evaluation("again").leaks()
    assert "groups scored chose the epoch or the threshold" in chose
    assert f"groups scored {SEEN} {run.folder}" in line
    assert line not in fold.leaks()  # more groups were scored just now than by the fold
    assert line in capsys.readouterr().out


def test_an_ensemble_and_a_report_tell_what_members_weights_saw(make_manifest, tmp_path, capsys):
    manifest = make_manifest(train=24, val=12, test=12)
    whole, small = tmp_path / "whole", tmp_path / "small"
    model = "--model custom_cnn --image-size 32 --epochs 1 --batch-size 8 --manifest".split()
    assert train.main([*model, str(manifest), "--split", "group", "--seed", "3", "--out", str(whole)]) == 0
    start = [*model, str(manifest), "--weights", str(whole), "--out", str(small)]
    assert train.main(start) == 0
    (line,) = Run(small).leaks()
    assert f"groups scored {SEEN} {whole}" in line
    both = tmp_path / "both"
    copy = shutil.copytree(small, tmp_path / "copy")
    assert ensemble.main([str(small), str(copy), "--out", str(both)]) == 0
    for name in ("small", "copy"):
        assert f"{name}: {line.partition(' by ')[0]}" in (both / "MODEL_CARD.md").read_text()
    cell = Cell({"model": "custom_cnn"}, Run(small).recipe())
    result = record(cell, "full", [Run(small)], open_data(Run(small).recipe()))
    assert str(tmp_path) not in json.dumps([result.weights, result.data, result.environment])
    assert result.weights["leaks"] == [line.replace(f"{tmp_path}/", "")]


def test_a_detector_that_ships_has_no_training_data_beside_it():
    face = FaceSample("a.png", 0, "test", "g")
    assert seen_before(Run(pretrained_folder()), [face]).told == [
        "small ships without its training data: whether it has seen these faces is unknown."
    ]
