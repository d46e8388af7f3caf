"""The face of one colour that stands for "nothing to see here", and smoothed maps."""

import cv2
import numpy as np

from dfdetect.explain.registry import Maps, Pictures


def veiled(faces: Pictures) -> Pictures:
    """Each face as one surface of its mean colour.

    A blurred face, which others use too, is not neutral here: forging blurs faces in part, so that the
    detector that ships gives a face with a blurred patch a higher score than the face.
    """
    return np.broadcast_to(faces.mean(axis=(1, 2), keepdims=True), faces.shape).astype(np.float32)


def smoothed(maps: Maps, share: float) -> Maps:
    """Maps blurred with a deviation of a share of their side."""
    sigma = share * maps.shape[1]
    border = cv2.BORDER_REFLECT_101
    return np.stack([cv2.GaussianBlur(each, (0, 0), sigma, borderType=border) for each in maps])
