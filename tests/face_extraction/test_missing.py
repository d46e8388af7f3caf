"""Advice to install an extra: it names one that exists, and no package of an index."""

import re
from configparser import ConfigParser
from pathlib import Path

from face_extraction.missing import extra, missing_package

ROOT = Path(__file__).parents[2]


def _sources():
    for folder in ("dfdetect", "face_extraction", "tuning"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, path.read_text(encoding="utf-8")


def test_every_extra_that_errors_name_exists():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    named = {name for _, text in _sources() for name in re.findall(r"\{extra\('([^']+)'\)\}", text)}
    assert {"onnx", "export", "heic"} <= named <= set(setup["options.extras_require"])
    assert extra("onnx") == "pip install '.[onnx]' in the folder of dfdetect"


def test_nothing_asks_an_index_for_dfdetect():
    docs = [
        (path, path.read_text(encoding="utf-8")) for path in (ROOT / "README.md", *ROOT.glob("docs/*.md"))
    ]
    assert [path for path, text in (*_sources(), *docs) if "dfdetect[" in text] == []


def test_a_backend_that_is_not_there_is_named_with_what_is_accepted(monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert missing_package(ModuleNotFoundError("No module named 'torch'", name="torch")) == 2
    assert capsys.readouterr().err.startswith("dfdetect: KERAS_BACKEND=torch: that package is not installed")
    assert missing_package(ModuleNotFoundError("No module named 'cv2'", name="cv2")) == 2
    assert "the package cv2 is not installed" in capsys.readouterr().err
