"""The registry of model families, and the one way to build a model of any of them.

A family is a function in a file of this folder, decorated with `register`. Adding a model is adding
such a file: it is found by itself, and the contract tests run over it.

The contract of every model: input RGB 0..255 of shape (B, H, W, 3); the backbone's own normalisation
inside the graph; one flat functional graph; layers named `features` (the last spatial map or token
grid), `logit` and `p_fake`, the last two in float32; output `p_fake` of shape (B, 1), 1 = fake.

Some families take clips too: input (B, T, H, W, 3), `features` the maps of the frames (B, T, h, w, c),
one `p_fake` a clip; all else is the same.

Files of families import Keras inside their functions, so that names can be listed without it.
"""

import functools
import importlib
import inspect
import pkgutil
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dfdetect.recipe import NORMALISATIONS, OWN
from face_extraction.errors import InputError, unknown_name

if TYPE_CHECKING:
    import keras
    from keras import KerasTensor

    from dfdetect.models.presets import Preset

# The files of this folder that are no family.
_PARTS = frozenset(
    {"__main__", "registry", "normalise", "head", "blocks", "weights", "rewire", "ensemble", "frames"}
    | {"presets", "resample", "transformer", "windows"}
)

# Words for `weights` that name published weights: those of the data that they were trained on.
PUBLISHED = {"imagenet": "ImageNet", "lvd142m": "LVD-142M"}

BlockRule = str | Callable[[Sequence["keras.Layer"]], Sequence[str]]


@dataclass(frozen=True)
class Backbone:
    """What a family's function returns.

    Attributes:
        features: the last spatial map (B, h, w, c) or token grid (B, n, c); of clips (B, T, h, w, c).
        embedding: (B, c), from a family with a top of its own; it must come out of
            `head.mark_features`'s layer. None: the shared head pools `features`. Over clips a family
            has one, because what joins the frames is its own affair.
    """

    features: "KerasTensor"
    embedding: "KerasTensor | None" = None


@dataclass(frozen=True)
class Family:
    """A registered family.

    Attributes:
        name: the model's name.
        build: the family's function: the normalised image of shape (B, H, W, 3), or the frames of
            clips (B, T, H, W, 3), then its options by keyword; with `pretrained` and no `preset` also
            `weights`, which is None or "imagenet".
        image_size: side of the input in pixels by default.
        min_image_size: the smallest side accepted.
        normalisation: one of `normalise.MODES`.
        blocks: how the backbone's layers fall into blocks; see `blocks.blocks`.
        reference: address of the paper, or the report.
        pretrained: the word of `PUBLISHED` for weights that can be downloaded for it; "" if none.
        preset: how keras-hub's presets fit it; None if they do not.
        size_step: the side must be a multiple of it.
        clips: whether it can take clips; `frames.fold` helps to build it.
        report_b: what Report B's fine-tuned rows train, as in a recipe's `trainable`; "" where it
            has no such row. The report counts "layers" or "blocks" and does not show its code: they
            are read as the blocks here, and the family's file says what else they might mean.
        adapt_legacy: mends a model into which weights in Keras 2's format were loaded, for authors
            whose convention is not ours.
    """

    name: str
    build: Callable[..., Backbone]
    image_size: int
    min_image_size: int
    normalisation: str
    blocks: BlockRule
    reference: str
    pretrained: str = ""
    preset: "Preset | None" = None
    size_step: int = 1
    clips: bool = False
    report_b: str = ""
    adapt_legacy: "Callable[[keras.Model], None] | None" = None

    @property
    def default_weights(self) -> str:
        """The weights to start from when a recipe names none: the published ones, or "none"."""
        return self.pretrained or "none"

    @property
    def options(self) -> list[str]:
        """Names of the family's own options."""
        parameters = inspect.signature(self.build).parameters.values()
        return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "weights"]

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Refuse names that are no options of this family, and values that are not as an option's default.

        Raises:
            InputError: naming the first of them, and what is accepted.
        """
        for name, value in options.items():
            if name not in self.options:
                raise unknown_name(f"option of {self.name}", name, self.options)
            accepted = _accepted_instead(value, inspect.signature(self.build).parameters[name].default)
            if accepted:
                raise InputError(f"{self.name}: option {name} {value!r}; accepted: {accepted}")

    def check_frames(self, frames: int) -> None:
        """Refuse clips where the family takes single faces only.

        Raises:
            InputError: naming the families that take clips.
        """
        if frames and not self.clips:
            able = ", ".join(name for name in list_models() if family(name).clips)
            raise InputError(f"{self.name} takes single faces; frames {frames} goes with: {able}")


def _accepted_instead(value: Any, default: Any) -> str:
    """What an option accepts instead of `value`; "" if it accepts it.

    Where its default is a whole number it is a count, as of units; where it is a number, a share.
    """
    if type(default) is int and not (type(value) is int and value >= 1):
        return "a whole number of 1 or more"
    if type(default) is float and not (type(value) in (int, float) and 0 <= value < 1):
        return "a number from 0 to below 1"
    return ""


_families: dict[str, Family] = {}


def register(name: str, **facts: Any) -> Callable[[Callable[..., Backbone]], Callable[..., Backbone]]:
    """Register the decorated function as the family `name`.

    Args:
        name: the model's name, as the command line takes it.
        facts: the other fields of `Family`.

    Raises:
        ValueError: the name is taken.
    """

    def decorate(build: Callable[..., Backbone]) -> Callable[..., Backbone]:
        if name in _families:
            raise ValueError(f"two families are named {name!r}")
        _families[name] = Family(name=name, build=build, **facts)
        return build

    return decorate


def list_models() -> list[str]:
    """Names of all models, sorted. Imports no Keras."""
    _discover()
    return sorted(_families)


def family(name: str) -> Family:
    """The family of that name.

    Raises:
        InputError: there is none; the line names the nearest.
    """
    _discover()
    if name not in _families:
        raise unknown_name("model", name, _families)
    return _families[name]


@functools.cache
def _discover() -> None:
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if module.name not in _PARTS:
            importlib.import_module(f"{package}.{module.name}")


def build_model(
    name: str,
    *,
    image_size: int | None = None,
    frames: int = 0,
    weights: str = "none",
    partial_weights: bool = False,
    whole: bool = False,
    normalisation: str = OWN,
    trainable: str = "all",
    dense_units: int = 0,
    dropout: float = 0.0,
    l2: float = 0.0,
    bn_momentum: float = 0.99,
    seed: int = 0,
    **options: Any,
) -> "keras.Model":
    """Build a model that keeps the contract of this module, not compiled.

    Args:
        name: one of `list_models()`.
        image_size: side of the square input in pixels; None or 0 for the family's own.
        frames: faces of one clip that the model takes at once, T of its input (B, T, H, W, 3); 0 for
            single faces.
        weights: "none" (random), the family's published weights by the word of `PUBLISHED`, the folder
            of a preset of keras-hub, or a weights file of the backbone or of the whole model.
            `weights.weights_origin(model)` tells what was loaded.
        partial_weights: accept a file that covers only some layers of the backbone.
        whole: refuse whatever leaves the head random.
        normalisation: one of `recipe.NORMALISATIONS`; "own" is the family's.
        trainable: "all", "head", "last:N" or "norm"; see `blocks.set_trainable`.
        dense_units: units of a ReLU layer before the last one; 0 = no such layer.
        dropout: share of the features dropped before the last layer, 0 to 1.
        l2: L2 penalty on the kernels of trainable layers, in `model.losses`.
        bn_momentum: momentum of the running means and variances of batch normalisation. At Keras' 0.99
            they take hundreds of steps to leave their start; in a deep network trained from random
            weights for fewer, scores in inference are all but constant.
        seed: equal seeds give equal initial weights and equal dropout. The random state of the
            calling program is neither used nor changed.
        options: the family's own options.

    Raises:
        InputError: a value is not accepted, or the weights cannot be had.
    """
    import keras

    from dfdetect.models import head
    from dfdetect.models.blocks import set_trainable
    from dfdetect.models.normalise import Normalize
    from dfdetect.models.weights import download_errors, start

    kind = family(name)
    size = image_size or kind.image_size
    _check(kind, size, frames, weights, options, whole=whole)
    mode = _normalisation(kind, normalisation)
    if kind.pretrained and not kind.preset:
        options["weights"] = weights if weights in PUBLISHED else None
    with _seeded(seed), download_errors(name):
        image = keras.Input((frames, size, size, 3) if frames else (size, size, 3), name="image")
        normalised = Normalize(mode, name="normalise")(image)
        backbone = kind.build(normalised, **options)
        p_fake = head.attach(backbone, dense_units=dense_units, dropout=dropout, seed=seed)
        model = keras.Model(image, p_fake, name=name)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = bn_momentum
    head.penalise_kernels(model, l2)
    with _seeded(seed):  # keras-hub's network, into which a preset is loaded, is built there
        start(model, kind, weights, partial=partial_weights, whole=whole)
    set_trainable(model, kind, trainable)
    return model


def _normalisation(kind: Family, wanted: str) -> str:
    """The mode of `normalise.MODES` that is wanted of a family."""
    if wanted not in NORMALISATIONS:
        raise unknown_name("normalisation", wanted, NORMALISATIONS)
    if wanted != OWN and kind.normalisation == "none":
        raise InputError(f"{kind.name}: normalisation {wanted!r}; accepted: {OWN}, which is in its network")
    return kind.normalisation if wanted == OWN else wanted


def frames_of(model: "keras.Model") -> int:
    """Faces of one clip that a model takes at once; 0 if it takes single faces."""
    shape = model.input_shape
    return int(shape[1]) if len(shape) == 5 else 0


def _check(
    kind: Family, size: int, frames: int, weights: str, options: dict[str, Any], *, whole: bool
) -> None:
    if size < kind.min_image_size:
        raise InputError(f"{kind.name}: image size {size}; accepted: {kind.min_image_size} or more")
    if size % kind.size_step:
        raise InputError(f"{kind.name}: image size {size}; accepted: multiples of {kind.size_step}")
    if whole and weights in ("none", *PUBLISHED):
        raise InputError(
            f"weights {weights!r} leave the head random; accepted: a file with those of a whole {kind.name}"
        )
    if weights in PUBLISHED and weights != kind.pretrained:
        accepted = f"{kind.pretrained}, none" if kind.pretrained else "none"
        raise InputError(
            f"{kind.name} has no {PUBLISHED[weights]} weights; accepted: {accepted}, or a weights file"
        )
    kind.check_frames(frames)
    kind.check_options(options)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Make what is built inside depend on `seed` alone.

    Keras draws the seed of every initializer and dropout layer that was given none from Python's
    `random`.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
