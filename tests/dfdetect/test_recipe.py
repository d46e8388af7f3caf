"""The recipe: TOML and flags, limits, and what a wrong value says."""

import argparse
from dataclasses import fields

import pytest

from dfdetect.cli import add_recipe_flags, recipe_from_flags
from dfdetect.recipe import Recipe, from_mapping, read_recipe, write_recipe
from face_extraction.errors import InputError


def parse(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_recipe_flags(parser)
    return parser.parse_args(argv)


def test_toml_returns_what_was_written(tmp_path):
    recipe = Recipe(model="vgg16", learning_rate=1e-5, options={"units": 3, "name": 'a "b"', "on": True})
    write_recipe(tmp_path / "r.toml", recipe)
    assert read_recipe(tmp_path / "r.toml") == recipe


def test_every_field_has_a_flag_and_a_help_text():
    args = parse()
    for item in fields(Recipe):
        assert getattr(args, item.name) is None, item.name
        assert item.metadata["help"]


def test_the_help_tells_every_default():
    parser = argparse.ArgumentParser()
    add_recipe_flags(parser)
    helps = {action.dest: action.help for action in parser._actions}
    for item in fields(Recipe):
        assert helps[item.name].count(" (default: ") == 1, item.name
    assert helps["l2"].endswith("(default: 0.0)")
    assert helps["partial_weights"].endswith("(default: no)")
    assert helps["image_size"].endswith("(default: the model's own)")


def test_flags_go_over_the_file_and_the_file_over_the_base(tmp_path):
    (tmp_path / "r.toml").write_text('model = "vgg16"\nepochs = 7\n[options]\na = 1\nb = 2\n')
    args = parse(
        "--recipe", str(tmp_path / "r.toml"), "--epochs", "3", "--option", "b=0.5", "--option", "c=x"
    )
    recipe = recipe_from_flags(args, Recipe(batch_size=5, epochs=9))
    assert (recipe.model, recipe.epochs) == ("vgg16", 3)
    assert recipe.options == {"a": 1, "b": 0.5, "c": "x"}
    assert recipe.batch_size == 5


def test_a_flag_can_turn_off_what_the_file_turns_on(tmp_path):
    (tmp_path / "r.toml").write_text("partial_weights = true\n")
    file = ("--recipe", str(tmp_path / "r.toml"))
    assert recipe_from_flags(parse(*file), Recipe()).partial_weights
    assert not recipe_from_flags(parse(*file, "--no-partial-weights"), Recipe()).partial_weights


def test_a_flag_can_set_zero_over_a_base():
    assert recipe_from_flags(parse("--dropout", "0", "--epochs", "0"), Recipe(dropout=0.5)).dropout == 0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"learnin_rate": 1.0}, ["learnin_rate", "nearest: learning_rate"]),
        ({"optimizer": "adm"}, ["'adm'", "nearest: adam"]),
        ({"learning_rate": 0.0}, ["learning_rate 0.0", "above 0"]),
        ({"learning_rate": float("nan")}, ["learning_rate nan", "above 0"]),
        ({"dropout": 1.0}, ["dropout 1.0", "at least 0 and at most 0.95"]),
        ({"epochs": 1.5}, ["epochs 1.5", "a whole number"]),
        ({"epochs": True}, ["epochs True", "a whole number"]),
        ({"batch_size": 0}, ["batch_size 0", "at least 1"]),
        ({"trainable": "last:0"}, ["'last:0'", "last:N"]),
        ({"trainable": "last:²"}, ["'last:²'", "last:N"]),
        ({"l2": float("inf")}, ["l2 inf", "a finite number and at least 0"]),
        ({"trainable": "last"}, ["'last'", "all, head, norm, last:N"]),
        ({"early_stopping": 3, "monitor": "epoch"}, ["early_stopping 3", "accepted: val_auc"]),
        ({"normalisation": "imagenet"}, ["normalisation 'imagenet'", "own"]),
        ({"options": {"a": [1]}}, ["options"]),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(values, words):
    with pytest.raises(InputError) as error:
        from_mapping(values, "some.toml")
    text = str(error.value)
    assert "\n" not in text
    assert text.startswith("some.toml: ")
    for word in words:
        assert word in text


def test_a_file_that_is_not_toml_is_named(tmp_path):
    (tmp_path / "bad.toml").write_text("model = [")
    with pytest.raises(InputError, match=r"bad\.toml: not a TOML file"):
        read_recipe(tmp_path / "bad.toml")
    with pytest.raises(InputError, match=r"none\.toml: no such file"):
        read_recipe(tmp_path / "none.toml")


def test_an_option_without_a_value_is_refused():
    with pytest.raises(InputError, match="NAME=VALUE"):
        recipe_from_flags(parse("--option", "units"), Recipe())
