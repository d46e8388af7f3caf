"""Sharpness of faces."""

import cv2
import numpy as np
import pytest

from dfdetect.data.sharpness import LOOKED_AT, least_sharpness, sharpness


def test_white_noise_has_the_sum_of_the_squares_of_the_weights():
    """The weights are those of the Laplacian, -4 and four times 1, smoothed by a Gaussian of one pixel."""
    bell = np.exp(-(np.arange(-4, 5.0) ** 2) / 2)
    bell /= bell.sum()
    weights = np.zeros((11, 11))
    for down, right, weight in ((1, 1, -4), (0, 1, 1), (2, 1, 1), (1, 0, 1), (1, 2, 1)):
        weights[down : down + 9, right : right + 9] += weight * np.outer(bell, bell)
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 1), np.uint8).repeat(3, axis=2)
    assert sharpness(noise) == pytest.approx((weights**2).sum(), rel=0.02)
    assert sharpness(np.full((40, 40, 3), 90, np.uint8)) == 0


def test_blur_lowers_it_and_light_and_contrast_do_not(portrait):
    face, _ = portrait(0, 128)
    measured = [sharpness(cv2.GaussianBlur(face, (0, 0), sigma)) for sigma in (0.1, 1, 2, 4)]
    assert measured == sorted(measured, reverse=True)
    assert measured[-1] < 0.1 * measured[0]
    darker = (face // 2).astype(np.uint8)
    assert sharpness(darker) == pytest.approx(sharpness(face), rel=0.1)


def test_noise_makes_no_blurred_face_sharp(portrait):
    face, _ = portrait(0, 160)
    noise = np.random.default_rng(0).normal(0, 3, face.shape)
    blurred = np.clip(np.rint(cv2.GaussianBlur(face, (0, 0), 4) + noise), 0, 255).astype(np.uint8)
    assert sharpness(blurred) < 0.2 * sharpness(face)


def test_the_least_is_that_of_nearly_the_most_blurred_crop():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (1000, 16, 16, 3), np.uint8)
    read = []

    def load(path):
        read.append(int(path))
        rgb = noise[int(path)]
        return cv2.GaussianBlur(rgb, (0, 0), 2) if int(path) % 10 == 0 else rgb

    least = least_sharpness([str(n) for n in range(1000)], load, 16)
    assert len(read) == LOOKED_AT
    assert (read[0], read[-1]) == (0, 999)
    blurred = [sharpness(cv2.GaussianBlur(noise[n], (0, 0), 2)) for n in range(0, 1000, 10)]
    assert min(blurred) <= least <= max(blurred)
