"""Features of faces from a named network; the measures carry its name."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from dfdetect.fakes.gan.networks import to_pixels
from dfdetect.fakes.registry import Rgb
from dfdetect.hdf5 import check_contents
from face_extraction.digest import file_digest
from face_extraction.errors import InputError, one_line
from face_extraction.images import resize

SIDE = 128
"""Side of the faces that MobileNet sees, in pixels; smaller ones are scaled up."""
PUBLISHED = "imagenet"


class FeatureNetwork(NamedTuple):
    """A network that gives features of faces.

    Attributes:
        name: what the measures are named after, with the weights.
        compute: from faces, uint8 (n, S, S, 3), to features, float32 (n, 1024).
    """

    name: str
    compute: Callable[[Rgb], NDArray[np.float32]]


def open_mobilenet(weights: str) -> FeatureNetwork:
    """MobileNet 1.0 (Howard et al. 2017, arXiv 1704.04861), the mean of its last map.

    Args:
        weights: "imagenet", which is downloaded, or a weights file of MobileNet without its top.

    Raises:
        InputError: the weights cannot be had.
    """
    try:
        network = keras.applications.MobileNet(
            include_top=False,
            input_shape=(SIDE, SIDE, 3),
            pooling="avg",
            weights=PUBLISHED if weights == PUBLISHED else None,
        )
        if weights != PUBLISHED:
            check_contents(Path(weights), network.count_params())
            network.load_weights(weights)
    # Keras raises a bare Exception if it cannot fetch, and many if it cannot read.
    except Exception as error:
        raise InputError(
            f"the weights {weights} of MobileNet cannot be had ({one_line(error)}); accepted for --weights: "
            "imagenet, a weights file of MobileNet without its top, or none to measure nothing"
        ) from error

    def compute(faces: Rgb) -> NDArray[np.float32]:
        found = []
        for start in range(0, len(faces), 32):
            batch = np.stack([resize(face, SIDE) for face in faces[start : start + 32]])
            found.append(np.asarray(network(to_pixels(batch), training=False)))
        return np.concatenate(found)

    told = PUBLISHED if weights == PUBLISHED else f"SHA-256 {file_digest(Path(weights))[:16]}"
    return FeatureNetwork(f"MobileNet features at {SIDE} pixels ({told})", compute)
