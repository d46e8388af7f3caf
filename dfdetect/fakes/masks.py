"""Masks from landmarks, and how a source is laid over a picture by one."""

from collections.abc import Sequence

import cv2
import numpy as np

from dfdetect.fakes.registry import Fake, Mask, Points, Rgb, Rng

# dlib's 68 landmarks.
JAW, BROWS, NOSE, EYES, MOUTH = range(17), range(17, 27), range(27, 36), range(36, 48), range(48, 68)
EYE_LEFT, EYE_RIGHT = range(36, 42), range(42, 48)


def eye_distance(points: Points) -> float:
    """Pixels between the middles of the eyes, at least 1: the measure of a face."""
    between = points[EYE_RIGHT].mean(axis=0) - points[EYE_LEFT].mean(axis=0)
    return max(1.0, float(np.hypot(*between)))


def raised_brows(points: Points, share: float) -> Points:
    """The landmarks with the brows moved away from the eyes, towards the hairline.

    Args:
        points: float32 of shape (68, 2).
        share: how far, in distances between brows and eyes.
    """
    raised = points.copy()
    up = points[BROWS].mean(axis=0) - points[EYES].mean(axis=0)
    raised[BROWS] += share * up
    return raised


def fill_hulls(shape: Sequence[int], hulls: Sequence[Points]) -> Mask:
    """A mask that is 1 within the convex hull of each set of points.

    Args:
        shape: height and width first.
        hulls: sets of points, each float32 of shape (N, 2).
    """
    mask = np.zeros(shape[:2], np.uint8)
    for points in hulls:
        hull = cv2.convexHull(np.rint(points).astype(np.int32))
        cv2.fillConvexPoly(mask, hull, 255)
    return np.asarray(mask / 255, np.float32)


def face_mask(shape: Sequence[int], points: Points, rng: Rng) -> Mask:
    """A hard mask over a face or part of it, of a shape drawn at random.

    The shapes follow those of Shiohara & Yamasaki 2022 (section 3.2) and of the tool that they took
    them from: the whole face, its inner part, its lower part, the face with the brows moved up, and
    the union of its components.
    """
    moved = points + rng.normal(0, 0.03 * eye_distance(points), points.shape).astype(np.float32)
    shape_name = rng.choice(("whole", "brows_up", "inner", "lower", "components"))
    raised = raised_brows(moved, rng.uniform(0.5, 1.5))
    if shape_name == "brows_up":
        return fill_hulls(shape, [raised])
    if shape_name == "inner":
        return fill_hulls(shape, [moved[17:]])
    if shape_name == "lower":
        return fill_hulls(shape, [np.concatenate([moved[2:15], moved[29:36]])])
    if shape_name == "components":
        right, left = [*range(9), *range(17, 22)], [*range(8, 17), *range(22, 27)]
        parts = [right, left, [*range(17, 36), 8], [*EYES, *NOSE], [*MOUTH, *range(4, 13), *range(31, 36)]]
        kept = [part for part in parts if rng.random() < 0.7] or parts
        return fill_hulls(shape, [raised[part] for part in kept])
    return fill_hulls(shape, [moved])


def soften(mask: Mask, rng: Rng, scale: float) -> Mask:
    """Give a hard mask a soft edge of random width, wider inwards than outwards.

    Blurred once, cut off, and blurred again, as Shiohara & Yamasaki 2022 do.

    Args:
        mask: float32 of shape (H, W), 0 to 1.
        rng: the only source of chance.
        scale: the distance between the eyes, in pixels.
    """
    first = cv2.GaussianBlur(mask, (0, 0), scale * rng.uniform(0.03, 0.15))
    inner = np.clip((first - 0.5) * 2, 0, 1)
    soft = cv2.GaussianBlur(inner, (0, 0), scale * rng.uniform(0.02, 0.12))
    peak = float(soft.max())
    if peak > 0:
        soft = soft / peak
    soft[soft < 1 / 512] = 0  # less than half a grey level
    return np.asarray(soft, np.float32)


def blend(picture: Rgb, source: Rgb, mask: Mask) -> Fake:
    """Lay `source` over `picture` where the mask says; where it is 0 nothing changes.

    Args:
        picture: uint8 of shape (H, W, 3); it is not changed.
        source: of the same shape.
        mask: float32 of shape (H, W), 0 to 1.
    """
    mixed = cv2.blendLinear(picture, source, 1 - mask, mask)
    return Fake(np.asarray(mixed, np.uint8), mask)
