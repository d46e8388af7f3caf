"""Models: one file a family, registered by name, all under one contract (see `registry`)."""

from typing import TYPE_CHECKING, Any

from dfdetect.models.registry import Backbone, Family, build_model, family, frames_of, list_models, register

if TYPE_CHECKING:
    from dfdetect.models.weights import WeightsOrigin, weights_origin

__all__ = [
    "Backbone",
    "Family",
    "WeightsOrigin",
    "build_model",
    "family",
    "frames_of",
    "list_models",
    "register",
    "weights_origin",
]


def __getattr__(name: str) -> Any:
    """What needs Keras is imported when it is asked for."""
    if name in ("WeightsOrigin", "weights_origin"):
        from dfdetect.models import weights

        return getattr(weights, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
