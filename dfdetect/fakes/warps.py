"""Geometry: small affine and elastic displacements, and piecewise affine warps between landmarks."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from dfdetect.fakes.registry import Mask, Points, Rgb, Rng

Map = NDArray[np.float32]
"""For each pixel of the result where it comes from: float32 of shape (H, W, 2), x and y."""


def identity_map(height: int, width: int) -> Map:
    """The map that moves nothing."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.stack([x, y], axis=2)


def elastic_map(height: int, width: int, rng: Rng, reach: float, nodes: int = 6) -> Map:
    """A smooth random displacement.

    Args:
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        rng: the only source of chance.
        reach: deviation of the displacement, in pixels.
        nodes: of the coarse grid of displacements, each way; more of them wrinkle more finely.
    """
    coarse = rng.normal(0, reach, (nodes, nodes, 2)).astype(np.float32)
    return identity_map(height, width) + cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def offset_matrix(height: int, width: int, rng: Rng) -> NDArray[np.float64]:
    """A small shift, scale and turn about the middle, as a (2, 3) matrix.

    Shift by up to 3 % across and 1.5 % down, scale by up to 5 % (Shiohara & Yamasaki 2022, section
    3.2); the turn of up to 2 degrees is ours.
    """
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-2, 2), rng.uniform(0.95, 1 / 0.95))
    matrix[0, 2] += rng.uniform(-0.03, 0.03) * width
    matrix[1, 2] += rng.uniform(-0.015, 0.015) * height
    return np.asarray(matrix)


def warp_rgb(picture: Rgb, sources: Map) -> Rgb:
    """The picture, each pixel fetched from where `sources` says, mirrored at the edges."""
    moved = cv2.remap(picture, sources, np.empty(0), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.uint8)


def shift_rgb(picture: Rgb, matrix: NDArray[Any]) -> Rgb:
    """The picture moved by a (2, 3) matrix, mirrored at the edges."""
    height, width = picture.shape[:2]
    moved = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.uint8)


def shift_mask(mask: Mask, matrix: NDArray[np.float64]) -> Mask:
    """The mask moved by a (2, 3) matrix, 0 beyond the edges."""
    return np.asarray(cv2.warpAffine(mask, matrix, mask.shape[::-1]), np.float32)


def warp_mask(mask: Mask, sources: Map) -> Mask:
    """The mask, each pixel fetched from where `sources` says, 0 beyond the edges."""
    return np.asarray(cv2.remap(mask, sources, np.empty(0), cv2.INTER_LINEAR), np.float32)


def landmark_map(height: int, width: int, target: Points, donor: Points) -> Map:
    """The piecewise affine map that brings the donor's landmarks onto the target's.

    The triangles are those of the target's landmarks (Delaunay) and of eight points on the edge of the
    picture, which stay where the whole face's similarity transform takes them.

    Args:
        height: of the target's picture, in pixels.
        width: of the target's picture, in pixels.
        target: where the landmarks are in the result, (N, 2).
        donor: where they are in the donor's picture, (N, 2).
    """
    right, bottom = width - 1, height - 1
    xs, ys = (0, right / 2, right), (0, bottom / 2, bottom)
    frame = np.array([(x, y) for y in ys for x in xs if (x, y) != (right / 2, bottom / 2)], np.float32)
    whole, _ = cv2.estimateAffinePartial2D(target, donor, method=cv2.LMEDS)
    if whole is None:
        raise ValueError("landmarks must span an area. Received: points that nearly coincide")
    corners = np.concatenate([target, frame]).astype(np.float64)
    fetched = np.concatenate([donor, frame @ whole[:, :2].T + whole[:, 2]]).astype(np.float64)
    triangles = Delaunay(corners).simplices
    # Of each triangle the affine map, solved for all at once.
    at = np.concatenate([corners[triangles], np.ones((len(triangles), 3, 1))], axis=2)
    flat = np.abs(np.linalg.det(at)) < 1e-6
    at[flat] = np.eye(3)
    maps = np.linalg.solve(at, fetched[triangles]).astype(np.float32)
    triangle_of = np.zeros((height, width), np.int32)
    for number, triangle in enumerate(triangles):
        if not flat[number]:
            cv2.fillConvexPoly(triangle_of, np.rint(corners[triangle]).astype(np.int32), number)
    # Of each pixel the six numbers of its triangle's map: what x, y and 1 add to the two coordinates.
    add = np.take(maps.reshape(-1, 6), triangle_of, axis=0)
    x, y = np.arange(width, dtype=np.float32)[:, None], np.arange(height, dtype=np.float32)[:, None, None]
    found: Map = add[:, :, :2] * x + add[:, :, 2:4] * y + add[:, :, 4:]
    return found
