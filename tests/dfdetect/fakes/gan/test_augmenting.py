"""Disturbances of faces that the discriminator sees."""

import numpy as np
from keras import ops

from dfdetect.fakes.gan.augmenting import PARTS, disturb, draw_disturbance

SIDE = 16


def drawn(**changes):
    """A disturbance of one face that changes nothing, but for what is named."""
    calm = {
        "colours": np.float32([[0, 1, 1]]),
        "down": np.eye(SIDE, dtype=np.float32)[None],
        "right": np.eye(SIDE, dtype=np.float32)[None],
        "kept": np.ones((1, SIDE, SIDE, 1), np.float32),
    }
    return [ops.convert_to_tensor(each) for each in {**calm, **changes}.values()]


FACE = np.random.default_rng(0).uniform(-1, 1, (1, SIDE, SIDE, 3)).astype(np.float32)


def test_nothing_drawn_changes_nothing():
    np.testing.assert_allclose(disturb(FACE, drawn()), FACE, atol=1e-6)


def test_brightness_saturation_and_contrast():
    brighter = np.asarray(disturb(FACE, drawn(colours=np.float32([[0.25, 1, 1]]))))
    np.testing.assert_allclose(brighter, FACE + 0.25, atol=1e-6)
    grey = np.asarray(disturb(FACE, drawn(colours=np.float32([[0, 0, 1]]))))
    np.testing.assert_allclose(grey, np.repeat(FACE.mean(axis=3, keepdims=True), 3, axis=3), atol=1e-6)
    flat = np.asarray(disturb(FACE, drawn(colours=np.float32([[0, 1, 0]]))))
    np.testing.assert_allclose(flat, FACE.mean(), atol=1e-6)


def test_a_shift_moves_the_face_and_leaves_zeros():
    down, right = (np.eye(SIDE, k=k, dtype=np.float32)[None] for k in (-2, -1))
    moved = np.asarray(disturb(FACE, drawn(down=down, right=right)))
    np.testing.assert_allclose(moved[:, 2:, 1:], FACE[:, :-2, :-1], atol=1e-6)
    assert not moved[:, :2].any()
    assert not moved[:, :, :1].any()


def test_what_is_drawn_is_within_its_bounds_and_decided_by_the_seed():
    many = draw_disturbance(np.random.default_rng(1), 200, SIDE)
    again = draw_disturbance(np.random.default_rng(1), 200, SIDE)
    assert len(many) == PARTS
    assert all(np.array_equal(*pair) for pair in zip(many, again, strict=True))
    colours, down, right, kept = many
    assert (np.abs(colours[:, 0]) <= 0.5).all()
    assert (colours[:, 1:] >= 0).all()
    assert (colours <= 2).all()
    for matrix in (down, right):
        lost = SIDE - matrix.sum(axis=(1, 2))
        assert set(lost.tolist()) == {0, 1, 2}  # an eighth of the side at most
    cut = SIDE**2 - kept.sum(axis=(1, 2, 3))
    assert cut.max() == (SIDE // 2) ** 2
    assert cut.min() < cut.max()
