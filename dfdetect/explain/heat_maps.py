"""Heat maps of faces, and how they are laid over them."""

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from dfdetect.explain.probe import BATCH, probe_of
from dfdetect.explain.registry import Maps, get_method, list_methods
from face_extraction.errors import InputError
from face_extraction.images import check_rgb, resize

SURE = "occlusion"
"""The method that suits every model. With the detector that ships it points best at altered eyes and mouths
(docs/measured.md, "Heat maps"). It takes 82 passes a face."""
QUICK = "grad_cam"
"""The method for large models: one pass and back."""
LARGE = 5_000_000
"""Parameters from which 82 passes a face take too long for somebody who waits."""
EMPTY = "Nothing in this face raised the score, so the map is empty."
"""What readers are told of a map that is 0 everywhere: it looks like one that failed."""
STRENGTH = 0.7
"""How far the hottest place of an overlay is covered by its colour."""

Rgb = NDArray[np.uint8]


def default_method(model: keras.Model) -> str:
    """The name of the method that pages show: `SURE`, or `QUICK` for a large model that it suits."""
    large = model.count_params() > LARGE
    return QUICK if large and not get_method(QUICK).misfit(probe_of(model)) else SURE


def heat_map(model: keras.Model, face: Rgb, method: str = "") -> Maps:
    """Where in one face the evidence lies that it is fake.

    The map is relative to this face: 1 is its hottest place, however low the score. It is 0 everywhere if
    nothing raises the score.

    Args:
        model: a model of `dfdetect.models` for single faces.
        face: a crop as the model was trained on, uint8 RGB of shape (H, W, 3), of any size.
        method: one of `list_methods()`; "" for `default_method(model)`.

    Returns:
        float32 of shape (H, W), 0 to 1.

    Raises:
        InputError: the method is unknown or does not suit the model, or the model takes clips.
        TypeError: `face` is no array of uint8.
        ValueError: `face` has another shape.
    """
    height, width = check_rgb(face).shape[:2]
    raw = _raw(model, resize(face, probe_of(model).side)[None], method)
    return _unit(raw[0], height, width)


def heat_maps(model: keras.Model, faces: Rgb, method: str = "") -> Maps:
    """The heat maps of many faces, as `heat_map` makes each.

    Args:
        model: as for `heat_map`.
        faces: uint8 of shape (n, S, S, 3), at the model's own size.
        method: as for `heat_map`.

    Returns:
        float32 of shape (n, S, S), 0 to 1.

    Raises:
        InputError: as for `heat_map`.
    """
    side = probe_of(model).side
    return np.stack([_unit(each, side, side) for each in _raw(model, faces, method)])


def _raw(model: keras.Model, faces: Rgb, method: str) -> Maps:
    """The method's own maps of faces of the model's size."""
    probe, chosen = probe_of(model), get_method(method or default_method(model))
    why = chosen.misfit(probe)
    if why:
        raise InputError(f"{chosen.name}: {why}; accepted: {', '.join(suiting(model))}")
    parts = [faces[start : start + BATCH].astype(np.float32) for start in range(0, len(faces), BATCH)]
    return np.concatenate([chosen.explain(probe, part) for part in parts])


def suiting(model: keras.Model) -> list[str]:
    """Names of the methods that suit a model."""
    probe = probe_of(model)
    return [method.name for method in list_methods() if not method.misfit(probe)]


def _unit(raw: Maps, height: int, width: int) -> Maps:
    """A map at a face's size, its hottest place 1, and 0 for what is no evidence."""
    # Cubic, because a map of a few places shows creases between them otherwise.
    heat = np.maximum(cv2.resize(np.maximum(raw, 0), (width, height), interpolation=cv2.INTER_CUBIC), 0)
    most = float(heat.max())
    return np.asarray(heat / most if most > 0 else heat, np.float32)


def is_empty(heat: Maps) -> bool:
    """Whether a map is 0 everywhere, because nothing in the face raised the score."""
    return not heat.any()


def overlay(face: Rgb, heat: Maps) -> Rgb:
    """The face with its heat map laid over it; cold places stay as they are.

    Args:
        face: uint8 RGB of shape (H, W, 3).
        heat: of shape (H, W), 0 to 1.

    Returns:
        uint8 RGB of shape (H, W, 3).
    """
    share = STRENGTH * heat[:, :, None]
    mixed = face * (1 - share) + coloured(heat) * share
    return np.asarray(np.rint(mixed), np.uint8)


def coloured(heat: Maps) -> Rgb:
    """A heat map in colours that also colour-blind readers see rise: uint8 RGB of shape (H, W, 3)."""
    levels = np.rint(np.clip(heat, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[:, :, ::-1], np.uint8)
