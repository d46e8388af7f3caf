"""The still parts of a drawn head: its surface in depth, light, skin, nose, brows and ears."""

import numpy as np

from dfdetect.sample.canvas import Array, Sheet, blurred, colour, curve, noise, paint, smooth_step
from dfdetect.sample.identity import Identity

HEAD = Sheet(width=480, height=480, left=239.5, top=216.0, scale=100.0)
"""The sheet on which every head is drawn, facing the viewer."""


def outline(identity: Identity, sheet: Sheet = HEAD) -> Array:
    """How far out each pixel (height, width) is: 0 between the eyes, 1 on the head's outline.

    The outline is a superellipse whose lower half tapers to the chin.
    """
    below = np.maximum(sheet.y, 0) / identity.chin
    half = identity.width * (1 - identity.taper * below**1.6)
    squareness = np.where(sheet.y > 0, identity.jaw, 2.15)
    high = np.where(sheet.y > 0, sheet.y / identity.chin, -sheet.y / identity.skull)
    total = np.abs(sheet.x / half) ** squareness + high**squareness
    return np.asarray(total ** (1 / squareness), np.float32)


def outline_points(identity: Identity, angles: Array) -> Array:
    """Points (n, 2) on the head's outline; angle 0 points right, pi / 2 down to the chin."""
    ray = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    reach = np.full(len(angles), 0.5, np.float32)
    for _ in range(30):  # the outline grows along every ray, so scaling by it converges
        x, y = (ray * reach[:, None]).T
        half = identity.width * (1 - identity.taper * (np.maximum(y, 0) / identity.chin) ** 1.6)
        high = np.where(y > 0, y / identity.chin, -y / identity.skull)
        power = np.where(y > 0, identity.jaw, 2.15)
        reach = reach / (np.abs(x / half) ** power + high**power) ** (1 / power)
    return np.asarray(ray * reach[:, None], np.float32)


def surface(identity: Identity, sheet: Sheet = HEAD) -> Array:
    """Depth (height, width) towards the viewer in head units; 0 on and outside the outline."""
    i, bell = identity, sheet.bell
    depth = 0.95 * np.sqrt(np.clip(1 - outline(i, sheet) ** 2.5, 0, 1))
    ridge = smooth_step(sheet.y, -0.38, i.nose_y - 0.08) * smooth_step(
        sheet.y, i.nose_y + 0.07, i.nose_y - 0.06
    )
    width = 0.085 + 0.06 * smooth_step(sheet.y, 0.0, i.nose_y)
    nose = 0.20 * ridge * np.exp(-0.5 * (sheet.x / width) ** 2)
    nose = nose + 0.13 * bell(0, i.nose_y - 0.10, 0.5 * i.nose_width, 0.09)
    depth = depth + i.nose_depth * nose
    for side in (-1, 1):
        depth += i.nose_depth * 0.09 * bell(side * i.nose_width * 0.78, i.nose_y - 0.06, 0.06, 0.06)
        depth -= 0.15 * bell(side * i.eye_x, -0.01, 0.22, 0.13)
        depth += 0.08 * bell(side * i.eye_x, 0.01, 0.14, 0.09)
        depth += (0.07 - 0.04 * i.feminine) * bell(side * 0.40, i.brow_y + 0.02, 0.26, 0.09)
        depth += 0.06 * bell(side * 0.58, 0.36, 0.20, 0.16)
        depth -= 0.03 * bell(side * 0.62, 0.85, 0.16, 0.2)
    depth += 0.09 * bell(0, i.mouth_y, 0.34, 0.20)
    depth += 0.09 * bell(0, i.chin - 0.16, 0.22, 0.13)
    depth -= 0.055 * bell(0, i.mouth_y + 0.21, 0.20, 0.05)
    depth -= 0.02 * bell(0, i.mouth_y - 0.17, 0.035, 0.07)
    return np.asarray(depth, np.float32)


def light_on(depth: Array, light: Array, sheet: Sheet = HEAD, relief: float = 0.8) -> tuple[Array, Array]:
    """Diffuse light (0 to about 1) and gloss (0 to 1) on a surface (height, width) given by its depth."""
    depth = blurred(depth, 0.018 * sheet.scale)
    slope_y, slope_x = np.gradient(depth * (relief * sheet.scale))
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    toward = (-slope_x * light[0] - slope_y * light[1] + light[2]) / length
    half = light + np.array([0, 0, 1], np.float32)
    half = half / np.linalg.norm(half)
    mirror = (-slope_x * half[0] - slope_y * half[1] + half[2]) / length
    # Wrapped: skin lets light through, so its shadows start late and are soft.
    diffuse = np.clip((toward + 0.25) / 1.25, 0, 1)
    return diffuse.astype(np.float32), np.clip(mirror, 0, 1).astype(np.float32) ** 28


def shade(albedo: Array, diffuse: Array, ambient: float = 0.34, warm: float = 0.12) -> Array:
    """`albedo` (H, W, 3) under `diffuse` light (H, W); shadows get warmer, as on skin."""
    level = ambient + (1.06 - ambient) * diffuse
    tint = np.stack([level ** (1 - warm), level, level ** (1 + warm)], axis=-1)
    return np.asarray(albedo * tint, np.float32)


def draw_head(identity: Identity, rng: np.random.Generator) -> tuple[Array, Array]:
    """The head without eyes, mouth and hair: colours (H, W, 3) and mask (H, W), 0 to 1."""
    skin = _skin(identity, rng)
    diffuse, gloss = light_on(surface(identity), identity.light)
    image = shade(skin, diffuse)
    image += (gloss * (0.16 - 0.05 * identity.feminine))[..., None] * (0.5 + 0.5 * identity.skin)
    _folds(image, identity)
    _nostrils(image, identity)
    _brows(image, identity, rng)
    face = np.clip(0.5 - (outline(identity) - 1) * 0.8 * HEAD.scale, 0, 1).astype(np.float32)
    ears_image, ears = _ears(identity)
    image = ears_image * (1 - face[..., None]) + image * face[..., None]
    return image, np.maximum(face, ears)


def _skin(identity: Identity, rng: np.random.Generator) -> Array:
    i = identity
    image = np.broadcast_to(i.skin, (HEAD.height, HEAD.width, 3)).astype(np.float32)
    mottle = 0.6 * noise(rng, HEAD.height, HEAD.width, 14, 14) + noise(rng, HEAD.height, HEAD.width, 90, 90)
    image *= (1 + 0.012 * mottle)[..., None]
    flush = i.skin * colour(255, 190, 180)
    for side in (-1, 1):
        paint(image, flush, HEAD.bell(side * 0.58, 0.45, 0.2, 0.17), 0.30 + 0.15 * i.feminine)
        paint(image, i.skin * 0.72, HEAD.bell(side * i.eye_x, 0.02, 0.22, 0.11), 0.35 + 0.2 * i.age)
    paint(image, flush, HEAD.bell(0, i.nose_y - 0.08, 0.13, 0.10), 0.35)
    if i.freckles:
        place = HEAD.bell(0, 0.3, 0.5, 0.16)
        spots = smooth_step(noise(rng, HEAD.height, HEAD.width, 150, 150), 1.0, 2.2)
        paint(image, i.skin * colour(196, 146, 116), blurred(spots, 1.0) * place, i.freckles)
    if i.beard:
        _beard(image, identity, rng)
    return image


def _beard(image: Array, identity: Identity, rng: np.random.Generator) -> None:
    i = identity
    edge = 0.03 * noise(rng, HEAD.height, HEAD.width, 60, 60)
    cheek = 0.62 + 0.55 * (1 - np.minimum(np.abs(HEAD.x) / 0.86, 1)) ** 1.5
    jaw = smooth_step(HEAD.y + edge - cheek, 0.0, 0.22)
    lip = smooth_step(HEAD.y + edge, i.nose_y + 0.08, i.nose_y + 0.16) * smooth_step(np.abs(HEAD.x), 0.5, 0.4)
    hairs = np.clip(0.85 + 0.13 * noise(rng, HEAD.height, HEAD.width, 110, 230), 0.4, 1)
    mask = np.maximum(jaw, lip) * hairs
    bare = HEAD.bell(0, i.mouth_y + 0.01, 0.22, 0.06)
    paint(image, i.brow, mask * (1 - 0.8 * bare), 0.2 + 0.62 * i.beard)


def _folds(image: Array, identity: Identity) -> None:
    i, dark = identity, identity.skin * colour(150, 105, 95)
    for side in (-1, 1):
        line = curve(
            [[0.25, i.nose_y - 0.03], [0.37, i.nose_y + 0.13], [i.mouth_width + 0.07, i.mouth_y - 0.10]]
        )
        paint(image, dark, HEAD.stroke(line * [side, 1], 0.03, 0.022), 0.08 + 0.55 * i.age)
        bag = curve([[0.26, 0.13], [0.40, 0.17], [0.56, 0.12]])
        paint(image, dark, HEAD.stroke(bag * [side, 1], 0.02, 0.015), 0.12 + 0.4 * i.age)
        side_line = curve([[0.10, -0.03], [0.085, 0.12], [0.10, 0.30]])
        shadow = 0.30 if side * i.light[0] < 0 else 0.06
        paint(image, dark, HEAD.stroke(side_line * [side, 1], 0.05, 0.05), shadow)
    for row in (-0.62, -0.52, -0.43):
        wrinkle = curve([[-0.38, row + 0.02], [-0.15, row], [0.15, row], [0.38, row + 0.02]])
        paint(image, dark, HEAD.stroke(wrinkle, 0.012, 0.012), 0.45 * max(0.0, i.age - 0.45))


def _nostrils(image: Array, identity: Identity) -> None:
    i, y = identity, identity.nose_y
    dark = i.skin * colour(92, 52, 46)
    # The nose throws its shadow away from the light.
    cast = HEAD.bell(-0.10 * np.sign(i.light[0]), y + 0.07, 0.16, 0.045)
    paint(image, dark, cast, 0.30)
    under = curve([[-i.nose_width * 0.8, y - 0.01], [0, y + 0.03], [i.nose_width * 0.8, y - 0.01]])
    paint(image, dark, HEAD.stroke(under, 0.025, 0.016), 0.32)
    for side in (-1, 1):
        x = side * i.nose_width
        hole = curve([[0.28 * x, y - 0.002], [0.42 * x, y - 0.030], [0.66 * x, y - 0.026], [0.62 * x, y]])
        paint(image, dark * 0.7, HEAD.fill(hole, 0.010), 0.75)
        wing = curve([[0.88 * x, y - 0.15], [1.06 * x, y - 0.07], [1.0 * x, y], [0.78 * x, y + 0.012]])
        paint(image, dark, HEAD.stroke(wing, 0.020, 0.014), 0.42)


def brow_points(identity: Identity, side: int) -> Array:
    """The line (5, 2) along one brow, from the nose outwards; side -1 is left in the picture."""
    i = identity
    x = np.array([i.eye_x - 0.27, i.eye_x - 0.14, i.eye_x, i.eye_x + 0.14, i.eye_x + 0.27], np.float32)
    rise = np.array([0.02, -0.35, -0.85, -1.0, -0.15], np.float32) * i.brow_arch
    return np.stack([side * x, i.brow_y + rise], axis=1).astype(np.float32)


def _brows(image: Array, identity: Identity, rng: np.random.Generator) -> None:
    i = identity
    thick = i.brow_thick * np.array([0.75, 1.0, 0.9, 0.6, 0.12], np.float32)[:, None] / 2
    for side in (-1, 1):
        line = brow_points(i, side)
        offset = thick * np.array([[0, 1]], np.float32)
        shape = np.concatenate([curve(line - offset), curve(line + offset)[::-1]])
        paint(image, i.brow, HEAD.fill(shape, 0.016), 0.62)
        path, size = curve(line, 46), np.interp(np.arange(46), np.arange(5) * 11.25, thick[:, 0])
        for (x, y), half in zip(path[:-1], size, strict=False):
            root = np.array([x, y + half * rng.uniform(0.2, 1.1)])
            lean = np.array([side * rng.uniform(0.03, 0.06), -half * rng.uniform(1.0, 1.9)])
            paint_hair = HEAD.window(x, y, 0.12, 0.12)
            part = image[HEAD.place(paint_hair)]
            paint(part, i.brow * 0.8, paint_hair.stroke(np.array([root, root + lean]), 0.01), 0.45)


def _ears(identity: Identity) -> tuple[Array, Array]:
    i = identity
    mask = np.zeros((HEAD.height, HEAD.width), np.float32)
    image = np.broadcast_to(i.skin * 0.80, (HEAD.height, HEAD.width, 3)).astype(np.float32)
    for side in (-i.width, i.width):
        rim = curve(
            [[0.88, -0.06], [1.0, -0.18], [1.11, -0.08], [1.08, 0.18], [0.99, 0.40], [0.86, 0.42]], 40
        )
        lit = 1.0 if side * i.light[0] > 0 else 0.78
        ear = HEAD.fill(rim * [side, 1])
        paint(image, i.skin * colour(255, 226, 216) * (0.90 * lit), ear)
        inner = curve([[1.04, -0.08], [1.06, 0.02], [1.01, 0.20], [0.96, 0.26]])
        paint(image, i.skin * colour(170, 110, 96), HEAD.stroke(inner * [side, 1], 0.05, 0.025), 0.6 * lit)
        mask = np.maximum(mask, ear)
    return image, mask
