"""dfdetect: tell real faces from deepfakes, on Keras 3.

Example:
    >>> from dfdetect import Detector
    >>> detector = Detector.from_run("runs/NAME")
    >>> verdict = detector.judge("video.mp4")
    >>> verdict.sentence, verdict.score, verdict.faces
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

from face_extraction.missing import explain_missing_packages

if TYPE_CHECKING:
    from dfdetect.models.build import build_model
    from dfdetect.models.registry import list_models
    from dfdetect.predict.detector import Detector
    from dfdetect.recipe import Recipe

__all__ = ["Detector", "Recipe", "__version__", "build_model", "list_models"]
__version__ = "0.1.0"

# TensorFlow's C++ side logs much on which no user can act. Errors that matter arrive as Python
# exceptions, and commands name the device that they run on.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow takes oneDNN's convolutions by itself on processors with AVX512-VNNI or AMX alone. With AVX2
# they train up to 1.7 times as fast, and all processors round alike.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# onnxruntime 1.32 collects for its maker which program uses it, on which machine and with which errors. It
# keeps that in the user's cache and looks for the maker's server.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Several processes may share a GPU, as the workers of a search do: each takes memory as it needs it. Without
# this TensorFlow takes all of it, and JAX three quarters. What the user has set stays.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

explain_missing_packages()

_HOMES = {
    "Detector": "dfdetect.predict.detector",
    "Recipe": "dfdetect.recipe",
    "build_model": "dfdetect.models.build",
    "list_models": "dfdetect.models.registry",
}


def __getattr__(name: str) -> Any:
    """The public names, each imported when it is first asked for: Keras takes seconds to import."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
