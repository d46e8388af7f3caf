"""Augmentations: deterministic by their generator, of the same shape, and each doing its one thing."""

import cv2
import numpy as np
import pytest

from dfdetect.data import augment as module
from dfdetect.data.augment import POLICIES, augment
from dfdetect.recipe import AUGMENTATIONS


@pytest.fixture
def face() -> np.ndarray:
    """A smooth picture with one sharp edge."""
    y, x = np.mgrid[0:64, 0:64]
    rgb = np.stack([3 * x, 3 * y, 255 - 2 * x], axis=2).clip(0, 255).astype(np.uint8)
    rgb[20:40, 20:40] = (250, 10, 30)
    return rgb


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_recipe_names_exactly_these_policies():
    assert set(AUGMENTATIONS) == set(POLICIES)


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_same_generator_same_image_and_the_input_is_left_alone(face, policy):
    before = face.copy()
    first, second = (augment(face, policy, rng(5)) for _ in range(2))
    assert first.shape == face.shape
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(face, before)
    others = [augment(face, policy, rng(seed)) for seed in range(8)]
    assert any((other != face).any() for other in others) == (policy != "none")


@pytest.mark.parametrize("seed", range(8))
def test_policies_are_their_steps_in_order_each_in_its_share_of_images(face, seed):
    draw = rng(seed)
    np.testing.assert_array_equal(
        augment(face, "report-c", rng(seed)), module.transform(module.flip(face, draw), draw)
    )
    draw = rng(seed)
    rgb = module.transform(module.flip(face, draw), draw)
    shares = {"recolour": 0.8, "coarsen": 0.3, "blur": 0.3, "noise": 0.3, "compress": 0.5}
    for name, share in shares.items():
        if draw.random() < share:
            rgb = getattr(module, name)(rgb, draw)
    np.testing.assert_array_equal(augment(face, "strong", rng(seed)), rgb)


def test_flip_mirrors_half_of_the_images(face):
    mirrored = sum((module.flip(face, rng(seed)) == face[:, ::-1]).all() for seed in range(400))
    assert 160 < mirrored < 240


def test_transform_keeps_the_face_in_view(face):
    for seed in range(20):
        red = module.transform(face, rng(seed))[:, :, 0] > 240
        assert 0.75 * 400 < red.sum() < 1.3 * 400
        assert np.abs(np.argwhere(red).mean(axis=0) - 29.5).max() < 10


def test_transform_turns_and_scales_within_its_bounds_and_up_to_them(face, monkeypatch):
    seen = []
    rotation = cv2.getRotationMatrix2D
    monkeypatch.setattr(cv2, "getRotationMatrix2D", lambda *how: [seen.append(how[1:]), rotation(*how)][1])
    for seed in range(300):
        module.transform(face, rng(seed))
    angles, scales = np.transpose(seen)
    assert (angles.min(), angles.max()) == pytest.approx((-10, 10), abs=0.3)
    assert (scales.min(), scales.max()) == pytest.approx((0.9, 1.1), abs=0.003)


def test_coarsen_and_blur_take_detail_away(face):
    def detail(rgb):
        return cv2.Laplacian(rgb.astype(np.float32), cv2.CV_32F).var()

    for step in (module.coarsen, module.blur):
        values = [detail(step(face, rng(seed))) for seed in range(10)]
        assert max(values) <= detail(face) * 1.01
        assert min(values) < 0.7 * detail(face)


def test_noise_has_mean_zero_and_at_most_eight_levels():
    grey = np.full((128, 128, 3), 128, np.uint8)
    for seed in range(10):
        difference = module.noise(grey, rng(seed)).astype(float) - 128
        assert abs(difference.mean()) < 0.2
        assert difference.std() < 8.2


@pytest.mark.parametrize("level", [2, 253])
@pytest.mark.parametrize("step", [module.noise, module.recolour])
def test_levels_beyond_black_and_white_are_cut_off(step, level):
    grey = np.full((32, 32, 3), level, np.uint8)
    for seed in range(10):
        # Recoloured by four fifths and by 95 %, white is still above 191; noise is below 5 deviations of 8.
        assert np.abs(step(grey, rng(seed)).astype(int) - level).max() < 65


def test_compress_is_a_jpeg_codec(face):
    out = module.compress(face, rng(1))
    quality = int(rng(1).integers(40, 96))
    data = cv2.imencode(".jpg", cv2.cvtColor(face, cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
    np.testing.assert_array_equal(out, cv2.cvtColor(cv2.imdecode(data, 1), cv2.COLOR_BGR2RGB))


def test_recolour_keeps_a_grey_picture_near_grey():
    grey = np.full((8, 8, 3), 100, np.uint8)
    for seed in range(20):
        out = module.recolour(grey, rng(seed)).astype(float)
        assert 75 <= out.mean() <= 127
        assert np.ptp(out.mean(axis=(0, 1))) <= 13
