"""The blurred face that stands for "nothing to see here", and smoothed maps."""

import cv2
import numpy as np

from dfdetect.explain.registry import Maps, Pictures

BLUR = 1 / 12
"""Deviation of the blur as a share of the face's side: skin and its light remain, edges and detail go."""


def blurred(faces: Pictures) -> Pictures:
    """Faces without their detail.

    A grey patch, which others use, has sharp edges, and a detector of blended faces takes them for evidence.
    """
    return np.stack([_blur(face, BLUR) for face in faces])


def smoothed(maps: Maps, share: float) -> Maps:
    """Maps blurred with a deviation of a share of their side."""
    return np.stack([_blur(each, share) for each in maps])


def _blur(picture: Maps, share: float) -> Maps:
    sigma = share * picture.shape[0]
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101), np.float32)
