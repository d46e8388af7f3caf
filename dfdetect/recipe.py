"""The recipe: everything that decides a training result, as TOML and as command-line flags."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import tomli_w

from face_extraction.atomic import write_text
from face_extraction.errors import InputError, check_name, unknown_name
from face_extraction.toml import read_toml

Option = str | int | float | bool

# The file in a run's folder.
RECIPE_FILE = "recipe.toml"
# The model name of a run that combines other models; its weights file holds theirs too.
ENSEMBLE = "ensemble"
# What an ensemble's recipe says: which data, and what goes in. Its members were trained, each by its own.
COMBINED = (
    *("model", "manifest", "frames", "per_class", "split", "val_share", "test_share", "folds", "fold"),
    *("split_seed", "seed", "image_size", "batch_size", "options"),
)
# How an ensemble combines its members: the values of its option `combine`.
COMBINES = ("mean", "weighted", "stacked")
OPTIMIZERS = ("adamw", "adam", "sgd", "nadam")
SCHEDULES = ("constant", "cosine", "one-cycle")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
PAIRED = "paired"
LOGISTIC = "logistic"
HEAD_STARTS = ("random", LOGISTIC)
AUGMENTATIONS = ("none", "report-c", "strong", PAIRED)
BALANCES = ("none", "weights", "sampling")
SPLITTINGS = ("manifest", "group", "random")
MOST_BATCH = 65_536
MONITORS = ("val_auc", "val_accuracy", "val_loss", "epoch")
# What decides how a trained model scores. A run states it, so that a line that was lost is no default.
SCORING = ("model", "frames", "image_size", "normalisation")
OWN = "own"
NORMALISATIONS = (OWN, "tf", "caffe", "torch", "unit")


def _setting(default: Any, help: str, **limits: Any) -> Any:
    """A field with its help and its limits: `choices`, `low` and `high` (inclusive), `above` (exclusive).

    The help shows `metavar` in place of the value, and `meaning` as the default.
    """
    if isinstance(default, dict):
        return field(default_factory=dict, metadata={"help": help})
    return field(default=default, metadata={"help": help, **limits})


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a training result.

    The help texts describe the fields; `python -m dfdetect.train --help` prints them.

    Example:
        >>> recipe = Recipe(model="xception", epochs=5)
        >>> recipe.optimizer, recipe.with_changes(epochs=9).epochs
        ('adamw', 9)
        >>> Recipe(epochs=-1)
        Traceback (most recent call last):
        face_extraction.errors.InputError: recipe: epochs -1; accepted: at least 0

    Raises:
        InputError: a value has the wrong type or is outside its limits. The line names the field.
    """

    model: str = _setting("xception", "one of those that python -m dfdetect.models lists", metavar="NAME")
    manifest: str = _setting(
        "", "manifest.csv to train on", metavar="FILE", meaning="the embedded sample set of drawn people"
    )
    frames: int = _setting(
        0, "faces of one person that the model takes at once, as a clip; 0 = single faces", low=0, high=1024
    )
    per_class: int = _setting(
        0, "draw this many faces (with --frames: videos) of each class from the manifest; 0 = all", low=0
    )
    split: str = _setting(
        "manifest",
        "the manifest's own split, a new split by groups, or a new split at random over faces (which leaks)",
        choices=SPLITTINGS,
    )
    val_share: float = _setting(0.1, "share of val in a new split", low=0, high=0.9)
    test_share: float = _setting(0.1, "share of test in a new split without folds", low=0, high=0.9)
    folds: int = _setting(0, "cross-validation: parts of a new split; 0 = none", low=0)
    fold: int = _setting(0, "the fold that is the test split, from 1; 0 = none", low=0)
    split_seed: int = _setting(
        -1, "seed of per_class, of a new split and of folds; -1 = the same as seed", low=-1, high=2**32 - 1
    )
    weights: str = _setting(
        "",
        "imagenet (dinov2: lvd142m), none (random), a weights file, or the folder of a run or of a keras-hub "
        "preset",
        metavar="PATH",
        meaning="the published weights, if the model has any",
    )
    partial_weights: bool = _setting(False, "accept a weights file that covers only a part of the model")
    image_size: int = _setting(0, "side of the input in pixels", low=0, high=4096, meaning="the model's own")
    normalisation: str = _setting(
        OWN,
        "how pixels are scaled: own (as for the backbone's published weights), tf (-1 to 1), "
        "caffe (BGR less ImageNet's mean), torch (ImageNet's mean and deviation) or unit (0 to 1)",
        choices=NORMALISATIONS,
    )
    trainable: str = _setting(
        "all",
        "what is trained: all, head, last:N (the head and the last N blocks), or norm (the head and all "
        "batch, layer and group normalisations)",
    )
    dense_units: int = _setting(
        0, "units of a dense layer before the last one; 0 = no such layer", low=0, high=65536
    )
    dropout: float = _setting(0.2, "share of features dropped before the last layer", low=0, high=0.95)
    l2: float = _setting(0.0, "L2 penalty on the kernels of trainable layers, added to the loss", low=0)
    bn_momentum: float = _setting(
        0.99, "momentum of batch normalisation's running means; lower for short trainings", low=0, high=0.9999
    )
    weight_decay: float = _setting(0.0, "decoupled weight decay of the optimizer", low=0)
    clip_norm: float = _setting(0.0, "largest norm of all gradients together; 0 = no bound", low=0)
    label_smoothing: float = _setting(0.0, "how far labels move towards 1/2", low=0, high=0.5)
    optimizer: str = _setting("adamw", "the optimizer", choices=OPTIMIZERS)
    learning_rate: float = _setting(3e-4, "the highest learning rate", above=0)
    schedule: str = _setting("cosine", "how the learning rate moves", choices=SCHEDULES)
    warmup: float = _setting(0.05, "share of the steps during which the rate rises from 0", low=0, high=0.9)
    head_start: str = _setting(
        "random",
        "what the head begins with: random weights, or those of a logistic regression on the features of the "
        "training faces",
        choices=HEAD_STARTS,
    )
    head_epochs: int = _setting(
        0, "epochs of a first phase that trains the head alone; 0 = no such phase", low=0
    )
    head_learning_rate: float = _setting(
        1e-3, "the highest learning rate of the first phase, which has its own schedule", above=0
    )
    epochs: int = _setting(
        10, "passes over the training faces (in the last phase); 0 = only score with the given weights", low=0
    )
    ema: float = _setting(
        0.0,
        "momentum of a running average of the weights; the average is validated and kept; 0 = none",
        low=0,
        high=0.99999,
    )
    batch_size: int = _setting(32, "faces (with --frames: clips) a step", low=1, high=MOST_BATCH)
    early_stopping: int = _setting(0, "stop after this many epochs without a better one; 0 = never", low=0)
    monitor: str = _setting(
        "val_auc", "the number that chooses which epoch to keep; epoch: keep the last one", choices=MONITORS
    )
    augment: str = _setting(
        "report-c",
        "how training faces are changed; report-c: mirrored, turned, scaled and shifted; strong: colours, "
        "blur, noise and codecs, too; paired: each real face comes with a fake made from it, a new one in "
        "each epoch",
        choices=AUGMENTATIONS,
    )
    fakes: str = _setting(
        "",
        "kinds of fake that --augment paired makes (python -m dfdetect.fakes kinds lists them), and their "
        "shares",
        metavar="KIND:SHARE,...",
        meaning="self_blend:0.6,region:0.15,swap:0.25",
    )
    balance: str = _setting("none", "how to treat unequal classes: by weights or sampling", choices=BALANCES)
    precision: str = _setting("float32", "arithmetic of the layers", choices=PRECISIONS)
    seed: int = _setting(
        0,
        "seed of initial weights, order, augmentation and dropout, and of what split_seed draws by default",
        low=0,
        high=2**32 - 1,
    )
    options: dict[str, Option] = _setting(
        {}, "options of the model, each as NAME=VALUE; an unknown one lists those that it has"
    )

    def __post_init__(self) -> None:
        for item in fields(self):
            object.__setattr__(self, item.name, _checked(item, getattr(self, item.name)))
        _check_trainable(self.trainable)
        _check_split(self)
        _check_paired(self)
        if self.head_start == LOGISTIC and self.dense_units:
            raise InputError(
                f"recipe: head_start {LOGISTIC} with dense_units {self.dense_units}; accepted: dense_units 0"
            )
        if self.frames == 1:
            raise InputError("recipe: frames 1; accepted: 0 for single faces, or 2 or more")
        if self.early_stopping and self.monitor == "epoch":
            raise InputError(
                f"recipe: early_stopping {self.early_stopping} with monitor epoch, which calls every epoch "
                f"better; accepted: {', '.join(name for name in MONITORS if name != 'epoch')}"
            )
        if self.label_smoothing == 0.5:
            raise InputError("recipe: label_smoothing 0.5 makes both labels equal; accepted: below 0.5")

    @property
    def unit(self) -> str:
        """What one score belongs to: "face" or "clip"."""
        return "clip" if self.frames else "face"

    @property
    def counted(self) -> str:
        """What `per_class`, a new split and folds count: "face" or "video", which has a clip a person."""
        return _counted(self.frames)

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels of the metrics. Scores of clips have no face level."""
        return ("video",) if self.frames else ("face", "video")

    @property
    def fake_shares(self) -> dict[str, float]:
        """The kinds of fake that the recipe names, each with its share; empty if it names none."""
        return _shares(self.fakes)

    def stated(self) -> dict[str, Any]:
        """Every field and its value; of an ensemble only those that are not each member's own."""
        values = dataclasses.asdict(self)
        return {name: values[name] for name in COMBINED} if self.model == ENSEMBLE else values

    @property
    def drawing_seed(self) -> int:
        """The seed that draws `per_class`, a new split and folds."""
        return self.seed if self.split_seed < 0 else self.split_seed

    def trainings(self) -> list["Recipe"]:
        """The recipe of each fold, or this recipe alone if it has no folds."""
        return [dataclasses.replace(self, fold=fold) for fold in range(1, self.folds + 1)] or [self]

    def with_changes(self, **changes: Any) -> "Recipe":
        """A copy with some fields changed.

        Raises:
            InputError: a field is unknown or a value is not accepted.
        """
        return from_mapping({**dataclasses.asdict(self), **changes})


@dataclass(frozen=True)
class Conditions:
    """How a training runs; none of it is in the recipe.

    Attributes:
        cached: keep decoded faces in memory.
        skip_unreadable: leave out crops that cannot be decoded, and list them; if false, they are fatal.
        devices: accelerators to train on; 0 = all. Several give nearly the results of one: sums have
            another order, and on TensorFlow batch normalisation takes the mean of each device's share.
        tensorboard: write event files into the run.
    """

    cached: bool = False
    skip_unreadable: bool = False
    devices: int = 1
    tensorboard: bool = False


def lower_is_better(monitor: str) -> bool:
    """Whether a lower value of the monitored number makes an epoch better, as of a loss."""
    return monitor.endswith("loss")


def split_leak(split: str, frames: int) -> str:
    """The caution for a recipe that splits at random over single faces or videos; "" for any other split."""
    if split != "random":
        return ""
    counted = _counted(frames)
    return (
        f"Split at random over {counted}s, as some reports did: {counted}s of one original stand on both "
        "sides of the split, so these numbers can be higher than those on unseen originals."
    )


def _counted(frames: int) -> str:
    return "video" if frames else "face"


def from_mapping(values: Mapping[str, Any], where: str = "") -> Recipe:
    """A recipe from field values; `where` is the file they came from.

    Raises:
        InputError: a field is unknown or a value is not accepted.
    """
    names = [item.name for item in fields(Recipe)]
    for name in values:
        check_name("recipe field", name, names, where)
    try:
        return Recipe(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}" if where else str(error)) from None


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from TOML.

    Raises:
        InputError: the file is missing, is not TOML, or holds a value that a recipe does not accept.
    """
    return from_mapping(read_toml(path), str(path))


def read_run_recipe(path: Path) -> Recipe:
    """Read the recipe of a run, or of an ensemble's member, which states all of `SCORING`.

    Raises:
        InputError: as `read_recipe`; or it lacks a field of `SCORING`, whose default would give other scores.
    """
    values = read_toml(path)
    recipe = from_mapping(values, str(path))
    lacking = [name for name in SCORING if name not in values]
    if lacking:
        raise InputError(f"{path}: lacks {', '.join(lacking)}, which the recipe of a run states")
    return recipe


def write_recipe(path: Path, recipe: Recipe) -> None:
    """Write what a recipe states, defaults included, and all of `SCORING`, as TOML, atomically."""
    values = dataclasses.asdict(recipe)
    write_text(path, tomli_w.dumps(recipe.stated() | {name: values[name] for name in SCORING}))


def _checked(item: "dataclasses.Field[Any]", value: Any) -> Any:
    """`value` as the field's type.

    Raises:
        InputError: the value is not accepted; the line names the field and what it accepts.
    """
    limits = item.metadata
    if item.name == "options":
        if not isinstance(value, Mapping) or not all(
            isinstance(v, (str, int, float)) for v in value.values()
        ):
            raise InputError(f"recipe: options {value!r}; accepted: names with text, numbers or true/false")
        return dict(value)
    if item.type is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 2**1000 else math.inf
    if type(value) is not item.type:
        kinds: dict[Any, str] = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
        raise InputError(f"recipe: {item.name} {value!r}; accepted: {kinds[item.type]}")
    if "choices" in limits and value not in limits["choices"]:
        raise unknown_name(f"recipe value for {item.name}", value, limits["choices"])
    low, above, high = (limits.get(name) for name in ("low", "above", "high"))
    inside = (
        (low is None or value >= low) and (above is None or value > above) and (high is None or value <= high)
    )
    finite = not isinstance(value, float) or math.isfinite(value)
    if not (inside and finite):
        bounds = ([] if finite else ["a finite number"]) + [
            f"{word} {limit}"
            for word, limit in (("at least", low), ("above", above), ("at most", high))
            if limit is not None
        ]
        raise InputError(f"recipe: {item.name} {value}; accepted: {' and '.join(bounds)}")
    return value


def _check_split(recipe: Recipe) -> None:
    if recipe.folds == 1 or recipe.fold > recipe.folds or (recipe.folds and not recipe.fold):
        raise InputError(
            f"recipe: folds {recipe.folds}, fold {recipe.fold}; accepted: 2 folds or more, and a fold from 1"
        )
    if recipe.folds and recipe.split == "manifest":
        raise InputError("recipe: folds need split group or random; the manifest has only one split")
    if recipe.val_share + recipe.test_share >= 1 or not recipe.val_share:
        raise InputError(
            f"recipe: val_share {recipe.val_share}, test_share {recipe.test_share}; "
            "accepted: together below 1, and val_share above 0"
        )


def _check_paired(recipe: Recipe) -> None:
    shares = recipe.fake_shares
    if recipe.augment != PAIRED:
        if shares:
            raise InputError(
                f"recipe: fakes {recipe.fakes!r} with augment {recipe.augment}; accepted: paired"
            )
        return
    accepted = {
        "frames": (recipe.frames == 0, "0, because pairs are of single faces"),
        "batch_size": (recipe.batch_size % 2 == 0, "an even number, so that pairs stay together"),
        "balance": (recipe.balance != "sampling", "none or weights, because pairs are balanced"),
        "folds": (recipe.folds == 0, "0, because folds need the manifest's own fakes"),
    }
    for name, (fits, what) in accepted.items():
        if not fits:
            raise InputError(f"recipe: {name} {getattr(recipe, name)} with augment paired; accepted: {what}")


def _shares(text: str) -> dict[str, float]:
    """The kinds and shares in "self_blend:0.6,swap"; a kind without a share gets 1."""
    shares: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, colon, share = part.partition(":")
        try:
            value = float(share) if colon else 1.0
        except ValueError:
            value = math.nan
        if not name or name in shares or not 0 < value < math.inf:
            raise InputError(
                f"recipe: fakes {text!r}; accepted: KIND:SHARE,..., each kind once, with shares above 0"
            )
        shares[name] = value
    return shares


def _check_trainable(text: str) -> None:
    name, _, count = text.partition(":")
    if not (text in ("all", "head", "norm") or (name == "last" and count.isdecimal() and int(count) > 0)):
        raise InputError(f"recipe: trainable {text!r}; accepted: all, head, norm, last:N with N of 1 or more")
