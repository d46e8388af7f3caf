"""The contract that every method of explanation keeps; a new method is tested here by itself."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from dfdetect.explain.heat_maps import heat_map, heat_maps, suiting
from dfdetect.explain.methods.integrated_gradients import attributions
from dfdetect.explain.probe import probe_of
from dfdetect.explain.registry import get_method, list_methods
from dfdetect.models.build import build_model
from dfdetect.models.registry import family, list_models
from face_extraction.errors import InputError

from . import planted

METHODS = [method.name for method in list_methods()]
# In the planted transformer nothing depends on the picture, so that only these find its corner.
FINDS = {"transformer": ("attention_rollout", "grad_cam")}


@pytest.fixture(scope="module")
def maps():
    return planted.all_maps()


def test_every_method_suits_one_of_the_planted_models(maps):
    assert {name.split()[1] for name in maps} == {*METHODS}


@pytest.mark.parametrize("method", METHODS)
def test_maps_have_the_faces_shape_and_run_from_0_to_1(method, maps):
    for name, found in maps.items():
        if name.endswith(f" {method}"):
            assert (found.shape, found.dtype) == ((2, planted.SIDE, planted.SIDE), np.float32), name
            assert found.min() >= 0
            assert set(found.max(axis=(1, 2))) <= {0.0, 1.0}, name


@pytest.mark.parametrize("method", METHODS)
def test_the_planted_corner_is_found(method, maps):
    """The hottest place lies in the corner, and so does most of the heat, within the method's own grain."""
    names = [
        name for name in maps if name.endswith(f" {method}") and method in FINDS.get(name.split()[0], METHODS)
    ]
    assert names
    for name in names:
        for found in maps[name]:
            row, column = np.unravel_index(np.argmax(found), found.shape)
            assert row < 16, name
            assert column >= 48, name
            assert found[:32, 32:].sum() > 0.9 * found.sum(), name


@pytest.mark.parametrize("method", METHODS)
def test_the_same_face_gives_the_same_map_alone_and_among_others(method, maps):
    for name, make in planted.MODELS.items():
        model = make()
        if method in suiting(model):
            alone = heat_map(model, planted.noise()[1], method)
            np.testing.assert_allclose(alone, maps[f"{name} {method}"][1], atol=1e-4)
            assert np.array_equal(alone, heat_map(model, planted.noise()[1], method))


def test_the_backends_agree(maps, tmp_path):
    pytest.importorskip("jax")
    other = "tensorflow" if keras.backend.backend() == "jax" else "jax"
    file = tmp_path / "maps.npz"
    subprocess.run(
        [sys.executable, planted.__file__, str(file)],
        check=True,
        env={
            **os.environ,
            "KERAS_BACKEND": other,
            "JAX_PLATFORMS": "cpu",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
    )
    with np.load(file) as theirs:
        assert set(theirs) == {*maps}
        for name, found in maps.items():
            np.testing.assert_allclose(theirs[name], found, atol=2e-3, err_msg=name)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_says_what_it_shows_and_whom_it_follows(method):
    assert get_method(method).summary.endswith(".")
    assert any(letter.isdigit() for letter in get_method(method).source)


def test_what_pixels_add_sums_up_to_the_difference_of_the_logits():
    """The completeness of integrated gradients (Sundararajan et al. 2017, proposition 1)."""
    from dfdetect.explain.veil import veiled

    probe, faces = probe_of(planted.corner_network()), planted.noise().astype(np.float32)
    added = attributions(probe, faces, steps=50).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(added, probe.logits(faces) - probe.logits(veiled(faces)), rtol=1e-3)


def test_grad_cam_is_the_class_map_of_a_network_that_pools_and_weighs():
    """Zhou et al. 2016: the weights of the last layer, times the maps that they pool."""
    model = planted.small_windows()
    face = planted.noise(1)
    probe = probe_of(model)
    values = probe.inner(face.astype(np.float32)).values
    kernel, _ = model.get_layer("logit").get_weights()
    classic = (values[0] * kernel[:, 0]).sum(axis=-1)
    ours = get_method("grad_cam").explain(probe, face.astype(np.float32))[0]
    np.testing.assert_allclose(ours * values[0, :, :, 0].size, classic, rtol=1e-4, atol=1e-6)


# As ViT, DeiT and DINOv2 have them: tokens before the patches, and which of all tokens the head reads.
@pytest.mark.parametrize(
    ("leading", "registers", "read"), [(1, 0, [0]), (2, 0, [0, 1]), (1, 4, [0, *range(5, 9)])]
)
def test_tokens_of_transformers_are_told_apart(leading, registers, read):
    count = leading + registers + 4
    probe = probe_of(planted.small_transformer(read, leading=leading, registers=registers))
    faces = planted.noise(1).astype(np.float32)
    shares = probe.reading(faces)[0]
    assert np.flatnonzero(shares).tolist() == read
    assert shares.sum() == pytest.approx(1)
    inner = probe.inner(faces)
    assert inner.values.shape == inner.slopes.shape == (1, 2, 2, 8)
    assert len(probe.attention(faces)) == 2
    for scores in probe.attention(faces):
        assert scores.shape == (1, 2, count, count)
        np.testing.assert_allclose(scores.sum(axis=-1), 1, rtol=1e-4)


def test_windows_are_no_attention_to_roll_out():
    model = planted.small_windows()
    assert "grad_cam" in suiting(model)
    with pytest.raises(InputError, match=r"attention_rollout: .* attends within windows"):
        heat_maps(model, planted.noise(), "attention_rollout")


@pytest.mark.slow
@pytest.mark.parametrize("name", list_models())
def test_every_model_of_faces_is_explained(name):
    size = -(-max(64, family(name).min_image_size) // family(name).size_step) * family(name).size_step
    model = build_model(name, image_size=size, seed=1)
    face = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    methods = suiting(model)
    assert ("attention_rollout" in methods) == name.startswith(("vit", "deit", "dinov2"))
    assert {"grad_cam", "grad_cam_pp"} <= {*methods}
    for method in ("grad_cam", "grad_cam_pp", *methods[:1]):
        assert heat_map(model, face, method).shape == (size, size)
    keras.utils.clear_session()


def test_what_does_not_suit_a_model_is_told_in_one_line():
    model = planted.corner_network()
    with pytest.raises(InputError, match=r"attention_rollout: .* has no attention; accepted: grad_cam, "):
        heat_maps(model, planted.noise(), "attention_rollout")
    with pytest.raises(InputError, match="nearest: grad_cam"):
        heat_maps(model, planted.noise(), "gradcam")
    clips = keras.Input((3, 32, 32, 3))
    with pytest.raises(InputError, match="takes clips"):
        heat_map(keras.Model(clips, clips), planted.noise()[0])
