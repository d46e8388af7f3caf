"""What commands share: flags made from the recipe's fields, and a start without TensorFlow's messages."""

import argparse
import logging
import os
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import Field, asdict, fields
from pathlib import Path
from typing import Any

from dfdetect.recipe import Conditions, Option, Recipe, from_mapping
from face_extraction.errors import InputError
from face_extraction.toml import read_toml

# Small, so that it ends in minutes on two cores. With Keras' momentum of .99 the running statistics of
# batch normalisation would still be near their start at the end (see build_model).
SAMPLE = Recipe(weights="none", image_size=96, epochs=4, batch_size=16, learning_rate=1e-3, bn_momentum=0.9)


def add_flags(parser: argparse.ArgumentParser, helps: Mapping[str, str] | None = None) -> None:
    """Give `parser` the flags of `Conditions` and of the recipe.

    Args:
        parser: a command's parser.
        helps: other help texts, by the flag's name in `args`, for flags that mean something else here than
            in a single training; `argparse.SUPPRESS` hides a flag that means nothing here.
    """
    add_conditions(parser)
    add_recipe_flags(parser)
    for action in parser._actions:
        action.help = (helps or {}).get(action.dest, action.help)


def add_conditions(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the flags of `Conditions`."""
    parser.add_argument("--cache", action="store_true", help="keep decoded faces in memory")
    parser.add_argument(
        "--unreadable",
        choices=("fail", "skip"),
        default="fail",
        help="if crops cannot be decoded: stop before training (fail), or list them and go on (skip) "
        "(default: fail)",
    )
    parser.add_argument(
        "--devices", type=int, default=1, metavar="N", help="GPUs to use at once; 0 = all (default: 1)"
    )
    parser.add_argument("--tensorboard", action="store_true", help="write event files for TensorBoard")


def conditions_of(args: argparse.Namespace) -> Conditions:
    """The conditions from the parsed flags."""
    return Conditions(
        cached=args.cache,
        skip_unreadable=args.unreadable == "skip",
        devices=args.devices,
        tensorboard=args.tensorboard,
    )


def recipe_of(args: argparse.Namespace, over: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe from the parsed flags; without a manifest, the recipe of the sample set.

    Args:
        args: the parsed flags.
        over: values that override those in the recipe's file.

    Raises:
        InputError: the recipe's file or a value is not accepted.
    """
    named = recipe_from_flags(args, Recipe(), over)
    return named if named.manifest else recipe_from_flags(args, SAMPLE, over)


def add_recipe_flags(parser: argparse.ArgumentParser) -> None:
    """Give `parser` a flag for each field of the recipe, and `--recipe FILE`.

    A flag that is not given has no value, so it does not override the file.
    """
    group = parser.add_argument_group("recipe", "what decides the result; flags override --recipe")
    group.add_argument("--recipe", type=Path, metavar="FILE", help="a recipe.toml to start from")
    for item in fields(Recipe):
        flag = "--" + item.name.replace("_", "-")
        text = f"{item.metadata['help']} (default: {_default(item)})".replace("%", "%%")
        if item.name == "options":
            group.add_argument("--option", action="append", metavar="NAME=VALUE", help=text, dest="options")
        elif item.type is bool:
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=text)
        else:
            choices = item.metadata.get("choices")
            group.add_argument(flag, type=item.type, choices=choices, metavar=_metavar(item), help=text)


def recipe_from_flags(
    args: argparse.Namespace, base: Recipe, over: Mapping[str, Any] | None = None
) -> Recipe:
    """The recipe from the parsed flags, which override `over`, which overrides `--recipe`, then `base`.

    Raises:
        InputError: the file or a value is not accepted.
    """
    over = over or {}
    if args.recipe:
        values = {**asdict(base), **read_toml(args.recipe), **over}
        base = from_mapping(values, str(args.recipe))
    else:
        base = base.with_changes(**over)
    if args.weights == "":
        raise InputError("--weights is empty; accepted: imagenet, none, a weights file, or a run folder")
    if args.manifest == "":
        raise InputError("--manifest is empty; accepted: a manifest.csv; no --manifest: the sample set")
    given = ((item.name, getattr(args, item.name)) for item in fields(Recipe))
    changes = {name: value for name, value in given if value is not None}
    if "options" in changes:
        changes["options"] = {**base.options, **dict(_option(text) for text in changes["options"])}
    recipe = base.with_changes(**changes)
    for name in ("val_share", "test_share"):
        if name in changes and recipe.split == "manifest":
            raise InputError(
                f"--{name.replace('_', '-')} {changes[name]}: the manifest's own split leaves "
                "nothing to share out; accepted: with --split group or --split random"
            )
    return recipe


def _default(item: Field[Any]) -> str:
    """A field's default, as the help shows it."""
    if item.name == "options":
        return "none"
    if item.type is bool:
        return "yes" if item.default else "no"
    return str(item.metadata.get("meaning", item.default))


def _metavar(item: Field[Any]) -> str | None:
    if item.metadata.get("choices"):
        return None
    kinds: dict[Any, str] = {str: "WHAT", int: "N", float: "X"}
    metavar: str = item.metadata.get("metavar", kinds[item.type])
    return metavar


def fill_mode(args: argparse.Namespace, mode: str, usual: Mapping[str, Any]) -> None:
    """Give the flags that belong to a mode their usual values, or refuse them without it.

    Args:
        args: None stands for a flag that was not given.
        mode: the mode's own flag, such as "videos".
        usual: the usual values, by the flags' names.

    Raises:
        InputError: such a flag was given without the mode.
    """
    for name, value in usual.items():
        if getattr(args, name) is None:
            setattr(args, name, value)
        elif getattr(args, mode) in (None, False):
            raise InputError(f"--{name} without --{mode}; accepted: both")


def pair(flag: str, text: str) -> tuple[str, str]:
    """The name and the value of a flag's NAME=VALUE.

    Raises:
        InputError: `text` has another form.
    """
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise InputError(f"{flag} {text!r}; accepted: NAME=VALUE")
    return name, value


def _option(text: str) -> tuple[str, Option]:
    name, value = pair("--option", text)
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        parsed = value
    return name, parsed


def load_keras() -> None:
    """Import Keras and its backend; show what they print on standard error only if the import fails.

    On import, TensorFlow 2.21 prints about six lines that no user can act on, before its own log level
    takes effect. Warnings and errors after the import are shown as usual.

    Keras and TensorFlow also import scikit-learn, matplotlib, pandas and JAX where they are installed, for
    wrappers that nothing here uses. Leaving them out saves a third of the import's time.
    """
    unused = ("sklearn", "matplotlib", "pandas", *(() if _may_use_jax() else ("jax",)))
    with held_back(), _absent(unused):
        import keras  # noqa: F401
    # Each fold, trial or cell compiles a model of its own, which TensorFlow takes for an oversight.
    logging.getLogger("tensorflow").addFilter(_is_no_retracing)


def _is_no_retracing(record: logging.LogRecord) -> bool:
    return "tf.function retracing" not in record.getMessage()


def _may_use_jax() -> bool:
    """Whether Keras' environment variable or its own file of settings may choose JAX."""
    if "KERAS_BACKEND" in os.environ:
        return os.environ["KERAS_BACKEND"] != "tensorflow"
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    return (home / "keras.json").is_file() and '"tensorflow"' not in (home / "keras.json").read_text()


@contextmanager
def _absent(names: Iterable[str]) -> Iterator[None]:
    """Let imports of packages that are not loaded yet fail in the block, as if they were not installed."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import fail
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back what the block writes to file descriptor 2; print it if the block raises an exception.

    An `InputError` prints nothing more, because its line says everything.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except InputError:
            raise
        except BaseException:
            held.seek(0)
            os.write(saved, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
