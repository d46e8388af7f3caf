"""Explain a score: where in a face the evidence lies, and how far such a map can be trusted.

Example:
    >>> from dfdetect import build_model, explain
    >>> import numpy as np
    >>> face = np.zeros((80, 80, 3), np.uint8)
    >>> heat = explain.heat_map(build_model("meso4", image_size=64), face, method="grad_cam")
    >>> heat.shape, explain.overlay(face, heat).dtype
    ((80, 80), dtype('uint8'))
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dfdetect.explain.heat_maps import EMPTY, default_method, heat_map, heat_maps, is_empty, overlay
    from dfdetect.explain.registry import list_methods

__all__ = ["EMPTY", "default_method", "heat_map", "heat_maps", "is_empty", "list_methods", "overlay"]


def __getattr__(name: str) -> Any:
    """The public names, each imported when it is first asked for: Keras takes seconds to import."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "registry" if name == "list_methods" else "heat_maps"
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
