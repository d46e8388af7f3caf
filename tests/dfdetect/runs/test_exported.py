"""What an export says about itself, and the weights of a run that holds its graph."""

import json

import h5py
import msgspec
import numpy as np
import pytest

from dfdetect.metrics.calibrating import Calibration
from dfdetect.runs.exported import METADATA, is_export, open_export, read_weights
from face_extraction.errors import InputError
from face_extraction.settings import ExtractionSettings

from ..models.test_light import write as write_mean

onnx = pytest.importorskip("onnx")

PLATT = Calibration(method="platt", slope=2.0)
ABOUT = {
    "schema": 1,
    "run": {"name": "mine"},
    "calibrations": {"face": msgspec.to_builtins(PLATT)},
    "cuts": {"photo": {"lower": 0.2, "upper": 0.8, "origin": "a test"}},
    "skill": "AUC",
    "note": "careful",
    "unfit": ["", ""],
    "extraction": {"min_face": 90, "crop": {"margin": 0.5}},
    "threshold": 0.5,
}


def write(folder, about):
    """An ONNX file that says this about itself."""
    path = write_mean(folder / "mean.onnx")
    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {METADATA: about})
    onnx.save(model, str(path))
    return path


def test_an_onnx_file_says_itself_what_a_verdict_needs(tmp_path):
    model, about = open_export(write(tmp_path, json.dumps(ABOUT)))
    assert model.input_shape == (None, 8, 8, 3)
    assert (about.run.name, about.skill, about.note, about.unfit) == ("mine", "AUC", "careful", ("", ""))
    assert about.calibrations == {"face": PLATT}
    assert about.cuts["photo"].upper == 0.8
    assert isinstance(about.extraction, ExtractionSettings)
    assert (about.extraction.min_face, about.extraction.crop.margin) == (90, 0.5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "not of schema 1"),
        ({"skill": 3}, r"\$.skill"),
        ({"calibrations": {"face": {"method": "platt", "slope": -1.0}}}, "slope must be above 0"),
        ({"calibrations": {"face": {"method": "platt", "slope": 2.0}}}, "face: lacks intercept, knots, val"),
        ({"extraction": {"crop": {"margin": 99}}}, "99"),
        ({"unfit": ["one"]}, r"\$.unfit"),
        ({"unfit": ["bored", "of faces"]}, "unknown reason 'bored'; accepted: no_skill"),
        ({"unfit": ["", "of faces"]}, "unknown reason ''"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, change, words):
    with pytest.raises(InputError, match=words) as error:
        open_export(write(tmp_path, json.dumps(ABOUT | change)))
    assert "mean.onnx" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[" * 9999, "NaN"])
def test_what_says_nothing_is_refused(tmp_path, text):
    with pytest.raises(InputError, match=r"does not say what its scores mean|not of schema 1"):
        open_export(write(tmp_path, text))


def test_a_litert_file_needs_the_file_beside_it(tmp_path):
    path = tmp_path / "mine.tflite"
    path.write_bytes(b"x")
    with pytest.raises(InputError, match=r"mine\.tflite: needs mine\.tflite\.json beside it"):
        open_export(path)


def test_a_savedmodel_is_an_export_that_needs_tensorflow(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    assert is_export(tmp_path)
    with pytest.raises(InputError, match=r"accepted: \.onnx and \.tflite"):
        open_export(tmp_path)
    assert not is_export(tmp_path / "photo.jpg")


def test_weights_are_read_by_their_place_as_float32(tmp_path):
    path = tmp_path / "a.weights.h5"
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = np.array([0.5, 2], np.float16)
        file["seed/state"] = np.array([1, 2], np.uint32)
    ((name, values),) = read_weights(path).items()
    assert (name, values.dtype, values.tolist()) == ("layers/dense/vars/0", np.float32, [0.5, 2])


def test_weights_that_cannot_be_read_are_named(tmp_path):
    path = tmp_path / "a.weights.h5"
    with pytest.raises(InputError, match="no such weights file"):
        read_weights(path)
    path.write_text("words")
    with pytest.raises(InputError, match="not a weights file"):
        read_weights(path)
    with h5py.File(path, "w") as file:
        file["away"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(InputError, match="away is a link"):
        read_weights(path)
