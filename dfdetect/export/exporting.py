"""Exports: a run's model for programs without dfdetect, checked against the run's own scores.

SavedModel and LiteRT are TensorFlow's formats, so this file uses `tf.`. The functions import it and Keras, so
that the command can refuse wrong use before that slow import.
"""

import errno
import importlib
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from face_extraction.atomic import TEMPORARY, naming
from face_extraction.digest import file_digest
from face_extraction.errors import InputError, one_line
from face_extraction.json_file import parse_json
from face_extraction.settings import read_settings

if TYPE_CHECKING:
    import keras

    from dfdetect.runs.folder import Run

Array = NDArray[np.float32]

OUTPUT = "p_fake"
KERAS_OUTPUT = "output_0"  # what Keras calls the output in a SavedModel's signature
# TensorFlow's errors of a full disk, of a quota and of a limit are no OSErrors.
_DISK_FULL = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
DRAWN = 4  # random inputs on which an export is checked


@dataclass(frozen=True)
class Format:
    """An export format.

    Attributes:
        keras: its name in `keras.Model.export`.
        suffix: the ending of the export's name; "" for a folder.
        tolerance: the largest accepted difference from the run's own scores.
        batch: how many images or clips the export takes at once; None for any number.
        load: loads an export from its path, as a function from inputs to scores.
        settings: gives further arguments of `keras.Model.export`.
        float32: true if the format needs a model that computes in float32.
        packages: the packages it needs, which the extra of its name installs.
        rename: names the output of a written export `p_fake`; None where it has to keep Keras' name.
    """

    keras: str
    suffix: str
    tolerance: float
    batch: int | None
    load: Callable[[Path], Callable[[Array], Array]]
    settings: Callable[[], Mapping[str, Any]] = dict
    float32: bool = True
    packages: tuple[str, ...] = ()
    rename: Callable[[Path], None] | None = None


@dataclass(frozen=True)
class Export:
    """A written export.

    Attributes:
        path: the export, a file or a folder.
        about: the JSON file beside it.
        difference: the largest difference between its scores and the run's own.
        threshold: the run's threshold.
    """

    path: Path
    about: Path
    difference: float
    threshold: float


def check(name: str, out: Path, *, overwrite: bool) -> None:
    """Refuse wrong use before a model is loaded.

    Args:
        name: one of `FORMATS`.
        out: the path of the export.
        overwrite: whether it may replace an older export.

    Raises:
        InputError: a package is missing, the name of `out` does not fit the format, or it exists.
    """
    form = FORMATS[name]
    missing = [package for package in form.packages if find_spec(package) is None]
    if missing:
        raise InputError(f"--format {name} needs {', '.join(missing)}; pip install 'dfdetect[{name}]'")
    if not out.name.endswith(form.suffix):
        raise InputError(f"--out {out}; accepted for {name}: a name that ends in {form.suffix}")
    about = _about(out)
    if overwrite and (out.exists() or about.exists()) and not _tells_of_an_export(about):
        raise InputError(f"{out}: not an export (no {about.name} of an export beside it); give another --out")
    if not overwrite:
        for path in (out, about):
            if path.exists():
                raise InputError(f"{path}: already exists; give another --out, or --overwrite")


def export(run: "Run", name: str, out: Path, *, overwrite: bool = False) -> Export:
    """Write a finished run's model and its JSON file, both or neither.

    Args:
        run: the run, of one model or an ensemble.
        name: one of `FORMATS`.
        out: the export, a file or a folder; its JSON file has the same name plus `.json`.
        overwrite: replace an older export.

    Raises:
        InputError: see `check`; or the run is not finished, its model does not fit the format, or the
            export, loaded again, scores random inputs differently from the run.
    """
    import keras

    from dfdetect.runs.build import load_model
    from face_extraction.json_file import write_json

    form = FORMATS[name]
    check(name, out, overwrite=overwrite)
    threshold = run.threshold()
    if keras.backend.backend() != "tensorflow":
        raise InputError(f"KERAS_BACKEND={keras.backend.backend()}; exports accept: tensorflow")
    model = load_model(run)
    if form.float32 and (other := _precisions(model) - {"float32"}):
        raise InputError(f"{run.folder}: computes in {', '.join(sorted(other))}; {name} accepts float32")
    about = _about(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with naming(out), tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=out.parent) as staging:
        made, told = (Path(staging) / path.name for path in (out, about))
        rgb = draw(model.input_shape[1:])
        try:
            scores = _convert(model, form, made, rgb)
        except OSError:
            raise
        # The converters' errors have no common base class; nothing else is tried here.
        except Exception as error:
            if full := next((words for words in _DISK_FULL if words in str(error)), ""):
                raise InputError(f"{out}: {full}") from error
            raise InputError(f"{run.folder}: cannot be written as {name}: {_line(error)}") from error
        difference = float(np.max(np.abs(scores - np.asarray(model.predict_on_batch(rgb)))))
        if not difference <= form.tolerance:  # NaN is refused too
            raise InputError(
                f"{run.folder}: as {name}, its scores differ by {difference:.2g} from the run's own; "
                f"accepted: {form.tolerance:g}; nothing was written"
            )
        write_json(told, _facts(run, model, name, threshold, difference))
        # After a kill at any moment, no export is beside the JSON file of another. An older export is
        # deleted with the staging folder.
        if out.exists():
            out.rename(Path(staging) / "older")
        told.replace(about)
        made.rename(out)
    return Export(out, about, difference, threshold)


def draw(shape: tuple[int, ...]) -> Array:
    """Random inputs for the check: noise between two levels of its own, 0..255, float32 (DRAWN, *shape)."""
    rng = np.random.default_rng(0)
    low, high = np.sort(rng.uniform(0, 255, (2, DRAWN, *(1 for _ in shape))), axis=0)
    return np.round(rng.uniform(low, high, (DRAWN, *shape))).astype(np.float32)


def _about(out: Path) -> Path:
    return out.parent / f"{out.name}.json"


def _tells_of_an_export(about: Path) -> bool:
    """Whether a file is the JSON file of an export."""
    try:
        told = parse_json(about.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("format") in FORMATS and "check" in told


def _precisions(model: "keras.Model") -> set[str]:
    """The precisions that the layers compute in, with those of an ensemble's members."""
    return {str(layer.compute_dtype) for layer in model._flatten_layers(include_self=False)}


def _convert(model: "keras.Model", form: Format, path: Path, rgb: Array) -> Array:
    """Write the export, load it again, and return its scores of `rgb`."""
    import keras

    image = keras.InputSpec(shape=(form.batch, *model.input_shape[1:]), dtype="float32", name="image")
    with warnings.catch_warnings():
        # Converters warn about their internals, such as a moved interpreter or a name removed from NumPy.
        warnings.simplefilter("ignore")
        model.export(path, form.keras, verbose=False, input_signature=[image], **form.settings())
        if form.rename:
            form.rename(path)
        score = form.load(path)
    step = form.batch or len(rgb)
    return np.concatenate([score(rgb[start : start + step]) for start in range(0, len(rgb), step)])


def _line(error: Exception) -> str:
    """A converter's error in one line: the operations that it lacks, if it names them."""
    lacking = sorted(set(re.findall(r"'tf\.(\w+)' op", str(error))))
    return f"it has no {', '.join(lacking)}" if lacking else one_line(error)


def _facts(
    run: "Run", model: "keras.Model", name: str, threshold: float, difference: float
) -> dict[str, Any]:
    """The facts that a program needs to use the export, and those that tell where it comes from."""
    from dfdetect.runs.environment import describe
    from dfdetect.runs.skill import note_told, skill_told
    from face_extraction.images import RESIZED_BY

    form, environment = FORMATS[name], run.environment()
    settings = read_settings(run.folder)
    versions = ("dfdetect", "git_commit", "python", "packages")
    return {
        "format": name,
        "model": run.recipe().model,
        "input": {
            "shape": [form.batch, *model.input_shape[1:]],
            "dtype": "float32",
            "channels": "RGB",
            "range": [0, 255],
            "resize": RESIZED_BY,
        },
        "output": {
            "name": OUTPUT if form.rename else KERAS_OUTPUT,
            "shape": [form.batch, 1],
            "range": [0, 1],
            "label": "1 = fake, 0 = real",
        },
        "skill": skill_told(run),
        "note": note_told(run),
        "threshold": threshold,
        "verdict": "fake if p_fake >= threshold, which was chosen on the run's validation split",
        # None: the crops came ready-made, and nobody knows how.
        "extraction": asdict(settings) if settings else None,
        "run": {
            "name": run.folder.resolve().name,
            "members": sorted(environment.get("members", {})),
            "manifest_sha256": environment["manifest_sha256"],
            "weights_sha256": file_digest(run.weights),
            **{fact: environment.get(fact) for fact in versions},
        },
        "exported_with": {fact: value for fact, value in describe().items() if fact in versions},
        "check": {"inputs": DRAWN, "largest_difference": difference, "accepted": form.tolerance},
    }


def _load_savedmodel(path: Path) -> Callable[[Array], Array]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return lambda rgb: np.asarray(loaded.serve(rgb))


def _load_litert(path: Path) -> Callable[[Array], Array]:
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    image, p_fake = (
        details[0]["index"] for details in (interpreter.get_input_details(), interpreter.get_output_details())
    )

    def score(rgb: Array) -> Array:
        interpreter.set_tensor(image, rgb)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(p_fake))

    return score


def _rename_litert(path: Path) -> None:
    """Name the output of the signature and its tensor."""
    # `import` finds no tools: TensorFlow puts another module in the place of tensorflow.lite.
    flatbuffers = importlib.import_module("tensorflow.lite.tools.flatbuffer_utils")
    model = flatbuffers.read_model(str(path))
    for signature in model.signatureDefs:
        signature.outputs[0].name = OUTPUT
    graph = model.subgraphs[0]
    graph.tensors[graph.outputs[0]].name = OUTPUT
    flatbuffers.write_model(model, str(path))


def _litert_settings() -> Mapping[str, Any]:
    """Only LiteRT's own operations, because with TensorFlow's each program would have to link those too."""
    import tensorflow as tf

    return {"target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}}


def _load_onnx(path: Path) -> Callable[[Array], Array]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    if len(names) > 1:  # tf2onnx turns some constants into inputs, and loses their values
        raise ValueError(f"it takes {', '.join(names)}, not only the image")
    return lambda rgb: np.asarray(session.run(None, {names[0]: rgb})[0])


def _rename_onnx(path: Path) -> None:
    """Name the graph's output, and the value of the node that gives it."""
    import onnx

    model = onnx.load(str(path))
    (output,) = model.graph.output
    for node in model.graph.node:
        node.input[:] = [OUTPUT if name == output.name else name for name in node.input]
        node.output[:] = [OUTPUT if name == output.name else name for name in node.output]
    output.name = OUTPUT
    onnx.save(model, str(path))


def _onnx_settings() -> Mapping[str, Any]:
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
    "litert": Format("litert", ".tflite", 1e-3, 1, _load_litert, _litert_settings, rename=_rename_litert),
    "onnx": Format(
        "onnx",
        ".onnx",
        1e-3,
        None,
        _load_onnx,
        _onnx_settings,
        packages=("tf2onnx", "onnx", "onnxruntime"),
        rename=_rename_onnx,
    ),
}
