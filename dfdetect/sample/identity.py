"""Who a drawn person is: the numbers that stay the same in all frames."""

from dataclasses import dataclass

import numpy as np

from dfdetect.sample.canvas import Array, colour

_SKINS = (
    (246, 212, 190),
    (240, 198, 170),
    (231, 184, 150),
    (219, 168, 130),
    (203, 149, 112),
    (184, 128, 92),
    (161, 107, 76),
    (138, 89, 62),
    (114, 73, 52),
)
"""Skin tones from light to dark, in sRGB."""

_HAIRS = (
    (34, 28, 28),
    (58, 40, 32),
    (88, 58, 40),
    (122, 80, 50),
    (136, 66, 38),
    (172, 128, 78),
    (214, 178, 122),
    (150, 148, 148),
    (206, 204, 202),
)
"""Hair colours: black, browns, auburn, blonds, greys."""

_EYES = ((62, 40, 28), (96, 62, 38), (118, 98, 60), (86, 112, 84), (84, 120, 152), (112, 130, 142))
"""Iris colours: browns, hazel, green, blue, grey."""

_CLOTHES = (
    (44, 62, 92),
    (120, 48, 52),
    (54, 92, 82),
    (196, 186, 170),
    (70, 70, 76),
    (206, 150, 70),
    (108, 86, 130),
    (232, 230, 226),
    (90, 120, 150),
    (160, 96, 84),
)

STYLES = ("cropped", "side", "swept", "fringe", "long", "bun", "curly", "bald", "scarf")
"""Hair styles, from short to covered."""

_FEMININE = (0.03, 0.06, 0.08, 0.17, 0.26, 0.16, 0.14, 0.0, 0.10)
_MASCULINE = (0.30, 0.24, 0.18, 0.03, 0.03, 0.02, 0.10, 0.10, 0.0)


@dataclass(frozen=True, eq=False)
class Identity:
    """The look of one drawn person. Lengths are in half head widths, colours are (3,) of 0 to 1.

    Attributes:
        skin: the skin's colour in plain light.
        hair: the hair's colour.
        brow: the brows' colour.
        iris: the eyes' colour.
        lips: the lips' colour.
        clothes: the shirt's colour.
        cloth: the scarf's colour.
        style: one of `STYLES`.
        feminine: 0 to 1; shifts jaw, brows, lips and lashes together.
        age: 0 young to 1 old; adds folds and grey hair.
        beard: 0 none, up to 0.5 stubble, 1 full.
        freckles: how many, 0 to 1.
        glasses: whether the person wears glasses.
        width: half the width of the head.
        skull: height of the head above the eyes.
        chin: height of the head below the eyes.
        jaw: squareness of the lower face, an exponent near 2.
        taper: how much narrower the lower face gets, 0 to 0.3.
        eye_x: distance of an eye from the middle.
        eye_width: half the width of an eye.
        eye_height: half the height of an open eye.
        eye_tilt: how much higher the outer corner is.
        brow_y: height of the brows, negative is up.
        brow_arch: how much the brows rise in the middle.
        brow_thick: thickness of the brows.
        nose_y: height of the nose's base.
        nose_width: half the width between the nostrils' wings.
        nose_depth: how far the nose stands out, near 1.
        mouth_y: height of the line between the lips.
        mouth_width: half the width of the mouth.
        lip_upper: thickness of the upper lip.
        lip_lower: thickness of the lower lip.
        hairline: height of the hair's edge on the forehead, negative is up.
        light: direction of the light (3,), x right, y down, z to the viewer; length 1.
        seed: seed of the textures.
    """

    skin: Array
    hair: Array
    brow: Array
    iris: Array
    lips: Array
    clothes: Array
    cloth: Array
    style: str
    feminine: float
    age: float
    beard: float
    freckles: float
    glasses: bool
    width: float
    skull: float
    chin: float
    jaw: float
    taper: float
    eye_x: float
    eye_width: float
    eye_height: float
    eye_tilt: float
    brow_y: float
    brow_arch: float
    brow_thick: float
    nose_y: float
    nose_width: float
    nose_depth: float
    mouth_y: float
    mouth_width: float
    lip_upper: float
    lip_lower: float
    hairline: float
    light: Array
    seed: int


def draw_identity(rng: np.random.Generator) -> Identity:
    """Draw a random person; tone, shape, hair and age vary widely but fit together."""
    feminine = float(np.clip(rng.choice([0.15, 0.85]) + rng.normal(0, 0.12), 0, 1))
    age = float(rng.beta(1.3, 2.2))
    tone = int(rng.integers(len(_SKINS)))
    skin = colour(*_SKINS[tone]) * rng.normal(1, 0.02, 3).astype(np.float32)
    hair = _hair_colour(rng, tone, age)
    style = str(rng.choice(STYLES, p=_FEMININE if feminine > 0.5 else _MASCULINE))
    red = colour(196, 84, 84) if feminine > 0.5 and rng.random() < 0.5 else colour(180, 96, 90)
    side = rng.choice([-1, 1])
    light = np.array([side * rng.uniform(0.25, 0.6), -rng.uniform(0.3, 0.55), 1.0], np.float32)
    return Identity(
        skin=np.clip(skin, 0, 1),
        hair=hair,
        brow=hair * 0.75 if hair.mean() < 0.55 else hair * 0.6,
        iris=colour(*_EYES[int(rng.integers(2 if tone > 5 else len(_EYES)))]),
        lips=skin * 0.50 + red * np.float32(0.38 if tone < 6 else 0.24),
        clothes=colour(*_CLOTHES[int(rng.integers(len(_CLOTHES)))]),
        cloth=colour(*_CLOTHES[int(rng.integers(len(_CLOTHES)))]),
        style=style,
        feminine=feminine,
        age=age,
        beard=float(rng.choice([0, 0, 0.35, 0.5, 1.0])) if feminine < 0.5 else 0.0,
        freckles=float(rng.uniform(0.3, 1)) if tone < 3 and rng.random() < 0.35 else 0.0,
        glasses=bool(rng.random() < 0.15),
        light=light / np.linalg.norm(light),
        seed=int(rng.integers(2**31)),
        **_shape(rng, feminine),
    )


def _shape(rng: np.random.Generator, feminine: float) -> dict[str, float]:
    def about(mean: float, deviation: float) -> float:
        return float(mean + deviation * np.clip(rng.normal(), -2, 2))

    return {
        "width": about(0.95 - 0.03 * feminine, 0.035),
        "skull": about(1.22, 0.05),
        "chin": about(1.42 - 0.08 * feminine, 0.06),
        "jaw": about(2.62 - 0.32 * feminine, 0.16),
        "taper": about(0.10 + 0.07 * feminine, 0.035),
        "eye_x": about(0.42, 0.022),
        "eye_width": about(0.195 + 0.01 * feminine, 0.012),
        "eye_height": about(0.070 + 0.018 * feminine, 0.012),
        "eye_tilt": about(0.018, 0.018),
        "brow_y": about(-0.27 - 0.03 * feminine, 0.03),
        "brow_arch": about(0.05 + 0.02 * feminine, 0.02),
        "brow_thick": about(0.085 - 0.03 * feminine, 0.012),
        "nose_y": about(0.58, 0.03),
        "nose_width": about(0.215 - 0.025 * feminine, 0.028),
        "nose_depth": about(1.0, 0.14),
        "mouth_y": about(0.89, 0.025),
        "mouth_width": about(0.36, 0.03),
        "lip_upper": about(0.072 + 0.015 * feminine, 0.015),
        "lip_lower": about(0.105 + 0.015 * feminine, 0.018),
        "hairline": about(-0.78, 0.06),
    }


def _hair_colour(rng: np.random.Generator, tone: int, age: float) -> Array:
    if age > 0.6 and rng.random() < 0.7:
        index = int(rng.integers(7, 9))
    else:
        index = int(rng.integers(7 - min(tone, 6)))
    return colour(*_HAIRS[index]) * np.float32(rng.uniform(0.9, 1.1))
