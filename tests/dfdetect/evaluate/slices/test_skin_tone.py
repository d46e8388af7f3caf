"""ITA of known colours, and the classes of Chardon and Del Bino."""

import numpy as np
import pytest

from dfdetect.evaluate.colours import lab
from dfdetect.evaluate.registry import Face, list_slices
from dfdetect.evaluate.slices.skin_tone import cheeks, ita
from face_extraction.images import write_image
from face_extraction.manifest import FaceSample

(SKIN_TONE,) = (each for each in list_slices() if each.name == "skin_tone")


@pytest.mark.parametrize(
    ("lightness", "yellow", "angle"),
    [
        (75, 25, 45.0),  # arctan 1
        (50, 18, 0.0),
        (25, 25, -45.0),
        (60, 10 * np.sqrt(3), 30.0),  # arctan 1/sqrt 3
        (50 + 15 * np.sqrt(3), 15, 60.0),
    ],
)
def test_the_angle_by_hand(lightness, yellow, angle):
    assert ita(lightness, yellow) == pytest.approx(angle)


def test_bluish_and_grey_are_no_skin():
    assert ita(60, 0) is None
    assert ita(60, -4) is None


def test_the_six_classes_and_their_cuts():
    names, places = SKIN_TONE.bands.of([56, 55, 42, 41, 29, 28, 11, 10, -29, -30, -31])
    assert [names[place] for place in places] == [
        *("very light", "light", "light", "intermediate", "intermediate", "tan", "tan", "brown"),
        *("brown", "dark", "dark"),
    ]


def by_the_standard(rgb):
    """CIELAB of one colour by the formulas of IEC 61966-2-1 and CIE 15, in plain arithmetic."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c / 255 for c in rgb)]
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    xyz = [sum(a * b for a, b in zip(row, linear, strict=True)) for row in rows]
    f = [
        v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116
        for v in (t / white for t, white in zip(xyz, (0.9505, 1.0, 1.089), strict=True))
    ]
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


# sRGB, then L*, a*, b* and the angle worked out from them.
COLOURS = [
    ((255, 224, 196), (90.9, 7.2, 17.6), 66.7, "very light"),
    ((198, 134, 66), (60.6, 18.4, 46.0), 13.0, "tan"),
    ((141, 85, 36), (42.1, 19.3, 37.0), -12.0, "brown"),
    ((60, 40, 30), (18.1, 7.4, 9.8), -73.0, "dark"),
]


@pytest.mark.parametrize(("rgb", "expected", "angle", "name"), COLOURS)
def test_known_colours(rgb, expected, angle, name, tmp_path):
    found = lab(np.full((2, 2, 3), rgb, np.uint8))[0, 0]
    assert found == pytest.approx(by_the_standard(rgb), abs=0.3)
    assert found == pytest.approx(expected, abs=0.6)
    write_image(tmp_path / "a.png", np.full((40, 40, 3), rgb, np.uint8))
    value = SKIN_TONE.measure(Face(FaceSample("a.png", 0, "test", "g"), tmp_path / "a.png", 32))
    assert value == pytest.approx(angle, abs=2)
    assert SKIN_TONE.show(value).startswith(f"{name} (")


def test_only_the_cheeks_count(portrait, tmp_path):
    _, points = portrait(0, 100)
    picture = np.full((100, 100, 3), (20, 40, 200), np.uint8)  # blue: no skin
    for x, y in cheeks(points):
        picture[round(y) - 10 : round(y) + 10, round(x) - 10 : round(x) + 10] = (198, 134, 66)
    write_image(tmp_path / "a.png", picture)
    value = SKIN_TONE.measure(Face(FaceSample("a.png", 0, "test", "g"), tmp_path / "a.png", 32, points))
    assert value == pytest.approx(13.0, abs=2)
