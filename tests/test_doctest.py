"""The examples in the docstrings of the public names run."""

import doctest
import importlib

import pytest

EXAMPLES = {
    "dfdetect.recipe": "Recipe",
    "dfdetect.models.build": "build_model",
    "dfdetect.models.registry": "list_models",
    "dfdetect.metrics.estimates": "compute_metrics",
    "dfdetect.predict.detector": "Detector",
    "face_extraction.manifest": "read_manifest",
}


@pytest.mark.parametrize(("module", "name"), EXAMPLES.items(), ids=EXAMPLES.values())
def test_the_example_runs(module, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home = importlib.import_module(module)
    (test,) = doctest.DocTestFinder(recurse=False).find(getattr(home, name), name, home, dict(vars(home)))
    assert test.examples, f"{name} has no example"
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert not said, "".join(said)
