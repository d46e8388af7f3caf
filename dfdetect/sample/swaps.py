"""Face swaps between drawn people, made like real face swaps, with their traces.

The donor's face is warped by landmarks onto the target, matched in colour and blended in, frame by
frame (the steps of the FaceSwap method in Roessler et al. 2019, FaceForensics++, section 3.1). The traces
that give a swap away are here too: the blending edge, coarser pixels, a slightly wrong colour, and flicker.
"""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from dfdetect.sample.canvas import Array, Pixels
from dfdetect.sample.films import Film
from dfdetect.sample.people import BROWS, EYES, JAW, MOUTH, NOSE

_CORNERS = [*range(EYES.start, EYES.stop, 3), *range(MOUTH.start, MOUTH.stop, 6)]
_FIXED = [*range(NOSE.stop), *_CORNERS]
"""Landmarks that guide the warp, without lids and lips: the donor keeps their own expression."""
_NODES = 24
"""Nodes of the warp's grid in each direction."""


@dataclass(frozen=True)
class SwapStyle:
    """The quality of one swap.

    Attributes:
        resolution: pixels across the face to which the donor's face is reduced.
        colour: how far the donor's colours are matched to the target's, 0 to 1.
        reach: how far the mask extends towards the jaw, 0 to 1.
        feather: sigma of the mask's soft edge, in pixels.
        jitter: deviation of the landmarks from frame to frame, in pixels.
        flicker: deviation of the brightness from frame to frame, as a share.
    """

    resolution: int = 80
    colour: float = 0.9
    reach: float = 0.8
    feather: float = 4.0
    jitter: float = 0.5
    flicker: float = 0.01


def draw_style(rng: np.random.Generator) -> SwapStyle:
    """A random quality of a swap, from crude to good."""
    return SwapStyle(
        resolution=int(rng.integers(56, 100)),
        colour=float(rng.uniform(0.7, 1.0)),
        reach=float(rng.uniform(0.72, 0.84)),
        feather=float(rng.uniform(2.0, 5.0)),
        jitter=float(rng.uniform(0.2, 0.7)),
        flicker=float(rng.uniform(0.005, 0.02)),
    )


def swap_film(target: Film, donor: Film, rng: np.random.Generator) -> list[Pixels]:
    """All of the target's frames, with the donor's face in them."""
    style = draw_style(rng)
    frames = []
    for index, (picture, points) in enumerate(zip(target.frames, target.landmarks, strict=True)):
        other = index % len(donor.frames)
        moved = donor.landmarks[other] + rng.normal(0, style.jitter, points.shape).astype(np.float32)
        gain = 1 + rng.normal(0, style.flicker)
        frames.append(swap_face(Shot(picture, points), Shot(donor.frames[other], moved), style, gain))
    return frames


class Shot(NamedTuple):
    """A person in one picture.

    Attributes:
        picture: RGB, uint8, (H, W, 3).
        landmarks: (59, 2), in pixels.
    """

    picture: Pixels
    landmarks: Array


def swap_face(target: Shot, donor: Shot, style: SwapStyle, gain: float = 1.0) -> Pixels:
    """Put the donor's face into the target's picture.

    Args:
        target: the picture to change.
        donor: the face to put in; its picture may have any size.
        style: the swap's quality.
        gain: brightness of the donor's face in this frame, near 1.

    Returns:
        A new picture, equal to the target's outside the face.
    """
    left, top, right, bottom = _bounds(target.landmarks, target.picture, margin=12)
    part = target.picture[top:bottom, left:right]
    points = target.landmarks - np.array([left, top], np.float32)
    mask = face_mask(points, part.shape[:2], style)
    moved = cv2.remap(
        donor.picture,
        *warp_map(points[_FIXED], donor.landmarks[_FIXED], part.shape[:2]),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    face = _coarser(np.asarray(moved, np.uint8), style.resolution / float(np.ptp(points[JAW, 0])))
    matched = _match_colour(face, part, mask, style.colour) * np.float32(gain)
    blended = part + (matched - part) * mask[..., None]
    result = target.picture.copy()
    result[top:bottom, left:right] = np.clip(blended + 0.5, 0, 255).astype(np.uint8)
    return result


def face_mask(points: Array, shape: tuple[int, int], style: SwapStyle) -> Array:
    """The inner face, 0 to 1, of `shape`: the convex hull of brows and jaw, with a feathered edge."""
    brows, jaw = points[BROWS], points[JAW]
    centre = points[NOSE].mean(axis=0)
    raised = brows + 0.03 * (brows - jaw[8])
    inner = centre + (jaw - centre) * style.reach
    hull = cv2.convexHull(np.concatenate([raised[1:-1], inner[2:-2]]))
    mask = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(mask, np.round(hull * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), style.feather).astype(np.float32) / 255)


def warp_map(points: Array, sources: Array, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Where each pixel of a picture of `shape` comes from, so that `sources` end up at `points`.

    It is a thin-plate spline (Bookstein 1989), slightly smoothed, computed on a coarse grid.

    Args:
        points: (n, 2) in the new picture, in pixels.
        sources: (n, 2) in the old picture, in pixels.
        shape: height and width of the new picture.
    """
    height, width = shape
    count, size = len(points), 100.0  # a size of about 1 keeps the system well conditioned
    scaled = points.astype(np.float64) / size
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _kernel(scaled, scaled) + 1e-3 * np.eye(count)
    system[:count, count:] = np.column_stack([np.ones(count), scaled])
    system[count:, :count] = system[:count, count:].T
    weights = np.linalg.solve(system, np.concatenate([sources, np.zeros((3, 2))]))
    rows, columns = np.linspace(0, height - 1, _NODES), np.linspace(0, width - 1, _NODES)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2) / size
    basis = np.column_stack([_kernel(grid, scaled), np.ones(len(grid)), grid])
    coarse = (basis @ weights).reshape(_NODES, _NODES, 2)
    down, across = _between_nodes(height), _between_nodes(width)
    x, y = (np.asarray(down @ coarse[..., axis] @ across.T, np.float32) for axis in (0, 1))
    return x, y


def _between_nodes(size: int) -> Array:
    """Weights (size, nodes) that interpolate linearly between evenly spaced nodes."""
    position = np.linspace(0, _NODES - 1, size)
    return np.asarray(np.maximum(1 - np.abs(position[:, None] - np.arange(_NODES)), 0), np.float64)


def _kernel(left: Array, right: Array) -> Array:
    squared = ((left[:, None] - right[None]) ** 2).sum(axis=-1)
    return np.asarray(squared * np.log(squared + 1e-12))


def _bounds(points: Array, picture: Pixels, margin: int) -> tuple[int, int, int, int]:
    height, width = picture.shape[:2]
    left, top = np.maximum(np.floor(points.min(axis=0)) - 2 * margin, 0).astype(int)
    right, bottom = np.ceil(points.max(axis=0)).astype(int) + margin
    return int(left), int(top), min(int(right), width), min(int(bottom), height)


def _coarser(face: Pixels, share: float) -> Pixels:
    """Reduce `face` and enlarge it again, as a generator with few pixels would."""
    height, width = face.shape[:2]
    small = cv2.resize(face, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def _match_colour(face: Pixels, target: Pixels, mask: Array, strength: float) -> Array:
    """Give `face` the target's mean and spread of colour within the mask (Reinhard et al. 2001)."""
    inside = (mask > 0.5).view(np.uint8)
    lab, wanted = (cv2.cvtColor(each, cv2.COLOR_RGB2LAB) for each in (face, target))
    mean, spread = (each.ravel() for each in cv2.meanStdDev(lab, mask=inside))
    wanted_mean, wanted_spread = (each.ravel() for each in cv2.meanStdDev(wanted, mask=inside))
    ratio = 1 + (np.clip(wanted_spread / (spread + 1), 0.6, 1.6) - 1) * strength
    shift = mean + (wanted_mean - mean) * strength
    moved = (lab - mean.astype(np.float32)) * ratio.astype(np.float32) + shift.astype(np.float32)
    mixed = np.clip(moved, 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(mixed, cv2.COLOR_LAB2RGB), np.float32)
