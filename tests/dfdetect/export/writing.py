"""Exports written through the command."""

from dfdetect.export import __main__ as export

NAMES = {"savedmodel": "model", "litert": "model.tflite", "onnx": "model.onnx"}


def written(runs, name, form, out, *more):
    """The export's path, after it was written."""
    path = out / NAMES[form]
    assert export.main([str(runs / name), "--format", form, "--out", str(path), *more]) == 0
    return path
