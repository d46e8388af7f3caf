"""The one way to build a model of any family. It imports Keras only when it builds a model."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dfdetect.models.light import Model
from dfdetect.models.names import PUBLISHED
from dfdetect.models.registry import Family, family
from dfdetect.recipe import NORMALISATIONS, OWN
from face_extraction.errors import InputError, check_name

if TYPE_CHECKING:
    import keras


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
    """Build a model that keeps the contract of `registry`, not compiled.

    Example:
        >>> model = build_model("custom_cnn", image_size=64)
        >>> model.output_shape
        (None, 1)
        >>> model.get_layer("logit").name, model.get_layer("p_fake").dtype
        ('logit', 'float32')

    Args:
        name: one of `list_models()`.
        image_size: side of the square input in pixels; None or 0 for the family's own.
        frames: faces of one clip that the model takes at once, T of its input (B, T, H, W, 3); 0 for
            single faces.
        weights: "none" (random), the family's published weights (a key of `PUBLISHED`), the folder of a
            keras-hub preset, or a weights file of the backbone or of the whole model.
            `weights.weights_origin(model)` tells what was loaded.
        partial_weights: accept a file that covers only some layers of the backbone.
        whole: refuse weights that leave the head random.
        normalisation: one of `recipe.NORMALISATIONS`; "own" is the family's.
        trainable: "all", "head", "last:N" or "norm"; see `blocks.set_trainable`.
        dense_units: units of a ReLU layer before the last one; 0 = no such layer.
        dropout: share of the features dropped before the last layer, 0 to 1.
        l2: L2 penalty on the kernels of trainable layers, in `model.losses`.
        bn_momentum: momentum of the running means and variances of batch normalisation. At Keras' 0.99
            they take hundreds of steps to leave their start. If a deep network trains from random weights
            for fewer steps, its scores in inference are nearly constant.
        seed: equal seeds give equal initial weights and equal dropout. The random state of the
            calling program is neither used nor changed.
        options: the family's own options.

    Raises:
        InputError: a value is not accepted, or the weights cannot be had.
    """
    import keras

    from dfdetect.models import head
    from dfdetect.models.blocks import set_trainable
    from dfdetect.models.download import download_errors
    from dfdetect.models.layers.normalise import Normalize
    from dfdetect.models.weights import start

    kind = family(name)
    size = image_size or kind.image_size
    kind.check_size(size)
    _check_weights(kind, weights, whole=whole)
    kind.check_frames(frames)
    kind.check_options(options)
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
    with _seeded(seed):  # start() builds keras-hub's network to load a preset
        start(model, kind, weights, partial=partial_weights, whole=whole)
    set_trainable(model, kind, trainable)
    return model


def _normalisation(kind: Family, wanted: str) -> str:
    """The key of `normalise.MODES` for a family."""
    check_name("normalisation", wanted, NORMALISATIONS)
    if wanted != OWN and kind.normalisation == "none":
        raise InputError(f"{kind.name}: normalisation {wanted!r}; accepted: {OWN}, as its network normalises")
    return kind.normalisation if wanted == OWN else wanted


def frames_of(model: Model) -> int:
    """Faces of one clip that a model takes at once; 0 if it takes single faces."""
    shape = model.input_shape
    return int(shape[1]) if len(shape) == 5 else 0


def _check_weights(kind: Family, weights: str, *, whole: bool) -> None:
    if whole and weights in ("none", *PUBLISHED):
        raise InputError(
            f"weights {weights!r} leave the head random; accepted: a weights file of a whole {kind.name}"
        )
    if weights in PUBLISHED and weights != kind.pretrained:
        accepted = f"{kind.pretrained}, none" if kind.pretrained else "none"
        raise InputError(
            f"{kind.name} has no {PUBLISHED[weights]} weights; accepted: {accepted}, or a weights file"
        )


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Make what is built inside depend only on `seed`.

    If an initializer or a dropout layer gets no seed, Keras draws one from Python's `random`.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
