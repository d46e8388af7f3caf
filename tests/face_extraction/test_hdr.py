"""Colours of HDR and wide primaries, by values of the standards."""

import numpy as np
import pytest

from face_extraction import hdr
from face_extraction.hdr import in_standard, is_wide, wide_tags

SRGB, PQ, HLG = 13, 16, 18
# Diffuse white is 58 % of PQ's codes and 75 % of HLG's (ITU-R BT.2408); sRGB's red is (234, 51, 35) in P3.
KNOWN = [
    (9, PQ, (148, 148, 148), (255, 255, 255)),
    (9, HLG, (191, 191, 191), (255, 255, 255)),
    # Half of HLG's codes is .084 of the scene's light; a display makes .084^1.2 x 1000 = 51.2 cd/m2 of it.
    # Of white, 203, that is .252, which BT.1886 shows at .252^(1 / 2.4) x 255 = 144.
    (9, HLG, (128, 128, 128), (144, 144, 144)),
    (9, PQ, (0, 0, 0), (0, 0, 0)),
    (12, SRGB, (234, 51, 35), (255, 0, 0)),
    (12, SRGB, (128, 128, 128), (128, 128, 128)),
]


@pytest.mark.parametrize(("primaries", "curve", "code", "shown"), KNOWN)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_known_colours(primaries, curve, code, shown, kind):
    codes = np.full((3, 5, 3), code, kind) * kind(1 if kind is np.uint8 else 257)

    rgb = in_standard(codes, primaries, curve)

    assert rgb.shape == (3, 5, 3)
    assert rgb.dtype == np.uint8
    assert np.abs(rgb.astype(int) - shown).max() <= 6


def test_a_picture_is_the_same_in_parts(monkeypatch):
    codes = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    whole = in_standard(codes, 9, HLG)
    monkeypatch.setattr(hdr, "_AT_ONCE", 100)

    assert np.array_equal(in_standard(codes, 9, HLG), whole)


def test_which_tags_need_a_change():
    tags = [(9, 1), (1, HLG), (12, SRGB), (1, 1), (2, 2)]

    assert wide_tags(2, PQ) == (9, PQ)
    assert [is_wide(*each) for each in tags] == [True, True, True, False, False]
