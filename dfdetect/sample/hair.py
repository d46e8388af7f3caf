"""Hair of the drawn people: a mask and strands on top of the head, and hair behind the head."""

import numpy as np

from dfdetect.sample.canvas import Array, blurred, colour, curve, noise, paint, smooth_step
from dfdetect.sample.head import HEAD, light_on, outline, shade
from dfdetect.sample.identity import Identity

_LIFT = {
    "cropped": 0.06,
    "side": 0.12,
    "swept": 0.17,
    "fringe": 0.12,
    "long": 0.11,
    "bun": 0.08,
    "curly": 0.24,
}
"""How far the hair of each style stands off the head, as a share of the head's outline."""


def draw_cover(identity: Identity, rng: np.random.Generator) -> tuple[Array, Array]:
    """Hair and glasses over the head on the sheet HEAD: colours (H, W, 3) and mask (H, W)."""
    if identity.style == "bald":
        image, mask = _cropped_sides(identity, rng)
    elif identity.style == "scarf":
        image, mask = _scarf(identity, rng)
    else:
        mask = _front_mask(identity, rng)
        image = _strands(identity, rng, mask, root=_parting(identity))
    if identity.glasses:
        frame_colour, frame = _glasses(identity)
        paint(image, frame_colour, frame)
        mask = np.maximum(mask, 0.9 * frame)
    return image, mask


def draw_back(identity: Identity, rng: np.random.Generator) -> tuple[Array, Array] | None:
    """Hair or cloth behind neck and shoulders: colours and mask, or None for short hair."""
    wave = 0.03 * noise(rng, HEAD.height, HEAD.width, 12, 8)
    if identity.style == "long":
        flare = 1.13 + 0.16 * smooth_step(HEAD.y, 0.0, 1.6)
        mask = smooth_step(_beside(identity) + wave, flare + 0.03, flare - 0.03)
        mask = mask * smooth_step(HEAD.y, 2.3, 1.9)
    elif identity.style == "bun":
        mask = np.maximum(HEAD.disc(0, -identity.skull - 0.22, 0.36, 0.86), 0 * HEAD.x)
    elif identity.style == "curly":
        around = np.hypot(HEAD.x / identity.width, HEAD.y + 0.34) + 2 * wave
        mask = smooth_step(around, 1.32, 1.25)
    else:
        return None
    mask = mask.astype(np.float32)
    root = (0.0, -identity.skull - 0.6) if identity.style == "bun" else _parting(identity)
    dim = np.float32(0.9 if identity.style == "curly" else 0.72)
    return _strands(identity, rng, mask, root=root) * dim, mask


def _parting(identity: Identity) -> tuple[float, float]:
    """The point where the strands start, in head units."""
    side = 1.0 if identity.seed % 2 else -1.0
    shift = {"side": 0.45, "swept": 0.65, "long": 0.12, "fringe": 0.0}.get(identity.style, 0.0)
    return side * shift, -identity.skull * (0.80 if identity.style == "swept" else 0.98)


def _beside(identity: Identity) -> Array:
    """The head's `outline`, but straight down below the eyes, where hair and cloth hang."""
    return np.where(HEAD.y > 0, np.abs(HEAD.x) / identity.width, outline(identity)).astype(np.float32)


def _front_mask(identity: Identity, rng: np.random.Generator) -> Array:
    i, x, y = identity, HEAD.x / identity.width, HEAD.y
    side = 1.0 if i.seed % 2 else -1.0
    lift = _LIFT[i.style]
    rough = {"curly": 0.05}.get(i.style, 0.008)
    edge = rough * noise(rng, HEAD.height, HEAD.width, 40, 40)
    if i.style == "long":
        cap = smooth_step(_beside(i) + edge, 1.03 + lift, 0.99 + lift)
    else:
        top = 1 + lift * smooth_step(y, 0.35, -0.5)
        cap = smooth_step(outline(i) + edge, top + 0.02, top - 0.02)
    # The hair's lower edge: a line over the forehead that falls to the temples and the ears.
    temple = smooth_step(np.abs(x), 0.52, 0.92 if i.style == "long" else 0.95)
    line = i.hairline + 0.10 * x**2
    if i.style == "fringe":
        line = -0.45 + 0.05 * x**2 + 0.05 * np.abs(np.sin(9 * x))
    elif i.style == "side":
        line = line - 0.08 + 0.34 * smooth_step(side * x, 0.55, -0.6)
    elif i.style == "swept":
        line = line - 0.04 + 0.06 * np.cos(3 * x)
    elif i.style == "long":
        line = line - 0.12 + 0.62 * np.abs(x - side * 0.12) ** 1.5
    bottom = {"long": 2.0, "fringe": 0.5, "bun": -0.05, "curly": 0.35}.get(i.style, 0.02 + 0.1 * i.beard)
    line = line + (bottom - line) * temple**1.4
    fringe = 0.022 * noise(rng, 2, HEAD.width, 2, 70)[:1] + edge
    return np.asarray(cap * smooth_step(y + fringe, line + 0.03, line - 0.03), np.float32)


def _strands(identity: Identity, rng: np.random.Generator, mask: Array, root: tuple[float, float]) -> Array:
    """Hair colours (H, W, 3): streaks that run out from `root`, lit like the head."""
    i = identity
    dx, dy = HEAD.x - root[0], HEAD.y - root[1]
    if i.style == "curly":
        streak = noise(rng, HEAD.height, HEAD.width, 60, 60) + 0.8 * noise(
            rng, HEAD.height, HEAD.width, 26, 26
        )
    else:
        bend = 0.10 * noise(rng, HEAD.height, HEAD.width, 5, 5)
        angle = (np.arctan2(dy, dx) + bend + 0.25 * np.hypot(dx, dy)) % (2 * np.pi) / (2 * np.pi)
        table = noise(rng, 2, 2048, 2, 420)[0] + 0.8 * noise(rng, 2, 2048, 2, 110)[0]
        streak = table[(angle * 2047).astype(int)]
    streak = blurred(streak.astype(np.float32), 0.7)
    streak *= smooth_step(np.hypot(dx, dy), 0.0, 0.3) * (1 - 0.5 * i.hair.mean())
    round_ = np.sqrt(np.clip(1.75 - outline(i) ** 2, 0.02, None)).astype(np.float32)
    diffuse, _ = light_on(round_ * 0.9, i.light)
    band = np.exp(-0.5 * ((outline(i) - 0.84) / 0.10) ** 2) * smooth_step(HEAD.y, 0.0, -0.6)
    shine = band * (0.5 + 0.5 * diffuse)
    level = 0.34 + 0.80 * diffuse + 0.15 * streak * (0.6 + 0.6 * diffuse) + 0.42 * shine
    depth = blurred(mask, 7)
    level = level * (0.72 + 0.28 * depth)
    lift = np.float32(0.035)
    return np.asarray(np.clip((i.hair + lift) * np.clip(level, 0.12, None)[..., None], 0, 1), np.float32)


def _cropped_sides(identity: Identity, rng: np.random.Generator) -> tuple[Array, Array]:
    ring = smooth_step(outline(identity), 0.90, 1.0) * smooth_step(outline(identity), 1.03, 1.0)
    sides = ring * smooth_step(np.abs(HEAD.x), 0.72, 0.92) * smooth_step(HEAD.y, 0.05, -0.12)
    sides = (sides * smooth_step(HEAD.y, -0.66, -0.42) * 0.75).astype(np.float32)
    return _strands(identity, rng, sides, root=(0.0, -1.0)), sides


def _scarf(identity: Identity, rng: np.random.Generator) -> tuple[Array, Array]:
    """A cloth around face and neck, with folds that run around the opening."""
    i = identity
    chin = i.chin / i.width
    opening = [[0, -0.74], [0.5, -0.62], [0.80, -0.15], [0.80, 0.4], [0.62, 0.95], [0.3, chin - 0.04]]
    hole = curve([*opening, [0, chin + 0.05]], 40)
    hole = np.concatenate([hole, hole[::-1] * [-1, 1]]) * i.width
    cloth = smooth_step(outline(i), 1.17, 1.14) * (HEAD.y <= 0)
    drape = curve([[1.155, 0.0], [1.13, 0.5], [0.98, 1.2], [1.15, 1.75], [1.5, 2.4], [1.6, 2.9]], 40)
    drape = drape * [i.width, 1]
    body = HEAD.fill(np.concatenate([drape, drape[::-1] * [-1, 1]]))
    mask = np.maximum(cloth, body) * (1 - HEAD.fill(hole, 0.008))
    ring = outline(i) + 0.04 * noise(rng, HEAD.height, HEAD.width, 5, 5)
    fold = np.sin(ring * 34 + 2 * np.sign(HEAD.x)) * smooth_step(np.abs(ring - 1.0), 0.0, 0.15)
    round_ = np.sqrt(np.clip(2.2 - outline(i) ** 2, 0.05, None)).astype(np.float32)
    diffuse, _ = light_on(round_ + 0.012 * fold.astype(np.float32), i.light)
    edge = HEAD.stroke(hole, 0.05, 0.03)
    image = shade(np.broadcast_to(i.cloth, (*mask.shape, 3)), diffuse, 0.3, 0.03)
    image = image * (1 - 0.25 * edge[..., None])
    return np.clip(image, 0, 1).astype(np.float32), mask.astype(np.float32)


def _glasses(identity: Identity) -> tuple[Array, Array]:
    """Thin glasses on the sheet HEAD: colours (3,) and mask (H, W), 0 to 1."""
    turn = np.linspace(0, 2 * np.pi, 60, dtype=np.float32)
    power = 2 / (2.2 + identity.seed % 3)
    lens = np.stack(
        [
            0.27 * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power,
            0.20 * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power + 0.02,
        ],
        axis=1,
    )
    mask = np.zeros((HEAD.height, HEAD.width), np.float32)
    for side in (-1, 1):
        mask = np.maximum(mask, HEAD.stroke(lens + np.array([side * identity.eye_x, 0]), 0.02, 0.006))
        arm = np.array([[identity.eye_x + 0.27, -0.05], [0.97, -0.10]]) * [side, 1]
        mask = np.maximum(mask, HEAD.stroke(arm, 0.02, 0.006))
    bridge = curve([[-0.15, -0.02], [0, -0.06], [0.15, -0.02]])
    mask = np.maximum(mask, HEAD.stroke(bridge, 0.02, 0.006))
    return (colour(40, 36, 38) if identity.seed % 2 else colour(110, 78, 54)), mask
