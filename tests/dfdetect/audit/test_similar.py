"""Near-duplicates: planted by every means that happen to pictures, among faces that look alike."""

from itertools import combinations

import cv2
import numpy as np
import pytest

from dfdetect.audit.prints import thumbnail
from dfdetect.audit.similar import ALIKE, coefficients, likeness, near_pairs

PER_CHANGE = 12


def jpeg(quality):
    def change(rgb):
        return cv2.imdecode(
            cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR
        )

    return change


def smaller(rgb):
    return cv2.resize(rgb, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)


def cropped(share):
    def change(rgb):
        edge = round(share * len(rgb))
        return cv2.resize(rgb[edge:, edge:], rgb.shape[1::-1])

    return change


def zoomed(rgb):
    edge = round(0.03 * len(rgb))
    return cv2.resize(rgb[edge:-edge, edge:-edge], rgb.shape[1::-1])


CHANGES = {
    "jpeg 40": jpeg(40),
    "smaller": smaller,
    "brighter": lambda rgb: cv2.convertScaleAbs(rgb, alpha=1.0, beta=25),
    "less contrast": lambda rgb: cv2.convertScaleAbs(rgb, alpha=0.6, beta=30),
    "mirrored": lambda rgb: np.ascontiguousarray(rgb[:, ::-1]),
    "mirrored jpeg": lambda rgb: jpeg(60)(np.ascontiguousarray(rgb[:, ::-1])),
    "cropped 2 %": cropped(0.02),
    "cropped 4 %": cropped(0.04),
    "zoomed 6 %": zoomed,
}


def test_planted_near_duplicates_are_found_and_strangers_are_not(face):
    strangers = [face(1000 + seed) for seed in range(400)]
    pictures, splits, planted = list(strangers), [seed % 2 * 2 for seed in range(400)], {}
    for number, (name, change) in enumerate(CHANGES.items()):
        for seed in range(PER_CHANGE):
            original = face(number * PER_CHANGE + seed)
            planted[len(pictures), len(pictures) + 1] = name
            pictures += [original, change(original)]
            splits += [0, 2]
    thumbs = np.array([thumbnail(picture) for picture in pictures])
    digests = [str(number).encode() for number in range(len(pictures))]
    pairs, flat = near_pairs(thumbs, digests, np.array(splits, dtype=np.int8))
    found = {(int(a), int(b)) for a, b in pairs}
    missed = [name for pair, name in planted.items() if pair not in found]
    assert flat == 0
    assert len(found - planted.keys()) == 0, "precision"
    assert len(missed) <= 2, f"recall; missed: {missed}"


def test_a_pair_counts_from_the_threshold_on(face):
    """Between a picture and a stranger lies a mixture at which the likeness crosses the threshold."""
    one, other = (face(seed).astype(np.float64) for seed in (1, 2))
    steps = np.linspace(0, 1, 21)
    mixtures = np.array([thumbnail((one + (other - one) * s).astype(np.uint8)) for s in steps])
    alike = likeness(mixtures, thumbnail(face(1))).tolist()
    assert alike[0] == pytest.approx(1, abs=1e-3)
    assert alike[-1] < 0.7
    below = next(place for place, value in enumerate(alike) if value < ALIKE)
    for place, expected in ((below - 1, 1), (below, 0)):
        mixed = (one + (other - one) * steps[place]).astype(np.uint8)
        thumbs = np.array([thumbnail(face(1)), thumbnail(mixed)])
        pairs, _ = near_pairs(thumbs, [b"a", b"b"], np.array([0, 2], dtype=np.int8))
        assert len(pairs) == expected


def test_likeness_is_at_least_the_best_correlation_of_shifted_windows(face):
    """Against OpenCV's template matching, where shifting alone decides and where it does not."""
    pictures = np.array([thumbnail(face(seed)) for seed in range(30)])
    other = cropped(0.04)(face(3))
    expected = []
    for picture in pictures:
        fine, b = (
            grey - cv2.GaussianBlur(grey, (0, 0), 3.2)
            for grey in (picture.astype(np.float32), thumbnail(other).astype(np.float32))
        )
        expected.append(cv2.matchTemplate(b, fine[4:28, 4:28], cv2.TM_CCOEFF_NORMED).max())
    found = likeness(pictures, thumbnail(other))
    strangers = np.array(expected) < 0.7
    assert strangers.sum() >= 25
    assert found[strangers] == pytest.approx(np.array(expected)[strangers], abs=1e-4)
    assert (found > np.array(expected) - 1e-4).all()
    assert found[3] > max(ALIKE, expected[3])


def test_where_no_affine_move_is_found_the_shift_alone_counts(face, monkeypatch):
    def fail(*given):
        raise cv2.error

    monkeypatch.setattr(cv2, "findTransformECC", fail)
    thumb = thumbnail(face(1))
    assert likeness(thumb[None], thumb) == pytest.approx([1], abs=1e-5)


def test_one_split_flat_pictures_and_identical_files_give_no_pairs(face):
    same = thumbnail(face(1))
    for digests, splits, thumbs, flat in (
        ([b"a", b"b"], [0, 0], [same, same], 0),
        ([b"a", b"a"], [0, 2], [same, same], 0),
        ([b"a", b""], [0, 2], [same, same], 0),
        ([b"a", b"b"], [0, 2], [np.full_like(same, 9), np.full_like(same, 9)], 2),
    ):
        pairs, even = near_pairs(np.array(thumbs), digests, np.array(splits, dtype=np.int8))
        assert (len(pairs), even) == (0, flat)
    pairs, _ = near_pairs(np.array([same] * 3), [b"a", b"b", b"c"], np.array([2, 0, 1], dtype=np.int8))
    assert pairs.tolist() == [[1, 0], [1, 2], [2, 0]]


def test_coefficients_are_those_of_the_dct(face):
    """Against OpenCV's DCT: the same directions, and length 1."""
    thumb = thumbnail(face(3))
    (found,) = coefficients(thumb[None])
    dct = cv2.dct(thumb.astype(np.float32))
    order = sorted(((u, v) for u in range(12) for v in range(12) if u + v), key=lambda uv: (sum(uv), uv))[:64]
    expected = np.array([dct[u, v] * np.sqrt(u + v) for u, v in order])
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-4)
    for one, two in combinations(range(4), 2):
        a, b = coefficients(np.array([thumbnail(face(one)), thumbnail(face(two))]))
        assert a @ b < 0.99
