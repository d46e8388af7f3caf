"""A model's graph without its weights, in a file of some 50 KB: onnxruntime runs it with a weights file.

So a folder that ships holds its weights once, and needs no Keras to score. TensorFlow traces the graph.
"""

import tempfile
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import keras
import numpy as np

from dfdetect.runs.exported import open_graph
from dfdetect.runs.folder import Run
from face_extraction.atomic import atomic_path
from face_extraction.errors import InputError

OPSET = 17
WITHIN = 1e-4
"""The largest accepted difference from Keras' scores."""


def write_graph(run: Run, model: keras.Model) -> float:
    """Write the graph of a run's model, and check it with the run's weights.

    Args:
        run: holds the weights.
        model: the run's, with these weights.

    Returns:
        the largest difference between its scores of drawn pictures and the model's.

    Raises:
        InputError: it is larger than `WITHIN`; then no graph is left.
    """
    import onnx

    graph = _traced(model)
    del graph.graph.input[1:]
    outside = {
        _input(number): _outside(onnx, place, variable.shape)
        for number, (place, variable) in enumerate(zip(_places(model), _floats(model), strict=True))
    }
    used = {name for node in graph.graph.node for name in node.input}
    graph.graph.initializer.extend(made for name, made in outside.items() if name in used)
    for node in graph.graph.node:
        node.input[:] = [outside[name].name if name in outside else name for name in node.input]
    with atomic_path(run.graph) as temporary:
        onnx.save(graph, str(temporary))
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (4, *model.input_shape[1:])).astype(np.float32)
    gap = float(np.abs(open_graph(run).predict_on_batch(rgb) - np.asarray(model.predict_on_batch(rgb))).max())
    if not gap <= WITHIN:
        run.graph.unlink()
        raise InputError(f"{run.folder}: its graph scores {gap:.2g} off; accepted: {WITHIN:g}")
    return gap


def _input(number: int) -> str:
    return f"weight_{number}"


def _floats(model: keras.Model) -> list[Any]:
    """The weights; the states of random numbers, which are whole numbers, have no part in a score."""
    return [variable for variable in model.variables if variable.dtype == "float32"]


def _traced(model: keras.Model) -> Any:
    """The ONNX model whose weights are inputs, so that nothing is worked out from them beforehand."""
    import tensorflow as tf
    import tf2onnx

    floats = _floats(model)
    image = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="image")
    weights = [
        tf.TensorSpec(variable.shape, tf.float32, name=_input(number))
        for number, variable in enumerate(floats)
    ]

    def given(variables: list[Any], values: tuple[Any, ...]) -> list[Any]:
        # Members of an ensemble have variables of equal paths.
        known = {id(variable): value for variable, value in zip(floats, values, strict=True)}
        return [known.get(id(one), one.value) for one in variables]

    @tf.function(input_signature=[image, *weights])  # type: ignore[untyped-decorator]
    def score(rgb: Any, *values: Any) -> dict[str, Any]:
        trained, others = (
            given(model.trainable_variables, values),
            given(model.non_trainable_variables, values),
        )
        return {"p_fake": model.stateless_call(trained, others, rgb, training=False)[0]}

    made, _ = tf2onnx.convert.from_function(score, input_signature=[image, *weights], opset=OPSET)
    return made


def _places(model: keras.Model) -> list[str]:
    """Where a weights file keeps each of `_floats`: found by writing numbers in their place."""
    floats = _floats(model)
    kept = [np.array(variable) for variable in floats]
    try:
        for number, variable in enumerate(floats):
            variable.assign(np.full(variable.shape, number, np.float32))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "places.weights.h5"
            model.save_weights(path)
            numbers: dict[int, str] = {}
            with h5py.File(path) as file:

                def note(name: str, item: Any) -> None:
                    if isinstance(item, h5py.Dataset) and item.dtype == np.float32:
                        numbers[int(item[()].flat[0])] = name

                file.visititems(note)
    finally:
        for variable, values in zip(floats, kept, strict=True):
            variable.assign(values)
    return [numbers[number] for number in range(len(floats))]


def _outside(onnx: Any, name: str, shape: tuple[int, ...]) -> Any:
    """A weight whose values come from the weights file."""
    made = onnx.TensorProto(name=name, dims=shape, data_type=onnx.TensorProto.FLOAT)
    made.data_location = onnx.TensorProto.EXTERNAL
    entry = made.external_data.add()
    entry.key, entry.value = "location", "weights"
    return made
