"""Exports: a run's model for programs without dfdetect, checked against the run's own scores.

The functions import Keras and TensorFlow, so that the command can refuse wrong use before that slow import.
"""

import errno
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from dfdetect.export.formats import (
    FLOAT16,
    FLOAT32,
    FORMATS,
    INT8,
    KERAS_OUTPUT,
    OUTPUT,
    Array,
    Format,
    Numbers,
)
from dfdetect.out_folder import check_writable
from dfdetect.runs.exported import about_file
from face_extraction.atomic import TEMPORARY, naming
from face_extraction.digest import file_digest
from face_extraction.errors import InputError, one_line
from face_extraction.json_file import parse_json, write_json
from face_extraction.missing import extra

if TYPE_CHECKING:
    import keras

    from dfdetect.data.opening import Data
    from dfdetect.export.cost import Cost
    from dfdetect.runs.folder import Run

# TensorFlow's errors of a full disk, of a quota and of a limit are no OSErrors.
_DISK_FULL = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
RANDOM = 4  # random inputs on which an export is checked
SEEN = 32  # faces on which an int8 export is checked, at most: its ranges fit faces, not noise
_SMALLER = tuple(name for name, form in FORMATS.items() if form.finish)
# The largest accepted difference of float16; the largest mean difference of int8.
_SMALLER_WITHIN = {FLOAT16: 0.05, INT8: 0.1}


@dataclass(frozen=True)
class Wanted:
    """What to write.

    Attributes:
        format: one of `FORMATS`.
        numbers: "float32", "float16" or "int8".
        manifest: faces whose val split gives the ranges of whole numbers, and whose test split measures
            what the smaller numbers cost; None for the run's own, which then are not scored again.
        overwrite: replace an older export.
    """

    format: str
    numbers: str = FLOAT32
    manifest: Path | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Export:
    """A written export.

    Attributes:
        path: the export, a file or a folder.
        about: the JSON file beside it.
        difference: between its scores and the run's own: the largest of random inputs, or with "int8" the
            mean over faces of the val split.
        cuts: between the levels of evidence, by kind of file, for calibrated scores; none if the run has no
            calibration.
        cost: in AUC, on the test split of the manifest that was given; None without one.
    """

    path: Path
    about: Path
    difference: float
    cuts: Mapping[str, Mapping[str, Any]]
    cost: "Cost | None" = None


def check(wanted: Wanted, out: Path) -> None:
    """Refuse wrong use before a model is loaded.

    Args:
        wanted: what to write.
        out: the path of the export.

    Raises:
        InputError: a package is missing, the name of `out` does not fit the format, or it exists or cannot be
            written.
    """
    name, form = wanted.format, FORMATS[wanted.format]
    missing = [package for package in form.packages if find_spec(package) is None]
    if missing:
        raise InputError(f"--format {name} needs {', '.join(missing)}: {extra('export')}")
    if not out.name.endswith(form.suffix):
        raise InputError(f"--out {out}; accepted for {name}: a name that ends in {form.suffix}")
    if wanted.numbers != FLOAT32 and not form.finish:
        raise InputError(f"--{wanted.numbers} with --format {name}; accepted: {', '.join(_SMALLER)}")
    check_writable(out.parent)
    about = about_file(out)
    if wanted.overwrite and (out.exists() or about.exists()) and not _tells_of_an_export(about):
        raise InputError(f"{out}: not an export (no {about.name} of an export beside it); give another --out")
    if not wanted.overwrite:
        for path in (out, about):
            if path.exists():
                raise InputError(f"{path}: already exists; give another --out, or --overwrite")


def export(run: "Run", wanted: Wanted, out: Path) -> Export:
    """Write a finished run's model and its JSON file, both or neither.

    Args:
        run: the run, of one model or an ensemble.
        wanted: what to write.
        out: the export, a file or a folder; its JSON file has the same name plus `.json`.

    Raises:
        InputError: see `check`; or the run is not finished, its model does not fit the format, or the
            export, loaded again, scores inputs differently from the run.
    """
    import keras

    from dfdetect.runs.build import load_model

    form = FORMATS[wanted.format]
    check(wanted, out)
    run.require_finished()
    if keras.backend.backend() != "tensorflow":
        raise InputError(f"KERAS_BACKEND={keras.backend.backend()}; exports accept: tensorflow")
    model = load_model(run)
    if form.float32 and (other := _precisions(model) - {"float32"}):
        raise InputError(
            f"{run.folder}: computes in {', '.join(sorted(other))}; {wanted.format} accepts float32"
        )
    data = _data(run, wanted) if wanted.manifest or wanted.numbers == INT8 else None
    faces = None
    if data and wanted.numbers == INT8:
        from dfdetect.export.cost import representative

        faces = representative(data, model)
    numbers = Numbers(wanted.numbers, faces)
    about = about_file(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with naming(out), tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=out.parent) as staging:
        made, told = (Path(staging) / path.name for path in (out, about))
        try:
            score = _convert(model, form, made, numbers)
        except (OSError, InputError):
            raise
        # The converters' errors have no common base class; nothing else is tried here.
        except Exception as error:
            if full := next((words for words in _DISK_FULL if words in str(error)), ""):
                raise InputError(f"{out}: {full}") from error
            raise InputError(f"{run.folder}: cannot be written as {wanted.format}: {_line(error)}") from error
        checked = _checked(run, wanted, model, numbers, score)
        cost = None
        if data and wanted.manifest:
            from dfdetect.export.cost import measure_cost

            cost = measure_cost(data, model, score)
        facts = _facts(run, model, wanted, checked, cost)
        write_json(told, facts)
        if form.tell:
            form.tell(made, told.read_text(encoding="utf-8"))
        # After a kill at any moment, no export is beside the JSON file of another. An older export is
        # deleted with the staging folder.
        if out.exists():
            out.rename(Path(staging) / "older")
        told.replace(about)
        made.rename(out)
    return Export(out, about, checked.difference, facts["cuts"], cost)


def _data(run: "Run", wanted: Wanted) -> "Data":
    """The faces that an export is made and measured with.

    The run's own have the split of its training, which its recipe may draw: what it was trained on must not
    tell what the export costs.

    Raises:
        InputError: there are none.
    """
    from dfdetect.data.opening import open_data, open_manifest

    recipe = run.located()
    if wanted.manifest:
        data = open_manifest(wanted.manifest)
        own = data.digest == run.environment()["manifest_sha256"]
        return open_data(replace(recipe, manifest=str(wanted.manifest))) if own else data
    if recipe.manifest and not Path(recipe.manifest).exists():
        raise InputError(
            f"{run.folder}: --int8 needs faces to take its ranges from; give --manifest, the run's is gone"
        )
    return open_data(recipe)


class _Check(NamedTuple):
    """How an export was checked.

    Attributes:
        inputs: how many inputs both scored.
        difference: as in `Export`.
    """

    inputs: int
    difference: float


def _checked(
    run: "Run", wanted: Wanted, model: "keras.Model", numbers: Numbers, score: Callable[[Array], Array]
) -> _Check:
    """How far the export's scores are from the run's own.

    Raises:
        InputError: too far.
    """
    rgb = draw(model.input_shape[1:]) if numbers.faces is None else numbers.faces[:SEEN]
    gaps = np.abs(score(rgb) - np.asarray(model.predict_on_batch(rgb)))
    difference = float(gaps.max() if numbers.faces is None else gaps.mean())
    accepted = _tolerance(wanted)
    if not difference <= accepted:  # NaN is refused too
        raise InputError(
            f"{run.folder}: as {wanted.format}, its scores differ by {difference:.2g} from the run's own; "
            f"accepted: {accepted:g}; nothing was written"
        )
    return _Check(len(rgb), difference)


def _tolerance(wanted: Wanted) -> float:
    return _SMALLER_WITHIN.get(wanted.numbers, FORMATS[wanted.format].tolerance)


def draw(shape: tuple[int, ...]) -> Array:
    """The same random inputs for each check: float32 of shape (RANDOM, *shape).

    Each input is noise, in whole numbers, between two random levels from 0 to 255.

    Args:
        shape: of one input.
    """
    rng = np.random.default_rng(0)
    low, high = np.sort(rng.uniform(0, 255, (2, RANDOM, *(1 for _ in shape))), axis=0)
    return np.round(rng.uniform(low, high, (RANDOM, *shape))).astype(np.float32)


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


def _convert(model: "keras.Model", form: Format, path: Path, numbers: Numbers) -> Callable[[Array], Array]:
    """Write the export and load it again, as a function from inputs to scores."""
    import keras

    image = keras.InputSpec(shape=(form.batch, *model.input_shape[1:]), dtype="float32", name="image")
    with warnings.catch_warnings():
        # Converters warn about their internals, such as a moved interpreter or a name removed from NumPy.
        warnings.simplefilter("ignore")
        model.export(path, form.keras, verbose=False, input_signature=[image], **form.settings(numbers))
        if form.finish:
            form.finish(path, numbers)
        return form.load(path)


def _line(error: Exception) -> str:
    """A converter's error in one line: the operations that it lacks, if it names them."""
    lacking = sorted(set(re.findall(r"'tf\.(\w+)' op", str(error))))
    return f"it has no {', '.join(lacking)}" if lacking else one_line(error)


def _facts(
    run: "Run", model: "keras.Model", wanted: Wanted, checked: _Check, cost: "Cost | None"
) -> dict[str, Any]:
    """What a program needs to use the export, and what tells where it comes from; see `runs.about`."""
    from dfdetect.runs.about import about_run
    from dfdetect.runs.environment import describe
    from face_extraction.images import RESIZED_BY

    form, environment = FORMATS[wanted.format], run.environment()
    about = about_run(run)
    versions = ("dfdetect", "git_commit", "python", "packages")
    return {
        **msgspec.to_builtins(about),
        "format": wanted.format,
        "model": run.recipe().model,
        "numbers": wanted.numbers,
        "input": {
            "shape": [form.batch, *model.input_shape[1:]],
            "dtype": "float32",
            "channels": "RGB",
            "range": [0, 255],
            "resize": RESIZED_BY,
        },
        "output": {
            "name": OUTPUT if form.finish else KERAS_OUTPUT,
            "shape": [form.batch, 1],
            "range": [0, 1],
            "label": "1 = fake, 0 = real",
        },
        "note": " ".join(filter(None, [about.note, _smaller_note(wanted, checked.difference)])),
        "threshold": run.threshold(),
        "verdict": "of a calibrated score: substantial evidence from cuts.upper on, little below cuts.lower",
        "run": {
            "name": run.name,
            "members": sorted(environment.get("members", {})),
            "manifest_sha256": environment["manifest_sha256"],
            "weights_sha256": file_digest(run.weights),
            **{fact: environment.get(fact) for fact in versions},
        },
        "exported_with": {fact: value for fact, value in describe().items() if fact in versions},
        "check": {**checked._asdict(), "accepted": _tolerance(wanted)},
        "cost": {"n": cost.n, "auc_before": cost.before, "auc_after": cost.after} if cost else None,
    }


def _smaller_note(wanted: Wanted, difference: float) -> str:
    if wanted.numbers != INT8:
        return ""
    return (
        f"This export computes in 8 bits: its scores are {difference:.2g} off the run's on average, and the "
        "cuts were chosen for the run's."
    )
