"""The surroundings of a drawn head: the background, and neck and shoulders."""

import numpy as np
from numpy.typing import ArrayLike

from dfdetect.sample.canvas import Array, Sheet, blurred, colour, curve, layer, noise, paint, smooth_step
from dfdetect.sample.identity import Identity

FRAME = 320
"""Width and height of a video's frames, in pixels."""

_SHEET = Sheet(FRAME, FRAME, FRAME / 2, 0.45 * FRAME, 70.0)

_WALLS = (
    (198, 190, 178),
    (150, 168, 178),
    (172, 184, 160),
    (96, 108, 124),
    (204, 176, 150),
    (120, 130, 116),
    (86, 78, 84),
    (218, 214, 206),
    (160, 140, 156),
)


def draw_background(rng: np.random.Generator) -> Array:
    """A room out of focus: RGB (320, 320, 3), 0 to 1."""
    wall = colour(*_WALLS[int(rng.integers(len(_WALLS)))]) * rng.normal(1, 0.03, 3).astype(np.float32)
    slope = rng.normal(0, 0.07) * _SHEET.x + rng.normal(0.04, 0.05) * _SHEET.y
    image = np.asarray(wall * (1 - slope[..., None]), np.float32)
    furnish = (None, _lights, _shelf, _window)[int(rng.integers(4))]
    if furnish:
        furnish(image, wall, rng)
    image = blurred(image, rng.uniform(3.0, 7.0))
    image *= 1 + 0.015 * noise(rng, FRAME, FRAME, 6, 6)[..., None]
    return np.clip(image, 0, 1)


def draw_body(identity: Identity, rng: np.random.Generator) -> Array:
    """Neck and shoulders: (320, 320, 4), the mask and the colours multiplied by it."""
    i, sheet = identity, _SHEET
    slim = 0.56 - 0.09 * i.feminine
    neck_mask = _mirrored([[slim, 0.6], [slim * 0.98, 1.35], [slim * 1.15, 1.75], [1.0, 2.05], [0.9, 2.6]])
    turn = np.clip(0.5 + 0.9 * sheet.x * i.light[0], 0.2, 1)
    image = np.broadcast_to(i.skin * 0.86, (FRAME, FRAME, 3)) * (0.62 + 0.42 * turn)[..., None]
    under_chin = smooth_step(sheet.y, i.chin + 0.42, i.chin - 0.1) * np.ones_like(sheet.x)
    paint(image, i.skin * colour(104, 62, 54), under_chin, 0.62)
    wide = rng.uniform(1.75, 2.05) - 0.25 * i.feminine
    low = 1.88 if i.feminine > 0.5 else 1.72
    collar = [[0.0, low + 0.34], [slim * 0.9, low + 0.06], [slim * 1.1, low - 0.06]]
    shoulder = [*collar, [1.2, 1.93], [wide, 2.2], [wide + 0.2, 2.9]]
    shirt_mask = _mirrored(shoulder)
    paint(image, i.clothes, shirt_mask)
    fold = 0.05 * noise(rng, FRAME, FRAME, 9, 7)
    light = 0.86 + 0.16 * sheet.x * i.light[0] + fold - 0.12 * smooth_step(np.abs(sheet.x), 0.9, 2.2)
    image *= (1 + (light - 1) * shirt_mask)[..., None]
    hem = sheet.stroke(curve(shoulder, 50)[:22], 0.05, 0.01)
    paint(image, i.clothes * 0.72, np.maximum(hem, hem[:, ::-1]) * shirt_mask, 0.8)
    return layer(np.clip(image, 0, 1), np.maximum(neck_mask, shirt_mask))


def _mirrored(right: ArrayLike) -> Array:
    """A mask of the symmetric shape whose right edge goes through the points `right`."""
    edge = curve(right, 50)
    return _SHEET.fill(np.concatenate([edge, edge[::-1] * [-1, 1]]))


def _box(left: float, top: float, right: float, bottom: float) -> Array:
    return _SHEET.fill(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))


def _lights(image: Array, wall: Array, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(8, 18))):
        x, y = rng.uniform(-2.2, 2.2), rng.uniform(-2, 2)
        glow = _SHEET.disc(x, y, rng.uniform(0.10, 0.32))
        paint(image, 0.4 * wall + 0.6 * colour(255, 228, 180), glow, rng.uniform(0.15, 0.5))


def _shelf(image: Array, wall: Array, rng: np.random.Generator) -> None:
    for board in (-0.9, 0.3, 1.5, 2.7):
        paint(image, wall * 0.5, _box(-3, board, 3, board + 0.1))
        x = -2.4
        while x < 2.4:
            wide, high = rng.uniform(0.12, 0.34), rng.uniform(0.5, 0.95)
            cover = wall * rng.uniform(0.5, 1.0) * rng.uniform(0.8, 1.1, 3)
            paint(image, cover, _box(x, board - high, x + wide, board), 0.8)
            x += wide + rng.uniform(0.01, 0.1)


def _window(image: Array, wall: Array, rng: np.random.Generator) -> None:
    left, sill = rng.uniform(-2.2, 0.2), rng.uniform(0.3, 1.2)
    paint(image, colour(236, 242, 248), _box(left, -3, left + 1.7, sill), 0.75)
    paint(image, wall * 0.8, _box(left + 0.8, -3, left + 0.9, sill), 0.8)
    paint(image, wall * 0.8, _box(left, -0.55, left + 1.7, -0.45), 0.8)
