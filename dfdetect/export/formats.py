"""The formats of exports: how each is written, named, made smaller, and loaded again.

SavedModel and LiteRT are TensorFlow's formats, so this file uses `tf.`. The functions import it and Keras, so
that the command can refuse wrong use before that slow import.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dfdetect.models.light import LITERT, LITERT_PACKAGE, ONNX, ONNX_PACKAGE, open_litert, open_onnx
from dfdetect.runs.exported import METADATA

Array = NDArray[np.float32]

OUTPUT = "p_fake"
KERAS_OUTPUT = "output_0"  # what Keras calls the output in a SavedModel's signature
FLOAT32, FLOAT16, INT8 = "float32", "float16", "int8"
LARGE = 256  # fewer values are not worth a cast


@dataclass(frozen=True)
class Numbers:
    """What an export's numbers are stored in.

    Attributes:
        kind: "float32"; "float16", which halves the file and computes in float32; or "int8", which computes
            in whole numbers.
        faces: for "int8", what its ranges are taken from: float32 of the model's input shape, 0..255.
    """

    kind: str = FLOAT32
    faces: Array | None = None


@dataclass(frozen=True)
class Format:
    """An export format.

    Attributes:
        keras: its name in `keras.Model.export`.
        suffix: the ending of the export's name; "" for a folder.
        tolerance: the largest accepted difference from the run's own scores, in float32.
        batch: how many images or clips the export takes at once; None for any number.
        load: loads an export from its path, as a function from inputs to scores.
        settings: gives further arguments of `keras.Model.export`.
        float32: true if the format needs a model that computes in float32.
        packages: the packages it needs, which the extra "export" installs.
        finish: names the output of a written export `p_fake`, and makes its numbers smaller; None where it
            has to keep Keras' name, and float32.
        tell: writes what the export says about itself into it; None where only the file beside it does.
    """

    keras: str
    suffix: str
    tolerance: float
    batch: int | None
    load: Callable[[Path], Callable[[Array], Array]]
    settings: Callable[[Numbers], Mapping[str, Any]] = lambda numbers: {}
    float32: bool = True
    packages: tuple[str, ...] = ()
    finish: Callable[[Path, Numbers], None] | None = None
    tell: Callable[[Path, str], None] | None = None


def _load_savedmodel(path: Path) -> Callable[[Array], Array]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return lambda rgb: np.asarray(loaded.serve(rgb))


def _load_litert(path: Path) -> Callable[[Array], Array]:
    return open_litert(path).predict_on_batch


def _finish_litert(path: Path, numbers: Numbers) -> None:
    """Name the output of the signature and its tensor; the converter has made the numbers smaller."""
    # `import` finds no tools: TensorFlow puts another module in the place of tensorflow.lite.
    flatbuffers = importlib.import_module("tensorflow.lite.tools.flatbuffer_utils")
    model = flatbuffers.read_model(str(path))
    for signature in model.signatureDefs:
        signature.outputs[0].name = OUTPUT
    graph = model.subgraphs[0]
    graph.tensors[graph.outputs[0]].name = OUTPUT
    flatbuffers.write_model(model, str(path))


def _litert_settings(numbers: Numbers) -> Mapping[str, Any]:
    """Only LiteRT's own operations, because with TensorFlow's each program would have to link those too."""
    import tensorflow as tf

    if numbers.kind == FLOAT32:
        return {"target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}}
    smaller = {"optimizations": [tf.lite.Optimize.DEFAULT]}
    if numbers.faces is None:
        kinds = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS], "supported_types": [tf.float16]}
        return {**smaller, "target_spec": kinds}
    faces = numbers.faces

    def representative() -> Iterator[list[Array]]:
        for face in faces:
            yield [face[None]]

    # Float operations too, for those that have none in whole numbers, such as an LSTM's.
    ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]
    return {**smaller, "target_spec": {"supported_ops": ops}, "representative_dataset": representative}


def _load_onnx(path: Path) -> Callable[[Array], Array]:
    model, _ = open_onnx(path)  # tf2onnx turns some constants into inputs, which is refused
    return model.predict_on_batch


def _finish_onnx(path: Path, numbers: Numbers) -> None:
    """Name the graph's output, and the value of the node that gives it; then make the numbers smaller."""
    import onnx

    model = onnx.load(str(path))
    (output,) = model.graph.output
    for node in model.graph.node:
        node.input[:] = [OUTPUT if name == output.name else name for name in node.input]
        node.output[:] = [OUTPUT if name == output.name else name for name in node.output]
    output.name = OUTPUT
    if numbers.kind == FLOAT16:
        _halve_onnx(model)
    onnx.save(model, str(path))
    if numbers.faces is not None:
        _quantise_onnx(path, numbers.faces)


def _halve_onnx(model: Any) -> None:
    """Store large constants as float16 and cast them back; runtimes do so once, when they load the file."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for constant in model.graph.initializer:
        if constant.data_type == TensorProto.FLOAT and np.prod(constant.dims) >= LARGE:
            name, half = constant.name, f"{constant.name}_half"
            values = numpy_helper.to_array(constant)
            most = np.finfo(np.float16).max
            constant.CopyFrom(numpy_helper.from_array(np.clip(values, -most, most).astype(np.float16), half))
            casts.append(helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])


def _quantise_onnx(path: Path, faces: Array) -> None:
    """Weights and activations in 8 bits, scaled by what the faces give (Jacob et al. 2018)."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(faces)

        def get_next(self) -> dict[str, Array] | None:
            face = next(self._left, None)
            return None if face is None else {"image": face[None]}

    whole = path.with_name(f"whole-{path.name}")
    # It joins batch normalisations with their convolutions; apart, they lose most of a MobileNet's AUC.
    quant_pre_process(str(path), str(whole), skip_symbolic_shape=True)
    quantize_static(
        str(whole),
        str(path),
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    whole.unlink()


def _tell_onnx(path: Path, about: str) -> None:
    """Write what the export says about itself into its metadata."""
    import onnx

    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {METADATA: about})
    onnx.save(model, str(path))


def _onnx_settings(numbers: Numbers) -> Mapping[str, Any]:
    """No settings; but this teaches tf2onnx TensorFlow's Erfc, which GELU uses, as 1 - Erf."""
    from tf2onnx.handler import tf_op

    @tf_op("Erfc")
    class Erfc:
        @classmethod
        def version_9(cls, context: Any, node: Any, **_: Any) -> None:
            name, (output,) = node.name, node.output
            facts = {"shapes": node.output_shapes, "dtypes": node.output_dtypes}
            context.remove_node(name)
            one = context.make_const(f"{name}_one", np.ones((), np.float32))
            erf = context.make_node("Erf", node.input, **facts)
            context.make_node("Sub", [one.output[0], erf.output[0]], name=name, outputs=[output], **facts)

    return {}


FORMATS: dict[str, Format] = {
    "savedmodel": Format("tf_saved_model", "", 1e-4, None, _load_savedmodel, float32=False),
    # One at a time: for any number, LiteRT has no LSTM, and few accelerators support the other models.
    "litert": Format(
        "litert",
        LITERT,
        1e-3,
        1,
        _load_litert,
        _litert_settings,
        packages=(LITERT_PACKAGE,),
        finish=_finish_litert,
    ),
    "onnx": Format(
        "onnx",
        ONNX,
        1e-3,
        None,
        _load_onnx,
        _onnx_settings,
        packages=("tf2onnx", "onnx", ONNX_PACKAGE),
        finish=_finish_onnx,
        tell=_tell_onnx,
    ),
}
