"""Families that take clips: the contract over frames, and what clips and single images share."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from dfdetect.models.blocks import backbone_layers, blocks
from dfdetect.models.build import build_model, frames_of
from dfdetect.models.registry import family, list_models
from face_extraction.errors import InputError

FRAMES, SIZE = 3, 64
ABLE = [name for name in list_models() if family(name).clips]
OTHER = """
import sys
import numpy as np
from dfdetect.models.build import build_model
folder, frames = sys.argv[1], int(sys.argv[2])
for name in sys.argv[3:]:
    rgb = np.load(f"{folder}/{name}.npy")
    weights = f"{folder}/{name}.weights.h5"
    model = build_model(name, image_size=rgb.shape[2], frames=frames, weights=weights, whole=True)
    np.save(f"{folder}/{name}.p_fake.npy", np.array(model(rgb)))
"""


@pytest.fixture(scope="module")
def clips():
    """Four clips of noise, with a square that moves."""
    rgb = np.random.default_rng(3).integers(0, 120, (4, FRAMES, SIZE, SIZE, 3)).astype("uint8")
    for clip in range(4):
        for frame in range(FRAMES):
            rgb[clip, frame, 8 * clip : 8 * clip + 20, 16 * frame : 16 * frame + 20] = 240
    return rgb


@pytest.fixture(scope="module", params=ABLE)
def name(request):
    return request.param


@pytest.fixture
def model(name, clips, awaken):
    model = build_model(name, image_size=SIZE, frames=FRAMES, seed=2)
    awaken(model, clips)
    return model


def part(model, layer):
    return keras.Model(model.input, model.get_layer(layer).output)


def test_some_family_takes_clips():
    assert "alexnet_rnn" in ABLE


def test_one_probability_a_clip_from_a_flat_graph(model, clips):
    p_fake = np.array(model(clips))
    assert p_fake.shape == (4, 1)
    assert p_fake.dtype == np.float32
    assert ((p_fake > 0) & (p_fake < 1)).all()
    assert len(np.unique(p_fake)) == 4
    assert frames_of(model) == FRAMES
    flat = not any(isinstance(layer, keras.Model | keras.layers.Wrapper) for layer in model.layers)
    assert flat
    np.testing.assert_allclose(np.array(model(clips[:1])), p_fake[:1], atol=1e-5)


def test_features_are_the_maps_of_the_frames_and_the_head_needs_no_more(model, clips):
    features = np.array(part(model, "features")(clips))
    assert features.ndim == 5
    assert features.shape[:2] == (4, FRAMES)
    head = keras.Model(model.get_layer("features").output, model.output)
    np.testing.assert_allclose(np.array(head(features)), np.array(model(clips)), atol=1e-6)


def test_the_order_of_the_frames_matters(model, clips):
    assert np.abs(np.array(model(clips)) - np.array(model(clips[:, ::-1]))).max() > 1e-4


def test_a_clips_maps_are_those_of_its_frames_as_single_images(model, name, clips, tmp_path):
    # The file of a backbone for single images fits the form for clips, and the other way round.
    path = tmp_path / "backbone.weights.h5"
    part(model, "features").save_weights(path)
    single = build_model(name, image_size=SIZE, weights=str(path))
    assert list(blocks(single, family(name))) == list(blocks(model, family(name)))
    maps = np.array(part(single, "features")(clips.reshape(-1, SIZE, SIZE, 3)))
    expected = np.array(part(model, "features")(clips))
    np.testing.assert_allclose(maps.reshape(expected.shape), expected, atol=1e-4)


def test_weights_of_the_other_form_are_refused_in_one_line(model, name, tmp_path):
    path = tmp_path / "clips.weights.h5"
    model.save_weights(path)
    with pytest.raises(InputError, match=rf"does not fit {name}: .*shapes"):
        build_model(name, image_size=160, weights=str(path))


def test_freezing_and_l2_reach_the_backbone(name):
    frozen = build_model(name, image_size=SIZE, frames=FRAMES, trainable="head", l2=0.1)
    assert not any(layer.trainable_variables for layer in backbone_layers(frozen))
    whole = build_model(name, image_size=SIZE, frames=FRAMES, l2=0.1)
    assert 0 < len(frozen.losses) < len(whole.losses)


def test_a_family_for_single_faces_names_those_that_take_clips():
    with pytest.raises(InputError, match=r"takes single faces; these take frames 4: .*alexnet_rnn"):
        build_model("custom_cnn", frames=4)


def test_backends_agree(model, name, clips, tmp_path):
    pytest.importorskip("jax")
    np.save(tmp_path / f"{name}.npy", clips)
    model.save_weights(tmp_path / f"{name}.weights.h5")
    other = "tensorflow" if keras.backend.backend() == "jax" else "jax"
    environment = {**os.environ, "KERAS_BACKEND": other, "JAX_PLATFORMS": "cpu"}
    subprocess.run(
        [sys.executable, "-c", OTHER, str(tmp_path), str(FRAMES), name], check=True, env=environment
    )
    expected = np.array(model(clips))
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(np.load(tmp_path / f"{name}.p_fake.npy"), expected, atol=1e-4)
