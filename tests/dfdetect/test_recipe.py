"""The recipe: TOML, limits, and what a wrong value says."""

import pytest

from dfdetect.recipe import Recipe, from_mapping, read_recipe, write_recipe
from face_extraction.errors import InputError


def test_toml_returns_what_was_written(tmp_path):
    recipe = Recipe(model="vgg16", learning_rate=1e-5, options={"units": 3, "name": 'a "b"', "on": True})
    write_recipe(tmp_path / "r.toml", recipe)
    assert read_recipe(tmp_path / "r.toml") == recipe


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"learnin_rate": 1.0}, ["learnin_rate", "nearest: learning_rate"]),
        ({"optimizer": "adm"}, ["'adm'", "nearest: adam"]),
        ({"learning_rate": 0.0}, ["learning_rate 0.0", "above 0"]),
        ({"learning_rate": float("nan")}, ["learning_rate nan", "above 0"]),
        ({"learning_rate": 10**400}, ["learning_rate inf", "a finite number"]),
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
