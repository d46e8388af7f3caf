"""Spaces as data: what is accepted, what is refused and in which words."""

import keras_tuner
import pytest

from dfdetect.recipe import Recipe
from face_extraction.errors import InputError
from tuning.space import Axis, apply, check_space, parse_space, write_space

CONTENT = {
    "optimizer": ["sgd", "adam"],
    "learning_rate": {"low": 1e-5, "high": 1e-2, "log": True},
    "dense_units": {"low": 32, "high": 128, "step": 32},
    "dropout": [0, 0.5],
    "trainable": ["head", "last:2"],
    "options": {"units": [64, 128]},
}


def test_a_space_is_read_and_written_back():
    space = parse_space(CONTENT, "job.toml")
    assert space[0] == Axis("optimizer", values=("sgd", "adam"))
    assert space[1] == Axis("learning_rate", low=1e-5, high=1e-2, log=True)
    assert space[2].whole
    assert not space[1].whole
    assert space[3].values == (0.0, 0.5)  # dropout is a number with decimals, so 0 is 0.0
    assert [type(value) for value in space[3].values] == [float, float]
    assert space[5].name == "options.units"
    assert parse_space(write_space(space), "again") == space


@pytest.mark.parametrize(("high", "last"), [(0.6, 6), (0.55, 5), (0.64, 6)])
def test_a_range_with_a_step_has_the_same_values_for_keras_tuner(high, last):
    space = keras_tuner.HyperParameters()
    Axis("dropout", low=0.0, high=high, step=0.1).declare(space)
    (kind,) = space.space
    assert list(kind.values) == pytest.approx([number / 10 for number in range(last + 1)])


def test_values_go_into_fields_and_options():
    recipe = Recipe(model="custom_cnn", options={"units": 8})
    changed = apply(recipe, {"dropout": 0.5, "options.units": 64})
    assert (changed.dropout, changed.options) == (0.5, {"units": 64})
    assert apply(recipe, {"dropout": 0.5}).options == {"units": 8}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "the space is empty"),
        ({"learning_rat": [0.1]}, "unknown name in the space 'learning_rat' (nearest: learning_rate)"),
        ({"seed": [1, 2]}, "seed cannot vary"),
        ({"split_seed": [1, 2]}, "split_seed cannot vary"),
        ({"manifest": ["a", "b"]}, "manifest cannot vary"),
        ({"monitor": ["val_auc"]}, "monitor cannot vary"),
        ({"dropout": 0.5}, "accepted: a list, or a table of low and high"),
        ({"dropout": []}, "accepted: different values of one type"),
        ({"dropout": [0.1, "x"]}, "accepted: different values of one type"),
        ({"dropout": [0.1, 0.1]}, "accepted: different values of one type"),
        ({"dropout": {"low": 0.1, "hihg": 0.2}}, "unknown key of the range dropout 'hihg' (nearest: high)"),
        ({"dropout": {"low": 0.1}}, "accepted: numbers low and high"),
        ({"dense_units": {"low": 0.5, "high": 2.5}}, "accepted: numbers low and high"),
        ({"dropout": {"low": 0.5, "high": 0.1}}, "low below high"),
        ({"learning_rate": {"low": 0.0, "high": 0.1, "log": True}}, "low above 0"),
        ({"dense_units": {"low": 32, "high": 64, "step": 64}}, "step 64; accepted: above 0, up to 32"),
        ({"options": 3}, "accepted: a table of the model's options"),
    ],
)
def test_what_is_refused_is_named_with_its_file(content, words):
    with pytest.raises(InputError) as error:
        parse_space(content, "job.toml")
    assert str(error.value).startswith("job.toml: ")
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"optimizer": ["adm", "sgd"]}, "nearest: adam"),
        ({"dropout": {"low": 0.0, "high": 1.5}}, "dropout 1.5; accepted: at least 0 and at most 0.95"),
        ({"options": {"unitz": [1]}}, "unknown option of custom_cnn 'unitz' (nearest: units)"),
    ],
)
def test_values_that_a_training_would_refuse_are_refused_before_it(content, words):
    with pytest.raises(InputError) as error:
        check_space(parse_space(content, "job.toml"), Recipe(model="custom_cnn"))
    assert words in str(error.value)


DECIDES = (
    "manifest per_class split split_seed val_share test_share folds fold monitor frames seed partial_weights"
)


@pytest.mark.parametrize("name", DECIDES.split())
def test_what_decides_the_faces_or_is_chance_cannot_vary(name):
    with pytest.raises(InputError, match=f"space: {name} cannot vary"):
        parse_space({name: [1, 2]}, "job.toml")
