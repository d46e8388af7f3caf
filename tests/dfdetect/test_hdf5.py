"""Weights files from a stranger: what they may not hold."""

import shutil
import subprocess
import sys
import zipfile
from collections import namedtuple

import h5py
import keras
import numpy as np
import pytest

from dfdetect.hdf5 import check_contents, write_weights
from dfdetect.models.build import build_model
from face_extraction.errors import InputError


def external(path, secret):
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/a/vars/0", (8,), "u1", external=[(str(secret), 0, 8)])


def virtual(path, secret):
    layout = h5py.VirtualLayout((8,), "u1")
    layout[:] = h5py.VirtualSource(str(secret), "x", (8,))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("layers/a/vars/0", layout)


def linked(path, secret):
    with h5py.File(path, "w") as file:
        file["layers"] = h5py.ExternalLink(str(secret), "/x")


def soft(path, secret):
    with h5py.File(path, "w") as file:
        file["layers"] = h5py.SoftLink("/elsewhere")


def twice(path, secret):
    with h5py.File(path, "w") as file:
        file["a"] = np.zeros(4)
        file["b"] = file["a"]


def large(path, secret):
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/a/vars/0", (60000, 60000), "f4", chunks=(100, 100))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (external, "takes its values from another file"),
        (virtual, "takes its values from another file"),
        (linked, "is a link"),
        (soft, "is a link"),
        (twice, "it holds .* twice"),
        (large, "far more values"),
    ],
)
@pytest.mark.parametrize("name", ["a.weights.h5", "a.h5"])
def test_values_from_elsewhere_are_refused(tmp_path, make, words, name):
    secret = tmp_path / "secret"
    secret.write_bytes(b"password")
    make(tmp_path / name, secret)
    with pytest.raises(InputError, match=words):
        check_contents(tmp_path / name, 1000)
    with pytest.raises(InputError, match=words):
        build_model("meso4", weights=str(tmp_path / name))


def test_a_file_of_the_model_passes_with_its_optimizers_state(tmp_path):
    model = build_model("meso4", image_size=64)
    model.compile("adam", "binary_crossentropy")
    model.optimizer.build(model.trainable_variables)
    model.save_weights(tmp_path / "a.weights.h5")
    check_contents(tmp_path / "a.weights.h5", model.count_params())


def test_a_locked_file_is_not_called_torn(tmp_path):
    path = tmp_path / "a.weights.h5"
    build_model("meso4", image_size=64).save_weights(path)
    hold = f"import h5py; f = h5py.File({str(path)!r}, 'r+'); print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=r"cannot be locked.*HDF5_USE_FILE_LOCKING=FALSE"):
            check_contents(path, 100_000)
        other.communicate("\n")


def test_a_file_that_may_not_be_read_is_not_called_torn(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, f"Unable to synchronously open file (name = {path!r}, errno = 13)")

    monkeypatch.setattr(h5py, "File", refuse)  # who runs as root may read every file
    with pytest.raises(InputError, match=r"a\.weights\.h5: Permission denied$"):
        check_contents(tmp_path / "a.weights.h5", 1000)


@pytest.mark.parametrize("name", ["a.keras", "a.h5", "a.zip"])
def test_an_archive_that_does_not_fit_is_named_itself(tmp_path, name):
    """The weights are unpacked into a folder that is gone when the line is read."""
    path = tmp_path / "a.keras"
    build_model("meso4", image_size=64).save(path)
    path = path.rename(tmp_path / name)
    with pytest.raises(InputError) as raised:
        build_model("meso4", image_size=128, weights=str(path), whole=True)
    assert str(raised.value).startswith(f"{path}: does not fit meso4: layer top_dense has the shapes")


def test_a_keras_archive_gives_its_weights(tmp_path):
    model = build_model("meso4", image_size=64, seed=3)
    model.save(tmp_path / "a.keras")
    again = build_model("meso4", image_size=64, weights=str(tmp_path / "a.keras"), whole=True)
    for ours, theirs in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_archive_without_weights_is_one_line(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    (tmp_path / "b.keras").write_bytes(b"no archive")
    for name in "ab":
        with pytest.raises(InputError, match=r"not a \.keras file with weights"):
            build_model("meso4", weights=str(tmp_path / f"{name}.keras"))


def test_a_full_disk_is_seen_before_hdf5_meets_it(tmp_path, monkeypatch):
    usage = namedtuple("Usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(100, 99, 1))
    with pytest.raises(OSError, match="No space left"):
        write_weights(tmp_path / "a.weights.h5", keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    assert not list(tmp_path.iterdir())
