"""Colours that a PNG names by gAMA and cHRM."""

import numpy as np
import pytest

from face_extraction.gamma import in_srgb

SRGB = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
P3 = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
# From SMPTE EG 432-1's primaries to BT.709's, which sRGB has too.
P3_TO_SRGB = np.array(((1.22494, -0.22494, 0), (-0.042057, 1.042057, 0), (-0.019638, -0.078636, 1.098274)))


def _flat(*colour):
    return np.full((4, 5, 3), colour, np.uint8)


def _encoded(light):
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize(
    ("gamma", "code", "shown"),
    [(1.0, 64, 136.2), (1 / 1.8, 128, 145.1), (0.25, 128, 73.1), (0.45455, 77, 77), (0.46, 77, 77)],
)
def test_a_gamma_alone_is_brought_to_a_displays(gamma, code, shown):
    assert in_srgb(_flat(code, code, code), gamma) == pytest.approx(shown, abs=1)


def test_linear_light_with_srgbs_primaries_gets_srgbs_curve():
    assert in_srgb(_flat(55, 55, 55), 1.0, SRGB) == pytest.approx(_encoded(np.array(55 / 255)), abs=1)


def test_what_is_srgb_already_is_left_alone():
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (9, 7, 3), dtype=np.uint8)

    assert np.array_equal(in_srgb(rgb, 0.45455, SRGB), rgb)
    assert np.array_equal(in_srgb(rgb, 0.45455, (0.31270, 0.32900, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)), rgb)


@pytest.mark.parametrize("colour", [(200, 100, 50), (60, 120, 90), (255, 255, 255), (10, 200, 30)])
def test_wider_primaries_are_brought_into_srgbs(colour):
    light = P3_TO_SRGB @ (np.array(colour) / 255) ** 2.2

    shown = in_srgb(_flat(*colour), 1 / 2.2, P3)

    assert shown[2, 3] == pytest.approx(_encoded(light), abs=1)


def test_white_of_another_temperature_is_white():
    d50 = (0.3457, 0.3585, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)

    assert in_srgb(_flat(255, 255, 255), 1 / 2.2, d50).min() >= 254
    assert np.ptp(in_srgb(_flat(128, 128, 128), 1 / 2.2, d50)[0, 0].astype(int)) <= 1


@pytest.mark.parametrize(
    ("gamma", "chromaticity"), [(0, ()), (-1.0, ()), (1e9, P3), (0.45455, (0,) * 8), (0.45455, (0.3,) * 8)]
)
def test_what_is_impossible_changes_nothing(gamma, chromaticity):
    assert np.array_equal(in_srgb(_flat(9, 99, 199), gamma, chromaticity), _flat(9, 99, 199))
