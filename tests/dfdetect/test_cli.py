"""What a person sees at the start of a command, and when the start fails."""

import argparse
import importlib
import subprocess
import sys
from dataclasses import fields

import pytest

from dfdetect.cli import add_recipe_flags, fill_mode, load_keras, recipe_from_flags
from dfdetect.recipe import Recipe
from face_extraction.errors import InputError


def stderr_of(*command):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.splitlines()


def test_an_error_after_keras_was_imported_is_the_only_line(tmp_path):
    status, lines = stderr_of("-m", "dfdetect.evaluate", str(tmp_path))
    assert status == 2
    assert lines == [f"python -m dfdetect.evaluate: {tmp_path}: not a run folder (it has no recipe.toml)"]


def test_what_a_failing_import_printed_is_shown():
    code = """
import os, sys
sys.modules["keras"] = None
from dfdetect import cli
from face_extraction.errors import InputError
with cli.held_back():
    os.write(2, b"kept from view\\n")
try:
    with cli.held_back():
        os.write(2, b"kept from view too\\n")
        raise InputError("says all")
except InputError:
    pass
with cli.held_back():
    os.write(2, b"the library is missing\\n")
    cli.load_keras()
"""
    status, lines = stderr_of("-c", code)
    assert status == 1
    assert lines[0] == "the library is missing"
    assert lines[-1].startswith("ModuleNotFoundError")
    assert "kept from view" not in lines


def parse(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_recipe_flags(parser)
    return parser.parse_args(argv)


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


@pytest.mark.parametrize(("mode", "off"), [(True, False), ("fgsm", None)])
def test_flags_of_a_mode_have_their_usual_values_and_are_refused_without_it(mode, off):
    usual = {"steps": 10, "transfer": None}
    given = argparse.Namespace(attack=mode, steps=None, transfer="b")
    fill_mode(given, "attack", usual)
    assert (given.steps, given.transfer) == (10, "b")
    without = argparse.Namespace(attack=off, steps=None, transfer=None)
    fill_mode(without, "attack", usual)
    assert (without.steps, without.transfer) == (10, None)
    with pytest.raises(InputError, match=r"--steps without --attack; accepted: both"):
        fill_mode(argparse.Namespace(attack=off, steps=0, transfer=None), "attack", usual)


def test_an_option_without_a_value_is_refused():
    with pytest.raises(InputError, match="NAME=VALUE"):
        recipe_from_flags(parse("--option", "units"), Recipe())


@pytest.mark.parametrize(
    ("backend", "config", "jax"),
    [
        (None, None, False),
        ("tensorflow", '{"backend": "jax"}', False),
        ("jax", None, True),
        (None, '{"backend": "jax"}', True),
        (None, '{"backend": "tensorflow"}', False),
    ],
)
def test_keras_is_imported_without_what_only_its_unused_wrappers_need(
    tmp_path, monkeypatch, backend, config, jax
):
    """In place of Keras stands a module that imports what Keras would; importing Keras takes seconds."""
    tried = "try:\n    import {name}\nexcept ImportError:\n    {name} = None\n"
    names = ("sklearn", "matplotlib", "jax")
    (tmp_path / "keras.py").write_text("".join(tried.format(name=name) for name in names))
    for name in names:
        (tmp_path / f"{name}.py").write_text("")
    for name in ("keras", *names):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    if config:
        (tmp_path / "keras.json").write_text(config)
    if backend:
        monkeypatch.setenv("KERAS_BACKEND", backend)
    else:
        monkeypatch.delenv("KERAS_BACKEND", raising=False)

    load_keras()

    keras = sys.modules["keras"]
    assert (keras.sklearn, keras.matplotlib) == (None, None)
    assert (keras.jax is not None) == jax
    assert importlib.import_module("sklearn").__file__ == str(tmp_path / "sklearn.py")


@pytest.mark.parametrize("flag", ["--val-share", "--test-share"])
def test_shares_of_a_split_that_is_given_are_refused(flag):
    with pytest.raises(InputError, match=rf"{flag} 0\.2: the manifest's own split leaves"):
        recipe_from_flags(parse(flag, "0.2"), Recipe())
    recipe = recipe_from_flags(parse(flag, "0.2", "--split", "group"), Recipe())
    assert 0.2 in (recipe.val_share, recipe.test_share)
