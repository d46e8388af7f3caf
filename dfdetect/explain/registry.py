"""What a file in the folder "methods" provides: a function from faces to maps.

The methods are our own, because no kept library fits Keras 3 on both backends (looked up in November 2026):
xplique 2.0 knows TensorFlow up to 2.20 and pins SciPy and OpenCV below ours, tf-keras-vis 0.8.7 (2024) and
tf-explain 0.3.1 (2022) are of Keras 2's time, and Captum explains PyTorch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from face_extraction.registry import Registry

if TYPE_CHECKING:
    from dfdetect.explain.probe import Probe

__all__ = ["Maps", "Method", "Pictures", "get_method", "list_methods", "register"]

Pictures = NDArray[np.float32]
"""Faces as a model takes them: float32 of shape (B, S, S, 3), RGB 0..255."""
Maps = NDArray[np.float32]
"""Evidence that the face is fake: float32 of shape (B, h, w), in any unit; 0 or less means none."""
Explain = Callable[["Probe", Pictures], Maps]


def fits_all(probe: "Probe") -> str:
    """A method that suits every model."""
    return ""


@dataclass(frozen=True)
class Method:
    """A way to explain a score.

    Attributes:
        name: its name in code and on the command line.
        title: its name for readers.
        summary: what its map shows, in one sentence.
        source: the paper that it follows.
        explain: from a probed model and faces to maps.
        misfit: says why the method cannot explain a model; "" if it can.
    """

    name: str
    title: str
    summary: str
    source: str
    explain: Explain
    misfit: Callable[["Probe"], str] = fits_all


_METHODS: Registry[Method] = Registry("method of explanation", f"{__package__}.methods")


def register(
    name: str, title: str, summary: str, source: str, *, misfit: Callable[["Probe"], str] = fits_all
) -> Callable[[Explain], Explain]:
    """Register the decorated function as the method `name`.

    The function takes a probed model and faces. It changes neither, and has no chance in it: the same two
    give the same maps.
    """
    return _METHODS.decorator(name, lambda explain: Method(name, title, summary, source, explain, misfit))


def list_methods() -> list[Method]:
    """All methods, by name."""
    return _METHODS.all()


def get_method(name: str) -> Method:
    """The method called `name`.

    Raises:
        InputError: no method has this name; the line gives the nearest.
    """
    return _METHODS.get(name)
