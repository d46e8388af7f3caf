"""The registry of model families.

A family is a function in a file of `families/`, decorated with `register`. To add a model, add such a
file: the registry finds it, and the contract tests cover it.

The contract of every model: input RGB 0..255 of shape (B, H, W, 3); the backbone's own normalisation
inside the graph; one flat functional graph; layers named `features` (the last spatial map or token
grid), `logit` and `p_fake`, the last two in float32; output `p_fake` of shape (B, 1), 1 = fake.

Some families also take clips: input (B, T, H, W, 3), `features` the maps of the frames (B, T, h, w, c),
one `p_fake` a clip; the rest is the same.

The files import Keras inside their functions, so that names can be listed without it.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from face_extraction.errors import InputError, check_name
from face_extraction.registry import Registry

if TYPE_CHECKING:
    import keras
    from keras import KerasTensor

    from dfdetect.models.archive import Archive
    from dfdetect.models.presets import Preset

# The largest count, such as units, that an option accepts: a stranger's recipe may ask for any number.
LARGEST_COUNT = 65_536

BlockRule = str | Callable[[Sequence["keras.Layer"]], Sequence[str]]


@dataclass(frozen=True)
class Backbone:
    """The result of a family's function.

    Attributes:
        features: the last spatial map (B, h, w, c) or token grid (B, n, c); for clips (B, T, h, w, c).
        embedding: (B, c), from a family with its own top, built on the output of `head.mark_features`.
            None: the shared head pools `features`. For clips a family needs one, because it decides how to
            join the frames.
    """

    features: "KerasTensor"
    embedding: "KerasTensor | None" = None


@dataclass(frozen=True)
class Family:
    """A registered family.

    Attributes:
        name: the model's name.
        build: the family's function. It takes the normalised image of shape (B, H, W, 3), or the frames of
            clips (B, T, H, W, 3), and its options by keyword; with `pretrained` but no `preset` also
            `weights`, which is None or "imagenet".
        image_size: default side of the input in pixels.
        min_image_size: the smallest side accepted.
        normalisation: one of `normalise.MODES`.
        blocks: the rule that gives each layer's block; see `blocks.blocks`.
        reference: address of the paper, or the report.
        pretrained: the key in `PUBLISHED` of its downloadable weights; "" if there are none.
        preset: how keras-hub's presets fit it; None if they do not.
        archive: how an archive (`.npz`) of named arrays fits it; None if there is none.
        size_step: the side must be a multiple of this.
        clips: whether it can take clips; `frames.fold` helps to build it.
        report_b: what Report B's fine-tuned rows train, as in a recipe's `trainable`; "" if it
            has no such row. The report counts "layers" or "blocks" and does not show its code. Here they
            mean our blocks, and the family's file says what else they might mean.
        adapt_legacy: corrects a model that loaded weights in Keras 2's format, for authors whose
            convention differs from ours.
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
    archive: "Archive | None" = None
    size_step: int = 1
    clips: bool = False
    report_b: str = ""
    adapt_legacy: "Callable[[keras.Model], None] | None" = None

    @property
    def default_weights(self) -> str:
        """The weights to start from if a recipe names none: the published ones, or "none"."""
        return self.pretrained or "none"

    @property
    def options(self) -> list[str]:
        """Names of the family's own options."""
        parameters = inspect.signature(self.build).parameters.values()
        return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "weights"]

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Refuse unknown options, and values that do not suit the option's default.

        Raises:
            InputError: an option is not accepted; the line names the first, and what is accepted.
        """
        for name, value in options.items():
            check_name(f"option of {self.name}", name, self.options)
            accepted = _accepted_instead(value, inspect.signature(self.build).parameters[name].default)
            if accepted:
                raise InputError(f"{self.name}: option {name} {value!r}; accepted: {accepted}")

    def check_size(self, size: int) -> None:
        """Refuse an image size that the family's network does not take.

        Raises:
            InputError: the size is not accepted.
        """
        if size < self.min_image_size:
            raise InputError(f"{self.name}: image size {size}; accepted: {self.min_image_size} or more")
        if size % self.size_step:
            raise InputError(f"{self.name}: image size {size}; accepted: multiples of {self.size_step}")

    def check_frames(self, frames: int) -> None:
        """Refuse clips if the family takes only single faces.

        Raises:
            InputError: the family takes no clips; the line names those that do.
        """
        if frames and not self.clips:
            able = ", ".join(name for name in list_models() if family(name).clips)
            raise InputError(f"{self.name} takes single faces; these take frames {frames}: {able}")


def _accepted_instead(value: Any, default: Any) -> str:
    """What an option accepts instead of `value`; "" if it accepts `value`.

    If its default is a whole number, the option is a count, such as units; if a float, a share.
    """
    if type(default) is int and not (type(value) is int and 1 <= value <= LARGEST_COUNT):
        return f"a whole number from 1 to {LARGEST_COUNT:,}"
    if type(default) is float and not (type(value) in (int, float) and 0 <= value < 1):
        return "a number from 0 to below 1"
    return ""


_FAMILIES: Registry[Family] = Registry("model", f"{__package__}.families")


def register(name: str, **facts: Any) -> Callable[[Callable[..., Backbone]], Callable[..., Backbone]]:
    """Register the decorated function as the family `name`.

    Args:
        name: the model's name, as typed on the command line.
        facts: the other fields of `Family`.

    Raises:
        ValueError: the name is taken.
    """
    return _FAMILIES.decorator(name, lambda build: Family(name=name, build=build, **facts))


def list_models() -> list[str]:
    """Names of all models, sorted. Does not import Keras.

    Example:
        >>> list_models()[:3]
        ['alexnet', 'alexnet_rnn', 'convnext_tiny']
    """
    return _FAMILIES.names()


def family(name: str) -> Family:
    """The family with this name.

    Raises:
        InputError: there is none; the line suggests the nearest name.
    """
    return _FAMILIES.get(name)
