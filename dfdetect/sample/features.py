"""The moving parts of a drawn face: eyes that blink and look around, and a mouth that speaks."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dfdetect.sample.canvas import Array, Place, Sheet, colour, curve, paint
from dfdetect.sample.head import HEAD
from dfdetect.sample.identity import Identity


@dataclass(frozen=True)
class Expression:
    """The state of the moving parts in one frame.

    Attributes:
        lids: 1 wide open, 0 shut.
        gaze: where the eyes look, -1 (left in the picture) to 1.
        mouth: 0 shut, 1 open.
        smile: 0 none, 1 broad.
    """

    lids: float = 1.0
    gaze: float = 0.0
    mouth: float = 0.0
    smile: float = 0.0


def eye_lines(identity: Identity, side: int, lids: float) -> tuple[Array, Array]:
    """The edges of the upper and lower lid, (5, 2) each, from the inner to the outer corner."""
    i = identity
    along = np.array([-1.0, -0.45, 0.05, 0.55, 1.0], np.float32)
    tilt = -i.eye_tilt * along
    upper = np.array([0.06, -0.78, -1.0, -0.72, 0.0], np.float32) * i.eye_height
    lower = np.array([0.06, 0.50, 0.72, 0.62, 0.0], np.float32) * i.eye_height
    upper = lower * 0.8 + (upper - lower * 0.8) * lids
    x = side * (i.eye_x + along * i.eye_width)
    return np.stack([x, upper + tilt], 1), np.stack([x, lower + tilt], 1)


def mouth_lines(identity: Identity, expression: Expression) -> tuple[Array, Array, Array, Array]:
    """Four lines (5, 2) from left to right: upper lip's top and bottom, lower lip's top and bottom."""
    i, smile, gap = identity, expression.smile, 0.10 * expression.mouth
    wide = i.mouth_width * (1 + 0.10 * smile - 0.06 * expression.mouth)
    x = wide * np.array([-1.0, -0.40, 0.0, 0.40, 1.0], np.float32)
    corners = np.array([1.0, -0.15, -0.5, -0.15, 1.0], np.float32)
    lift = -(0.034 + 0.05 * smile) * corners
    thin = 1 - 0.25 * smile
    top = np.array([0.0, -1.0, -0.78, -1.0, 0.0], np.float32) * i.lip_upper * thin
    seam = np.array([0.0, -0.004, 0.010, -0.004, 0.0], np.float32)
    opening = np.array([0.0, 0.85, 1.0, 0.85, 0.0], np.float32) * gap
    bottom = np.array([0.0, 0.82, 1.0, 0.82, 0.0], np.float32) * i.lip_lower * thin
    base = i.mouth_y + lift
    rows = (base + top - 0.15 * opening, base + seam - 0.15 * opening, base + seam + opening)
    lines = (*rows, base + seam + opening + bottom)
    return tuple(np.stack([x, y], 1).astype(np.float32) for y in lines)  # type: ignore[return-value]


def draw_features(head: Array, identity: Identity, expression: Expression) -> Iterator[tuple[Place, Array]]:
    """Draw eyes and mouth on copies of the parts of `head` (H, W, 3) that they cover, on the sheet HEAD.

    Yields:
        The place of each part on the sheet, and its colours.
    """
    eyes = [HEAD.window(side * identity.eye_x, 0.0, 0.34, 0.26) for side in (-1, 1)]
    for side, window in zip((-1, 1), eyes, strict=True):
        patch = head[HEAD.place(window)].copy()
        _eye(patch, window, identity, side, expression)
        yield HEAD.place(window), patch
    window = HEAD.window(0.0, identity.mouth_y + 0.03, 0.56, 0.34)
    patch = head[HEAD.place(window)].copy()
    _mouth(patch, window, identity, expression)
    yield HEAD.place(window), patch


def _eye(image: Array, sheet: Sheet, identity: Identity, side: int, expression: Expression) -> None:
    i = identity
    upper, lower = (curve(line) for line in eye_lines(i, side, expression.lids))
    crease = _lower(curve(eye_lines(i, side, 1.0)[0]), -0.035 - 0.02 * i.feminine)
    lid = np.concatenate([crease, upper[::-1]])
    paint(image, i.skin * colour(226, 196, 188), sheet.fill(lid, 0.012), 0.55)
    paint(image, i.skin * colour(140, 92, 82), sheet.stroke(crease, 0.018, 0.012), 0.65)
    opened = sheet.fill(np.concatenate([upper, lower[::-1]]), 0.005)
    image += (_eyeball(sheet, i, side, expression) - image) * opened[..., None]
    shadow = sheet.stroke(_lower(upper, 0.022), 0.045, 0.015) * opened
    paint(image, colour(60, 46, 46), shadow, 0.5)
    lash = colour(34, 24, 22)
    wing = 0.012 + 0.016 * i.feminine
    edge = np.concatenate(
        [upper - np.linspace([0, 0.004], [0, wing], len(upper)), _lower(upper, 0.006)[::-1]]
    )
    paint(image, lash, sheet.fill(edge, 0.006), 0.75 + 0.2 * i.feminine)
    paint(image, i.skin * colour(140, 88, 80), sheet.stroke(_lower(lower, 0.006), 0.012, 0.008), 0.6)


def _lower(line: Array, by: float) -> Array:
    return line + np.array([0, by], np.float32)


def _eyeball(sheet: Sheet, identity: Identity, side: int, expression: Expression) -> Array:
    """The colours of an eyeball, as if no lid covered it."""
    i = identity
    x, y = side * i.eye_x + 0.055 * expression.gaze, -0.006 - i.eye_tilt * 0.1
    white = colour(236, 230, 226) * np.float32(0.93)
    rounding = sheet.bell(side * i.eye_x, 0.0, 0.16, 0.10)[..., None]
    ball = white * (0.66 + 0.34 * rounding)
    corner = sheet.disc(side * (i.eye_x - i.eye_width * 0.98), 0.008, 0.04)
    ball += (i.skin * colour(255, 170, 160) - ball) * corner[..., None] * 0.7
    radius = 0.088
    paint(ball, i.iris * 0.42, sheet.disc(x, y, radius))
    paint(ball, i.iris, sheet.disc(x, y, radius * 0.82), 0.85)
    paint(ball, np.minimum(i.iris * 1.6, 1), sheet.bell(x - 0.02 * i.light[0], y + 0.04, 0.04, 0.028), 0.6)
    paint(ball, colour(14, 11, 12), sheet.disc(x, y, radius * 0.42))
    paint(ball, colour(255, 255, 255), sheet.disc(x + 0.06 * i.light[0], y - 0.032, 0.02), 0.95)
    return ball


def _mouth(image: Array, sheet: Sheet, identity: Identity, expression: Expression) -> None:
    i = identity
    top, seam, rim, bottom = (curve(line, 32) for line in mouth_lines(i, expression))
    lit = 0.80 + 0.10 * i.light[2]
    if expression.mouth > 0.02 or expression.smile > 0.3:
        inside = sheet.fill(np.concatenate([seam, rim[::-1]]), 0.004)
        paint(image, colour(66, 26, 28), inside)
        teeth = np.concatenate([seam * [0.86, 1], _lower(seam, 0.055)[::-1] * [0.78, 1]])
        paint(image, colour(232, 224, 212) * np.float32(0.88), sheet.fill(teeth, 0.008) * inside, 0.95)
    paint(image, i.lips * 0.84 * lit, sheet.fill(np.concatenate([top, seam[::-1]]), 0.010), 0.92)
    lower = sheet.fill(np.concatenate([rim, bottom[::-1]]), 0.012)
    paint(image, i.lips * 1.02 * lit, lower, 0.90)
    glow_y = (rim[16, 1] + bottom[16, 1]) / 2
    glow = sheet.bell(0.10 * np.sign(i.light[0]), glow_y, 0.13, 0.022) * lower
    paint(image, colour(255, 236, 230), glow, 0.16 + 0.12 * i.feminine)
    line = i.lips * colour(104, 62, 62)
    paint(image, line, sheet.stroke(seam, 0.018, 0.009), 0.9)
    for end in (0, -1):
        paint(image, line, sheet.bell(seam[end, 0], seam[end, 1], 0.024, 0.018), 0.55)
    shadow = sheet.bell(0, bottom[16, 1] + 0.035, 0.18, 0.024)
    paint(image, i.skin * colour(150, 104, 92), shadow, 0.30)
