"""Load a model's weights; a file is checked completely before a value is loaded."""

import errno
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import h5py  # type: ignore[import-untyped]
import keras

from dfdetect.hdf5 import check_contents, check_room, most_bytes, open_hdf5, write_weights
from dfdetect.models.archive import SUFFIX, load_archive
from dfdetect.models.blocks import backbone_layers
from dfdetect.models.names import PUBLISHED, is_preset
from dfdetect.models.presets import load_preset
from face_extraction.digest import file_digest
from face_extraction.errors import InputError, one_line

if TYPE_CHECKING:
    from dfdetect.models.registry import Family

# The weights inside a .keras archive.
ARCHIVED = "model.weights.h5"

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class WeightsOrigin:
    """The weights that a model started from.

    Attributes:
        source: "none", a name such as "imagenet", or the file or folder as typed.
        sha256: SHA-256 of the weights file, in hexadecimal; "" without a file, or if Keras downloaded it.
        loaded: number of parameters loaded.
        total: parameters of the whole model with its head.
        random: names of the layers with random weights, input first.
    """

    source: str
    sha256: str
    loaded: int
    total: int
    random: tuple[str, ...]

    def __str__(self) -> str:
        """One line for the user."""
        if not self.loaded:
            return "random"
        left = f"random: {_some(self.random)}" if self.random else "nothing left random"
        return f"{self.source} ({self.loaded:,} of {self.total:,} parameters; {left})"


def weights_origin(model: keras.Model) -> WeightsOrigin:
    """The weights that a model from `build_model` started from."""
    origin: WeightsOrigin = model.weights_origin
    return origin


def start(model: keras.Model, family: "Family", weights: str, *, partial: bool, whole: bool) -> None:
    """Load the weights that `weights` names into a new model, and record them.

    Args:
        model: a model of the family; it already has the published weights if keras.applications has them.
        family: the family.
        weights: "none", the family's `pretrained`, a preset's folder, an archive, or a weights file.
        partial: see `load_weights`.
        whole: see `load_weights`.

    Raises:
        InputError: the weights cannot be had, or belong to another model.
    """
    if weights == "none":
        _record(model, weights, "", [])
        return
    published = weights in PUBLISHED
    folder = None if published else Path(weights)
    if folder and is_preset(folder) and (whole or not family.preset):
        accepted = "only weights of whole models" if whole else "none"
        raise InputError(
            f"{folder}: a keras-hub preset, which holds a backbone; {family.name} takes {accepted} here"
        )
    if family.preset and (folder is None or is_preset(folder)):
        digest = load_preset(model, family.preset, folder)
        _record(model, weights, digest, backbone_layers(model))
    elif folder and folder.suffix == SUFFIX:
        if whole or not family.archive:
            accepted = "only weights of whole models" if whole else "none"
            raise InputError(
                f"{folder}: an archive, which holds a backbone; {family.name} takes {accepted} here"
            )
        _record(model, weights, load_archive(model, family.archive, folder), backbone_layers(model))
    elif published:
        _record(model, weights, "", backbone_layers(model))
    else:
        load_weights(model, family, weights, partial=partial, whole=whole)


def _record(model: keras.Model, source: str, sha256: str, loaded: Iterable[keras.Layer]) -> None:
    covered = {layer.name for layer in loaded}
    weighted = _weighted(model.layers)
    model.weights_origin = WeightsOrigin(
        source=source,
        sha256=sha256,
        loaded=sum(layer.count_params() for layer in weighted if layer.name in covered),
        total=model.count_params(),
        random=tuple(layer.name for layer in weighted if layer.name not in covered),
    )


def check_there(family: "Family", source: str) -> None:
    """Refuse weights that name a file which does not exist.

    Args:
        family: the model's.
        source: as for `start`.

    Raises:
        InputError: there is no such file; or it is a folder, and no preset's.
    """
    path = Path(source)
    if source in PUBLISHED or source == "none" or path.is_file() or is_preset(path):
        return
    accepted = f"{family.pretrained}, none" if family.pretrained else "none"
    raise InputError(f"{path}: no such weights file; accepted: {accepted}, or a file")


def load_weights(model: keras.Model, family: "Family", source: str, *, partial: bool, whole: bool) -> None:
    """Load a weights file into a new model, and record it.

    Args:
        model: a model of the family.
        family: the family.
        source: path of a file of the backbone or of the whole model: `.weights.h5` or `.keras` in Keras 3's
            format, or `.h5` in Keras 2's.
        partial: accept a file that covers only some layers of the backbone.
        whole: refuse a file that lacks the head.

    Raises:
        InputError: the file is missing, of another kind or another model, or lacks layers. The line names
            the file. The model is then unusable.
    """
    check_there(family, source)
    path = Path(source)
    with _unpacked(path, model.count_params()) as weights:
        loaded = _load_file(model, family, weights, partial)
    missing = [layer.name for layer in _weighted(model.layers) if layer not in loaded]
    if whole and missing:
        raise InputError(f"{path}: not the weights of a whole {family.name}; missing: {_some(missing)}")
    _record(model, source, file_digest(path), loaded)


class _Weights(NamedTuple):
    """A weights file.

    Attributes:
        file: where its values lie.
        name: what the caller calls it: another file, if `file` was unpacked from it.
    """

    file: Path
    name: Path


@contextmanager
def _unpacked(path: Path, parameters: int) -> Iterator[_Weights]:
    """The weights file itself, or the one inside a `.keras` archive of Keras 3.

    The model in the archive is not read, because it could hold code.
    """
    if path.suffix != ".keras" and not zipfile.is_zipfile(path):
        yield _Weights(path, path)
        return
    with tempfile.TemporaryDirectory() as folder:
        inside = Path(folder) / ARCHIVED
        try:
            with zipfile.ZipFile(path) as archive:
                size = archive.getinfo(ARCHIVED).file_size
                if size > most_bytes(parameters):
                    raise InputError(f"{path}: holds far more values than the model's {parameters:,}")
                check_room(inside.parent, size)
                archive.extract(ARCHIVED, folder)
        except (zipfile.BadZipFile, KeyError) as error:
            raise InputError(f"{path}: not a .keras file with weights ({one_line(error)})") from None
        yield _Weights(inside, path)


def _load_file(model: keras.Model, family: "Family", weights: _Weights, partial: bool) -> list[keras.Layer]:
    """Check a file and load it; return the layers that it filled."""
    check_contents(weights.file, model.count_params(), weights.name)
    with open_hdf5(weights.file, weights.name) as file:
        legacy = "layer_names" in file.attrs or "model_weights" in file
    try:
        if legacy:
            return _load_keras2(model, family, weights)
        return _load_keras3(model, family, weights, partial)
    except (ValueError, KeyError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        raise InputError(f"{weights.name}: does not fit {family.name}: {one_line(error)}") from error


def _load_keras3(model: keras.Model, family: "Family", weights: _Weights, partial: bool) -> list[keras.Layer]:
    """Load a `.weights.h5` after comparing all its shapes with those that the model would write."""
    path, name = weights
    if not path.name.endswith(".weights.h5"):
        raise InputError(f"{name}: in Keras 3's format; rename it to *.weights.h5")
    expected, given = _expected(model), _shapes(path)
    for part, shapes in given.items():
        if part not in expected:
            raise InputError(f"{name}: does not fit {family.name}, which has no layer {part!r}")
        layer, wanted = expected[part]
        if shapes != wanted:
            raise InputError(
                f"{name}: does not fit {family.name}: layer {layer.name} has the shapes "
                f"{[*wanted.values()]}, but the file {[*shapes.values()]}"
            )
    loaded = [layer for part, (layer, _) in expected.items() if part in given]
    _check_cover(model, family, name, loaded, partial)
    # This also skips layers without weights: the seed decides the random state of dropout, not the file.
    model.load_weights(path, objects_to_skip=[layer for layer in model.layers if layer not in loaded])
    return loaded


def _check_cover(
    model: keras.Model, family: "Family", name: Path, loaded: list[keras.Layer], partial: bool
) -> None:
    backbone = _weighted(backbone_layers(model))
    head = [layer for layer in _weighted(model.layers) if layer not in backbone]
    missing = [layer for layer in backbone if layer not in loaded]
    if any(layer in loaded for layer in head):
        missing += [layer for layer in head if layer not in loaded]
    if not loaded:
        raise InputError(f"{name}: holds no layer's weights")
    if missing and not partial:
        names = [layer.name for layer in missing]
        raise InputError(
            f"{name}: covers {sum(layer.count_params() for layer in loaded):,} of "
            f"{sum(layer.count_params() for layer in backbone):,} parameters of {family.name}; "
            f"missing: {_some(names)}; --partial-weights leaves them random"
        )


def _load_keras2(model: keras.Model, family: "Family", weights: _Weights) -> list[keras.Layer]:
    """Load a file in Keras 2's format. Keras matches layers by their order, so the file must be complete.

    Our own models in this format have a layer `logit`; `adapt_legacy` is for files by others.
    """
    path, name = weights
    if path != name:
        raise InputError(f"{name}: holds weights in Keras 2's format; accepted there: Keras 3's")
    if path.name.endswith(".weights.h5") or path.suffix != ".h5":
        raise InputError(f"{name}: in Keras 2's format; rename it to *.h5, without .weights")
    with h5py.File(path) as file:
        ours = "logit" in _keras2_group(file)
    backbone = keras.Model(model.input, model.get_layer("features").output)
    for part in (backbone, model):
        try:
            part.load_weights(path)
        except ValueError as error:
            if not str(error).startswith("Layer count mismatch"):
                raise
            if part is model:
                if not _load_in_order(backbone, path):
                    raise
                return _weighted(backbone.layers)
            continue
        if part is model and not ours and family.adapt_legacy:
            family.adapt_legacy(model)
        return _weighted(part.layers)
    raise AssertionError("unreachable")


def _keras2_group(file: h5py.File) -> h5py.Group:
    """The group that holds the layers, in a weights file or in the file of a whole model."""
    return file if "layer_names" in file.attrs else file["model_weights"]


def _load_in_order(backbone: keras.Model, path: Path) -> bool:
    """Load a backbone's file that nests layers which are flat here, as in Keras' ConvNeXt.

    Returns:
        Whether the file holds exactly the backbone's values, in their order.
    """
    with h5py.File(path) as file:
        group = _keras2_group(file)
        layers = [group[name] for name in group.attrs["layer_names"]]
        values = [layer[name] for layer in layers for name in layer.attrs["weight_names"]]
        variables = [variable for layer in _weighted(backbone.layers) for variable in layer.weights]
        if [value.shape for value in values] != [tuple(variable.shape) for variable in variables]:
            return False
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value[()])
    return True


def _expected(model: keras.Model) -> dict[str, tuple[keras.Layer, Shapes]]:
    """Layers with weights and the shapes of their values, by the layer's name in a weights file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ARCHIVED
        try:
            write_weights(path, model)
        except OSError as error:
            error.filename = error.filename or folder  # a full disk names no file
            raise
        shapes = _shapes(path)
        with h5py.File(path) as file:
            names = {name: file["layers"][name]["vars"].attrs["name"] for name in shapes}
    return {name: (model.get_layer(names[name]), shapes[name]) for name in shapes}


def _shapes(path: Path) -> dict[str, Shapes]:
    """Shapes of the values of each layer in a `.weights.h5`, without the random states of dropout."""
    found: dict[str, Shapes] = {}

    with h5py.File(path) as file:

        def visit(name: str, item: h5py.Dataset | h5py.Group) -> None:
            if isinstance(item, h5py.Dataset) and "seed_generator" not in name:
                layer, _, inner = name.partition("/")
                found.setdefault(layer, {})[inner] = item.shape

        if isinstance(file.get("layers"), h5py.Group):
            file["layers"].visititems(visit)
    return found


def _weighted(layers: Iterable[keras.Layer]) -> list[keras.Layer]:
    return [layer for layer in layers if layer.weights]


def _some(names: Iterable[str], most: int = 6) -> str:
    """The first names, and the number of the others."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
