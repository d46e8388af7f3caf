"""Models that run without Keras: hand-made files whose scores a test can compute, and strangers' files."""

import os
import subprocess
import sys

import numpy as np
import pytest

from dfdetect.models.light import LightModel, open_litert, open_onnx
from face_extraction.errors import InputError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

FLOAT = onnx.TensorProto.FLOAT


def write(path, shape=("n", 8, 8, 3), weights=None, more=()):
    """A model whose score is the mean of its input times 1 / 512, with metadata {"key": "value"}."""
    weights = weights or onnx.numpy_helper.from_array(np.float32(1 / 512), "weight")
    axes = onnx.numpy_helper.from_array(np.arange(1, len(shape), dtype=np.int64), "axes")
    rows = onnx.numpy_helper.from_array(np.array([-1, 1]), "rows")
    nodes = [
        onnx.helper.make_node("ReduceMean", ["image", "axes"], ["mean"], keepdims=0),
        onnx.helper.make_node("Mul", ["mean", "weight"], ["scaled"]),
        onnx.helper.make_node("Reshape", ["scaled", "rows"], ["p_fake"]),
    ]
    inputs = [onnx.helper.make_tensor_value_info("image", FLOAT, shape), *more]
    outputs = [onnx.helper.make_tensor_value_info("p_fake", FLOAT, ("n", 1))]
    graph = onnx.helper.make_graph(nodes, "mean", inputs, outputs, [weights, axes, rows])
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.helper.set_model_props(made, {"key": "value"})
    path.write_bytes(made.SerializeToString())
    return path


def elsewhere(location):
    """A weight whose value lies in another file."""
    weight = onnx.TensorProto(name="weight", data_type=FLOAT)
    weight.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "4")):
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    return weight


def test_an_onnx_file_scores_as_computed_and_has_metadata(tmp_path):
    model, metadata = open_onnx(write(tmp_path / "mean.onnx"))
    assert (model.input_shape, model.backend) == ((None, 8, 8, 3), "onnxruntime")
    assert metadata == {"key": "value"}
    rgb = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    expected = rgb.reshape(5, -1).mean(axis=1, keepdims=True) / 512
    np.testing.assert_allclose(model.predict_on_batch(rgb), expected, rtol=1e-6)


def test_a_file_of_clips_is_taken(tmp_path):
    assert open_onnx(write(tmp_path / "clips.onnx", (1, 4, 8, 8, 3)))[0].input_shape == (None, 4, 8, 8, 3)


def test_short_memory_is_not_the_files_fault(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("Exception during initialization: std::bad_alloc")

    path = write(tmp_path / "mean.onnx", (1, 8, 8, 3))
    monkeypatch.setattr("onnxruntime.InferenceSession", fail)
    with pytest.raises(InputError, match=r"mean\.onnx: there is too little memory"):
        open_onnx(path)


def test_weights_may_come_from_the_caller_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weight.bin").write_bytes(np.float32(0.5).tobytes())
    for place in ("weight.bin", str(tmp_path / "weight.bin"), f"../{tmp_path.name}/weight.bin"):
        path = write(tmp_path / "mean.onnx", weights=elsewhere(place))
        with pytest.raises(InputError, match=r"mean\.onnx: not an ONNX model that can run here"):
            open_onnx(path)
    model, _ = open_onnx(path, {"weight": np.float32(2)[None].reshape(())})
    assert model.predict_on_batch(np.full((1, 8, 8, 3), 0.25)).item() == 0.5


@pytest.mark.parametrize(
    "shape",
    [
        ("n", 8, 9, 3),
        ("n", 8, 8, 1),
        ("n", "s", "s", 3),
        ("n", 9999, 9999, 3),
        ("n", 4000, 99, 99, 3),
        (1, 3),
    ],
)
def test_what_takes_no_faces_is_refused(tmp_path, shape):
    with pytest.raises(InputError, match="accepted: one picture or clip of float32 RGB"):
        open_onnx(write(tmp_path / "strange.onnx", shape))


def test_what_takes_more_than_a_face_is_refused(tmp_path):
    more = [onnx.helper.make_tensor_value_info("other", FLOAT, (1,))]
    with pytest.raises(InputError, match="accepted: one picture"):
        open_onnx(write(tmp_path / "two.onnx", more=more))


@pytest.mark.parametrize("load", [open_onnx, open_litert])
def test_a_damaged_file_is_one_line(tmp_path, load):
    pytest.importorskip("ai_edge_litert")
    path = tmp_path / "model"
    for content, words in ((b"", "0 bytes; accepted"), (b"words\n" * 99, "model that can run here")):
        path.write_bytes(content)
        with pytest.raises(InputError, match=words) as error:
            load(path)
        assert "\n" not in str(error.value)
    for strange, words in ((tmp_path, "not a regular file"), (tmp_path / "gone", "no such file")):
        with pytest.raises(InputError, match=words):
            load(strange)


def test_damaged_texts_of_an_onnx_file_are_one_line(tmp_path):
    path = write(tmp_path / "mean.onnx")
    path.write_bytes(path.read_bytes().replace(b"value", b"v\xb3lue"))
    with pytest.raises(InputError, match=r"mean\.onnx: not an ONNX model that can run here"):
        open_onnx(path)


def test_what_is_not_installed_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("dfdetect.models.light.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs onnxruntime: pip install '\.\[onnx\]'"):
        open_onnx(tmp_path / "model.onnx")
    with pytest.raises(InputError, match=r"needs LiteRT: pip install '\.\[litert\]'"):
        open_litert(tmp_path / "model.tflite")


def test_a_model_that_gives_other_things_than_scores_is_named():
    model = LightModel((None, 8, 8, 3), "onnxruntime", lambda rgb: np.zeros((len(rgb), 2), np.float32))
    with pytest.raises(InputError, match=r"gives \(3, 2\) of float32 for 3 inputs"):
        model.predict_on_batch(np.zeros((3, 8, 8, 3)))
    texts = LightModel((None, 8, 8, 3), "onnxruntime", lambda rgb: np.array([["x"]] * len(rgb)))
    with pytest.raises(InputError, match=r"\(3, 1\) of <U1 for 3 inputs"):
        texts.predict_on_batch(np.zeros((3, 8, 8, 3)))


def test_scores_outside_0_to_1_are_refused_but_for_rounding():
    def giving(value):
        light = LightModel((None, 8, 8, 3), "litert", lambda rgb: np.full((len(rgb), 1), value, np.float32))
        return light.predict_on_batch(np.zeros((2, 8, 8, 3)))

    assert (giving(1.0005).tolist(), giving(-1e-6).tolist()) == ([[1], [1]], [[0], [0]])
    assert np.isnan(giving(np.nan)).all()
    for value in (5.0, -0.5, np.inf):
        with pytest.raises(InputError, match="accepted: scores from 0 to 1"):
            giving(value)


def test_onnxruntime_keeps_no_record_of_its_use_and_reports_none(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    write(tmp_path / "mean.onnx")
    env = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    code = "import pathlib, dfdetect.models.light as light; light.open_onnx(pathlib.Path('mean.onnx'))"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env | {"HOME": str(home)}, check=True)
    assert list(home.rglob("*")) == []
