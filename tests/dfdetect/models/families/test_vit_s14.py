"""ViT-S/14 from an archive of named arrays: parity with its values, and what does not fit is refused."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from dfdetect.models.archive import Archive, load_archive
from dfdetect.models.build import build_model
from dfdetect.models.families.vit_s14 import ARCHIVE
from dfdetect.models.layers.resample import sharp_bicubic
from dfdetect.models.layers.transformer import Tokens
from dfdetect.models.weights import weights_origin
from face_extraction.arrays import Arrays
from face_extraction.errors import InputError

TINY = Archive(
    {"kernel": (3, 2), "bias": (2,)}, lambda arrays: [("dense", [arrays["kernel"], arrays["bias"]])]
)


@pytest.fixture
def model():
    image = keras.Input((3,))
    x = keras.layers.Dense(2, name="dense")(image)
    return keras.Model(image, keras.layers.Identity(name="features")(x), name="tiny")


@pytest.fixture
def arrays():
    return {"kernel": np.ones((3, 2), "float16"), "bias": np.full(2, 0.5, "float16")}


def written(folder, arrays):
    np.savez(folder / "some.npz", **arrays)
    return folder / "some.npz"


def test_values_of_an_archive_are_loaded(model, arrays, tmp_path):
    digest = load_archive(model, TINY, written(tmp_path, arrays))
    assert len(digest) == 64
    np.testing.assert_array_equal(np.array(model(np.ones((1, 3)))), [[3.5, 3.5]])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"bias": None}, "array 'bias' is missing"),
        ({"more": np.zeros(1)}, "array 'more' is not one of its arrays"),
        ({"kernel": np.ones((2, 3))}, r"kernel is \(2, 3\), not \(3, 2\)"),
        ({"bias": np.array([1.0, np.nan])}, "bias holds values that are not finite numbers"),
        ({"bias": np.array([1, 2])}, "bias holds values that are not finite numbers"),
    ],
)
def test_an_archive_that_does_not_fit_is_refused_and_changes_nothing(model, arrays, change, says, tmp_path):
    before = np.array(model.layers[1].kernel)
    changed = {name: value for name, value in {**arrays, **change}.items() if value is not None}
    with pytest.raises(InputError, match=says):
        load_archive(model, TINY, written(tmp_path, changed))
    np.testing.assert_array_equal(np.array(model.layers[1].kernel), before)


@pytest.mark.parametrize("name", ["kernel", "more"])
def test_a_packed_array_is_refused_before_it_is_read(model, arrays, name, tmp_path, monkeypatch):
    path = tmp_path / "some.npz"
    np.savez_compressed(path, **{**arrays, name: np.zeros(10**6, "float16")})
    monkeypatch.setattr(Arrays, "read", None)
    with pytest.raises(InputError, match=f"{name}.* is "):
        load_archive(model, TINY, path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"text"])
def test_a_file_that_is_no_archive_is_refused(model, content, tmp_path):
    path = tmp_path / "torn.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"torn\.npz: not a readable archive of NumPy arrays"):
        load_archive(model, TINY, path)


def test_pickled_arrays_are_refused(model, arrays, tmp_path):
    path = written(tmp_path, {**arrays, "bias": np.array([SimpleNamespace()], dtype=object)})
    with pytest.raises(InputError, match="not a readable archive"):
        load_archive(model, TINY, path)


def test_other_families_take_no_archive(tmp_path):
    with pytest.raises(InputError, match="an archive, which holds a backbone; custom_cnn takes none here"):
        build_model("custom_cnn", weights=str(written(tmp_path, {"a": np.zeros(1)})))


def test_an_archive_is_not_the_weights_of_a_whole_model(tmp_path):
    with pytest.raises(InputError, match="vit_s14 takes only weights of whole models here"):
        build_model("vit_s14", weights=str(written(tmp_path, {"a": np.zeros(1)})), whole=True)


def test_bicubic_resampling_keeps_what_has_the_same_size_and_constants():
    np.testing.assert_allclose(sharp_bicubic(5, 5), np.eye(5), atol=1e-7)
    np.testing.assert_allclose(sharp_bicubic(37, 16).sum(axis=1), 1, atol=1e-6)


def test_halving_takes_the_four_nearest_values_by_keys_kernel():
    # Centres lie half way between two values: distances .5 and 1.5 with a = -.75.
    near, far = 1.25 / 8 - 2.25 / 4 + 1, -0.75 * (1.5**3 - 5 * 1.5**2 + 8 * 1.5 - 4)
    np.testing.assert_allclose(sharp_bicubic(8, 4)[1], [0, far, near, near, far, 0, 0, 0], atol=1e-6)


def test_tokens_of_a_table_that_is_not_antialiased_are_rebuilt_as_they_were():
    layer = Tokens(grid=4, antialiased=False)
    layer.build((None, 2, 2, 3))
    again = Tokens.from_config(layer.get_config())
    again.build((None, 2, 2, 3))
    np.testing.assert_array_equal(again.down, layer.down)
    np.testing.assert_array_equal(layer.down, sharp_bicubic(4, 2))


@pytest.mark.shared
@pytest.mark.slow
def test_class_token_and_mean_patch_are_those_of_the_published_graph(shared):
    folder = shared / "weights" / "vit_s14"
    model = build_model("vit_s14", weights=str(folder / "vit_s14.fp16.npz"))
    assert weights_origin(model).random == ("logit",)
    assert sum(int(np.prod(shape)) for shape in ARCHIVE.shapes.values()) == weights_origin(model).loaded
    parity = np.load(folder / "parity.npz")
    tokens = model.get_layer("tokens")
    patches = np.reshape(np.array(tokens.positions)[1:], (37, 37, 384))
    positions = np.einsum("hg,gkc,wk->hwc", tokens.down, patches, tokens.across)
    np.testing.assert_allclose(positions, parity["positions_16x16"], atol=1e-4)
    rgb = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3))
    embedding = keras.Model(model.input, model.get_layer("top_join").output)
    found = np.array(embedding(rgb.astype("float32")))[0]
    # The weights are rounded to half precision; the values are about 2.
    np.testing.assert_allclose(found, np.concatenate([parity["cls"], parity["patch_mean"]]), atol=0.01)
