"""The networks of both kinds: shapes, ranges and what the seed decides."""

import numpy as np
import pytest

from dfdetect.fakes.gan.networks import build, draw_noise, make_faces, to_pixels, to_rgb
from dfdetect.fakes.gan.settings import SIDES, Design
from face_extraction.errors import InputError


@pytest.fixture(scope="module", params=SIDES)
def networks(request):
    return build(Design(request.param, 16, 64), seed=1)


def test_faces_have_their_shape_and_range(networks):
    noise = draw_noise(networks.generator, np.random.default_rng(0), 3)
    faces = make_faces(networks.generator, noise)
    assert faces.shape == (3, 16, 16, 3)
    assert faces.dtype == np.uint8
    wild = [100 * each for each in noise]
    pixels = np.asarray(networks.generator(wild))
    assert np.abs(pixels).max() <= 1
    assert np.isfinite(pixels).all()
    assert (faces[0] != faces[1]).any()
    logits = np.asarray(networks.discriminator(to_pixels(faces)))
    assert logits.shape == (3, 1)
    assert np.isfinite(logits).all()


def test_the_average_begins_as_the_generator(networks):
    for one, other in zip(networks.generator.get_weights(), networks.average.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_faces_made_in_batches_are_those_made_alone(networks, monkeypatch):
    noise = draw_noise(networks.generator, np.random.default_rng(0), 3)
    together = make_faces(networks.generator, noise)
    monkeypatch.setattr("dfdetect.fakes.gan.networks.BATCH", 2)
    assert np.abs(make_faces(networks.generator, noise).astype(int) - together).max() <= 1


def test_the_seed_decides_the_weights():
    one, same, other = (build(Design("dcgan", 8, 32), seed).generator.get_weights() for seed in (3, 3, 4))
    assert all(np.array_equal(*pair) for pair in zip(one, same, strict=True))
    assert not all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


def test_pixels_and_colours_are_the_same():
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    assert to_pixels(every).min() == -1
    assert to_pixels(every).max() == 1
    np.testing.assert_array_equal(to_rgb(to_pixels(every)), every)


@pytest.mark.parametrize("side", [4, 48, 512])
def test_a_wrong_side_is_refused(side):
    with pytest.raises(InputError, match=f"--size {side}; accepted: 8, 16, 32, 64, 128 or 256 pixels"):
        Design("dcgan", side, 64)


def test_a_wrong_kind_is_refused():
    with pytest.raises(InputError, match="--kind 'vae'; accepted: dcgan, style"):
        Design("vae", 64, 64)
