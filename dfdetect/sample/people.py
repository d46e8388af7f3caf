"""Drawn people: portraits made by code from a seed, moving as in a short video.

They replace faces that may not be shipped. They serve only to try the pipeline.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from dfdetect.sample.canvas import Array, Pixels, Place, blurred, curve, layer
from dfdetect.sample.features import Expression, draw_features, eye_lines, mouth_lines
from dfdetect.sample.hair import draw_back, draw_cover
from dfdetect.sample.head import HEAD, brow_points, draw_head, outline_points, surface
from dfdetect.sample.identity import Identity
from dfdetect.sample.scene import FRAME, draw_background, draw_body

JAW, BROWS, NOSE, EYES, MOUTH = slice(0, 17), slice(17, 27), slice(27, 35), slice(35, 47), slice(47, 59)
"""Where the parts of a face are among its landmarks. Each runs from left to right in the picture, except
eyes and mouth, which go around: an eye from its inner corner, the mouth from its left corner."""


@dataclass(frozen=True)
class Pose:
    """The position of the head in one frame.

    Attributes:
        x: shift of the head to the right, in pixels of the frame.
        y: shift downwards, in pixels of the frame.
        scale: size of the head in the frame, pixels a head unit.
        roll: turn in the picture's plane, radians.
        yaw: turn to the right in the picture, as the tangent of the angle.
        pitch: turn downwards, as the tangent of the angle.
    """

    x: float = 0.0
    y: float = 0.0
    scale: float = 70.0
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0


class Person:
    """A drawn person; the still parts are drawn only once.

    Args:
        identity: who it is; equal identities give equal pictures.
    """

    def __init__(self, identity: Identity) -> None:
        rng = np.random.default_rng(identity.seed)
        self.identity = identity
        self._head, self._head_mask = draw_head(identity, rng)
        self._cover, self._cover_mask = draw_cover(identity, rng)
        self._still = _bytes(self._layered(self._head, HEAD.place(HEAD)))
        back = draw_back(identity, rng)
        self._back = None if back is None else _bytes(layer(*back))
        self._background = _bytes(draw_background(rng))
        self._body = _bytes(draw_body(identity, rng))
        depth = np.clip(surface(identity), 0, None)
        self._depth: Array = blurred(depth, 0.07 * HEAD.scale)
        self._jaw = outline_points(identity, np.linspace(np.pi - 0.06, 0.06, 17, dtype=np.float32))

    def frame(self, pose: Pose, expression: Expression) -> Pixels:
        """The person in one frame: RGB, uint8, (320, 320, 3)."""
        head = self._still.copy()
        for place, patch in draw_features(self._head, self.identity, expression):
            head[place] = _bytes(self._layered(patch, place))
        source = self._source_map(pose)
        image = self._background
        if self._back is not None:
            image = _over(image, _moved(self._back, source))
        image = _over(image, self._body)
        return _over(image, _moved(head, source))

    def _layered(self, head: Array, place: Place) -> Array:
        """Part of the head with hair and glasses: (h, w, 4), colours multiplied by the mask."""
        cover = self._cover_mask[place]
        under = self._head_mask[place] * (1 - cover)
        colours = head * under[..., None] + self._cover[place] * cover[..., None]
        return np.dstack([colours, under + cover])

    def landmarks(self, pose: Pose, expression: Expression) -> Array:
        """Points (59, 2) in the frame, in pixels, in the order of `JAW`, `BROWS` and so on."""
        points = self._points(expression)
        at = HEAD.pixels(points)
        depth = cv2.remap(self._depth, at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR)[0]
        turned = points + depth[:, None] * np.array([pose.yaw, pose.pitch], np.float32)
        return np.asarray(turned @ _rotation(pose).T * pose.scale + _centre(pose), np.float32)

    def _points(self, expression: Expression) -> Array:
        i = self.identity
        nose_y = np.linspace(0.0, i.nose_y - 0.1, 4, dtype=np.float32)
        bridge = np.stack([np.zeros(4, np.float32), nose_y], axis=1)
        base_x = i.nose_width * np.array([-0.8, -0.3, 0.3, 0.8], np.float32)
        base = np.stack([base_x, np.full(4, i.nose_y, np.float32)], axis=1)
        parts = [self._jaw, brow_points(i, -1)[::-1], brow_points(i, 1), bridge, base]
        for side in (-1, 1):
            upper, lower = eye_lines(i, side, expression.lids)
            parts.append(np.concatenate([curve(upper, 4), curve(lower, 4)[2:0:-1]]))
        top, _, _, bottom = mouth_lines(i, expression)
        parts.append(np.concatenate([curve(top, 7), curve(bottom, 7)[5:0:-1]]))
        return np.concatenate(parts).astype(np.float32)

    def _source_map(self, pose: Pose) -> tuple[Array, Array]:
        """The point of the sheet HEAD from which each pixel of the frame comes."""
        turn = _rotation(pose) * np.float32(HEAD.scale / pose.scale)
        centre = _centre(pose)
        across = np.arange(FRAME, dtype=np.float32)[None, :] - centre[0]
        down = np.arange(FRAME, dtype=np.float32)[:, None] - centre[1]
        x = HEAD.left + turn[0, 0] * across + turn[1, 0] * down
        y = HEAD.top + turn[0, 1] * across + turn[1, 1] * down
        moved_x, moved_y = x, y
        for _ in range(2):  # the depth is needed at the point that is searched, so search twice
            depth = cv2.remap(self._depth, moved_x, moved_y, cv2.INTER_LINEAR)
            moved_x = x - np.float32(pose.yaw * HEAD.scale) * depth
            moved_y = y - np.float32(pose.pitch * HEAD.scale) * depth
        return moved_x, moved_y


def _rotation(pose: Pose) -> Array:
    cos, sin = np.cos(pose.roll), np.sin(pose.roll)
    return np.array([[cos, -sin], [sin, cos]], np.float32)


def _centre(pose: Pose) -> Array:
    return np.array([FRAME / 2 + pose.x, FRAME * 0.45 + pose.y], np.float32)


def _bytes(picture: Array) -> Pixels:
    return np.asarray(np.clip(picture * 255 + 0.5, 0, 255), np.uint8)


def _moved(picture: Pixels, source: tuple[Array, Array]) -> Pixels:
    return np.asarray(cv2.remap(picture, *source, cv2.INTER_LINEAR), np.uint8)


def _over(image: Pixels, above: Pixels) -> Pixels:
    """`image` (H, W, 3) with `above` (H, W, 4) over it; the colours of `above` are multiplied by its mask."""
    free = cv2.cvtColor(255 - above[..., 3], cv2.COLOR_GRAY2RGB)
    shown = cv2.cvtColor(above, cv2.COLOR_RGBA2RGB)
    return np.asarray(cv2.add(cv2.multiply(image, free, scale=1 / 255), shown), np.uint8)
