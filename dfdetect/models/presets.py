"""Load published weights from keras-hub's presets, by name or from a folder."""

import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dfdetect.models.names import CONFIG, WEIGHTS
from face_extraction.digest import file_digest
from face_extraction.errors import InputError, one_line
from face_extraction.json_file import parse_json
from face_extraction.missing import extra

if TYPE_CHECKING:
    import keras

# Fields in which a preset may differ from our networks: they change no result, or the weights' shapes tell.
FREE = frozenset(
    {"name", "trainable", "dtype", "data_format", "image_shape", "layer_scale_init_value"}
    | {"dropout_rate", "attention_dropout", "drop_path", "drop_path_rate", "antialias_in_interpolation"}
)


@dataclass(frozen=True)
class Preset:
    """How the weights of one of keras-hub's networks fit a family.

    Attributes:
        name: keras-hub's name of the published weights; "" if there are none.
        backbone: the class in `keras_hub.models`.
        settings: its arguments for a network of the family's form.
        weights: takes such a network, and gives the names of the family's layers, each with its values
            in the order of the layer's own weights.
        also: other accepted values of arguments, which change no result.
    """

    name: str
    backbone: str
    settings: Mapping[str, Any]
    weights: Callable[[Any], Iterable[tuple[str, Sequence[Any]]]]
    also: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def load_preset(model: "keras.Model", preset: Preset, folder: Path | None) -> str:
    """Load a preset into the backbone of a model of the preset's family.

    The network in a folder is never deserialised: our own network is built, and takes only the values.

    Args:
        model: the model, with random weights.
        preset: the family's preset.
        folder: a preset's folder; None downloads the published weights.

    Returns:
        The SHA-256 of the weights file, in hexadecimal.

    Raises:
        InputError: keras-hub is not installed, the download failed, or the preset is for another
            network. The model is then unusable.
    """
    hub = _keras_hub(model.name)
    kind = getattr(hub.models, preset.backbone)
    folder = folder or _download(kind.presets[preset.name]["kaggle_handle"], model.name)
    _check(folder, preset, kind, model.name)
    network = kind(**preset.settings)
    try:
        with warnings.catch_warnings():
            # Keras only warns about values that the file lacks, and leaves them random.
            warnings.simplefilter("error", UserWarning)
            network.load_weights(folder / WEIGHTS)
        copy_values(model, preset.weights(network))
    except (ValueError, KeyError, OSError, UserWarning) as error:
        raise InputError(f"{folder / WEIGHTS}: does not fit {model.name}: {one_line(error)}") from error
    return file_digest(folder / WEIGHTS)


def _keras_hub(name: str) -> Any:
    try:
        import keras_hub
    except ImportError as error:
        raise InputError(
            f"{name}: its published weights and presets need keras-hub ({error}): {extra('hub')}, or give "
            "another --weights"
        ) from error
    return keras_hub


def _download(handle: str, name: str) -> Path:
    """Fetch a preset's two files into kagglehub's cache, and return their folder."""
    import kagglehub

    from dfdetect.models.download import download_failed

    handle = handle.removeprefix("kaggle://")
    try:
        paths = [Path(kagglehub.model_download(handle, file)) for file in (CONFIG, WEIGHTS)]
    # kagglehub's errors have no common base class; only the download is tried here.
    except Exception as error:
        raise download_failed(name, error) from error
    return paths[0].parent


def _check(folder: Path, preset: Preset, kind: type, name: str) -> None:
    """Refuse a preset of another network, and name the first difference."""
    path = folder / CONFIG
    try:
        config = parse_json(path.read_text(encoding="utf-8"))
        backbone, given = config["class_name"], dict(config["config"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a preset's configuration ({error!r})") from None
    if backbone != preset.backbone:
        raise InputError(f"{path}: a preset of {backbone}; {name} accepts {preset.backbone}")
    parameters = inspect.signature(kind).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    for key, value in {**defaults, **preset.settings}.items():
        wanted = list(value) if isinstance(value, tuple) else value
        if key not in FREE and given.get(key, wanted) not in (wanted, *preset.also.get(key, ())):
            raise InputError(f"{path}: does not fit {name}: {key} is {given[key]}, not {wanted}")


def copy_values(model: "keras.Model", pairs: Iterable[tuple[str, Sequence[Any]]]) -> None:
    """Give the layers their values. Shapes may differ, for example by a leading 1, but not sizes."""
    import numpy as np

    from dfdetect.models.blocks import backbone_layers

    left = {layer.name: layer for layer in backbone_layers(model) if layer.weights}
    for name, values in pairs:
        for ours, theirs in zip(left.pop(name).weights, values, strict=True):
            ours.assign(np.reshape(np.array(theirs), ours.shape))
    if left:
        raise KeyError(f"no values for {', '.join(left)}")
