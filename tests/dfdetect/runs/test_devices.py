"""Precision, several devices and the other backend, each in a training of its own process."""

import os
import subprocess
import sys
from contextlib import nullcontext

import keras
import numpy as np
import pytest
import tensorflow as tf

from dfdetect.runs.build import load_model
from dfdetect.runs.devices import check_batches, check_clipping, parallel
from dfdetect.runs.folder import Run
from dfdetect.train import __main__ as train
from face_extraction.errors import InputError

pytestmark = pytest.mark.usefixtures("light")

SMALL = [
    *"--model custom_cnn --image-size 32 --batch-size 12 --epochs 2 --augment none --dropout 0".split(),
    *"--optimizer adam --schedule constant".split(),
]
TWO_CPUS = """
import sys, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from dfdetect.runs.devices import parallel
from dfdetect.train.__main__ import main
with parallel(2):
    assert tf.distribute.get_strategy().num_replicas_in_sync == 2
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def manifest(write_squares, tmp_path_factory):
    return write_squares(tmp_path_factory.mktemp("data"), train=24, val=12, test=12)


@pytest.fixture(scope="module")
def expected(manifest, tmp_path_factory):
    """Test scores of the ordinary training."""
    out = tmp_path_factory.mktemp("runs") / "expected"
    assert train.main([*SMALL, "--manifest", str(manifest), "--out", str(out)]) == 0
    return Run(out).predictions("test").p_fake


def in_a_process(manifest, out, *more, code="", **environment):
    start = ["-c", code] if code else ["-m", "dfdetect.train"]
    done = subprocess.run(
        [sys.executable, *start, *SMALL, "--manifest", str(manifest), "--out", str(out), *more],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Run(out)


def test_two_devices_give_the_scores_of_one(manifest, expected, tmp_path):
    run = in_a_process(manifest, tmp_path / "two", "--devices", "2", code=TWO_CPUS)
    np.testing.assert_allclose(run.predictions("test").p_fake, expected, atol=1e-4)


def test_jax_gives_the_scores_of_tensorflow(manifest, tmp_path):
    pytest.importorskip("jax")
    # Both start from weights saved here: the backends draw initial weights differently.
    start = tmp_path / "start"
    train.main([*SMALL, "--manifest", str(manifest), "--out", str(start), "--epochs", "0"])
    jax = in_a_process(manifest, tmp_path / "jax", "--weights", str(start), KERAS_BACKEND="jax")
    here = Run(tmp_path / "here")
    again = ["--manifest", str(manifest), "--weights", str(start), "--out", str(here.folder)]
    assert train.main([*SMALL, *again]) == 0
    assert (jax.environment()["backend"], here.environment()["backend"]) == ("jax", "tensorflow")
    scores = (run.predictions("test").p_fake for run in (jax, here))
    np.testing.assert_allclose(*scores, atol=1e-3)


def test_one_device_needs_no_strategy_and_none_there_is_is_refused():
    with parallel(1):
        assert not tf.distribute.has_strategy()
    with parallel(0):  # all: here the one CPU
        assert tf.distribute.get_strategy().num_replicas_in_sync == 1
    with pytest.raises(InputError, match="--devices 9; this machine has 1: "):
        parallel(9)


@pytest.mark.parametrize(("devices", "used"), [(1, []), (2, [["a", "b"]]), (0, [["a", "b", "c"]])])
def test_jax_is_told_the_devices_that_share_the_batches(monkeypatch, devices, used):
    told = []
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["a", "b", "c"])
    monkeypatch.setattr(keras.distribution, "DataParallel", lambda devices: devices)
    monkeypatch.setattr(keras.distribution, "set_distribution", told.append)
    with parallel(devices):
        assert told == used


@pytest.mark.parametrize(
    ("batch_size", "sizes", "words"),
    [
        (8, {"train": 24, "val": 12, "test": 0}, ""),
        (32, {"train": 4}, ""),
        (9, {"train": 24}, "train has a batch of 9"),
        (8, {"train": 24, "val": 13}, "val has a batch of 5"),
        (32, {"train": 24, "val": 3}, "val has a batch of 3"),
    ],
)
def test_batches_that_jax_cannot_split_evenly_are_refused(monkeypatch, batch_size, sizes, words):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    check_batches(1, batch_size, {"train": 7})
    with pytest.raises(InputError, match=f"2 equal parts, but {words};") if words else nullcontext():
        check_batches(2, batch_size, sizes)


def test_a_bound_on_each_devices_gradients_is_refused(monkeypatch):
    check_clipping(1, 1.0)
    check_clipping(2, 0.0)
    with pytest.raises(
        InputError, match="--devices 2 and --clip-norm 1: TensorFlow clips each device's share"
    ):
        check_clipping(2, 1.0)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    check_clipping(2, 1.0)


@pytest.mark.parametrize(
    ("devices", "batch_size", "size", "batch"),
    [
        (2, 8, 23, 0),
        (2, 8, 24, 0),
        (2, 8, 25, 1),
        (2, 8, 1, 1),
        (2, 1, 24, 1),
        (4, 8, 23, 0),
        (4, 8, 20, 0),
        (4, 8, 19, 3),
        (4, 8, 22, 6),  # in shares of two
        (1, 8, 25, 0),
    ],
)
def test_a_batch_that_leaves_a_device_of_tensorflow_without_a_face_is_refused(
    devices, batch_size, size, batch
):
    sizes = {"train": size, "val": 25, "test": 0}  # batch normalisation takes no means of those
    words = f"train has a batch of {batch}, which leaves one of {devices} devices without a face;"
    with pytest.raises(InputError, match=words) if batch else nullcontext():
        check_batches(devices, batch_size, sizes)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_and_is_kept_in_the_run(manifest, expected, tmp_path, precision):
    out = tmp_path / "run"
    arguments = [*SMALL, "--manifest", str(manifest), "--out", str(out), "--precision", precision]
    assert train.main(arguments) == 0
    model = load_model(Run(out))
    kinds = {layer.compute_dtype for layer in model.layers}
    assert kinds == {precision.removeprefix("mixed_"), "float32"}
    assert model.get_layer("p_fake").compute_dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"
    np.testing.assert_allclose(Run(out).predictions("test").p_fake, expected, atol=0.1)
