"""The features that measure faces."""

import h5py
import keras
import numpy as np
import pytest

from dfdetect.fakes.gan.features import SIDE, open_mobilenet
from face_extraction.digest import file_digest
from face_extraction.errors import InputError
from face_extraction.images import resize


def test_features_are_mobilenets_and_are_named_after_its_weights(tmp_path):
    keras.utils.set_random_seed(0)
    plain = keras.applications.MobileNet(
        include_top=False, input_shape=(SIDE, SIDE, 3), pooling="avg", weights=None
    )
    path = tmp_path / "mobile.weights.h5"
    plain.save_weights(path)
    network = open_mobilenet(str(path))
    assert network.name == f"MobileNet features at 128 pixels (SHA-256 {file_digest(path)[:16]})"
    faces = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
    found = network.compute(faces)
    assert found.shape == (3, 1024)
    pixels = np.stack([resize(face, SIDE) for face in faces]).astype(np.float32)
    normalised = keras.applications.mobilenet.preprocess_input(pixels)
    np.testing.assert_allclose(found, np.asarray(plain(normalised)), rtol=1e-3, atol=1e-5)


def test_weights_that_cannot_be_had_are_an_error(tmp_path):
    path = tmp_path / "none.weights.h5"
    with pytest.raises(InputError, match=r"the weights .*none\.weights\.h5 of MobileNet cannot be had"):
        open_mobilenet(str(path))


def test_weights_that_lie_in_another_file_are_refused(tmp_path):
    path, secret = tmp_path / "linked.weights.h5", tmp_path / "secret"
    secret.write_bytes(bytes(4000))
    with h5py.File(path, "w") as file:
        file.create_dataset("kernel", (1000,), "f4", external=[(str(secret), 0, 4000)])
    with pytest.raises(InputError, match=r"linked\.weights\.h5 of MobileNet cannot be had .*kernel"):
        open_mobilenet(str(path))
