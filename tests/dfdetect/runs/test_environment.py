"""What is told of the code that made a run."""

import platform
import subprocess
import sys
from importlib.metadata import version
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from dfdetect.runs.environment import describe, git_commit, versions


@pytest.mark.parametrize(
    ("platforms", "devices"), [(("cpu",), ["CPU"]), (("cpu", "gpu", "gpu"), ["Name of gpu", "Name of gpu"])]
)
def test_accelerators_are_told_by_name_on_jax(monkeypatch, platforms, devices):
    found = [SimpleNamespace(platform=name, device_kind=f"Name of {name}") for name in platforms]
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(local_devices=lambda: found))
    assert describe()["devices"] == devices


def test_versions_are_those_of_what_computes_the_scores():
    whole, light = versions(), versions("onnxruntime")
    for told in (whole, light):
        assert (told["python"], told["numpy"]) == (platform.python_version(), np.__version__)
    assert (whole["backend"], whole["keras"]) == (keras.backend.backend(), keras.__version__)
    assert (light["backend"], light["onnxruntime"]) == ("onnxruntime", version("onnxruntime"))
    assert not {"keras", "tensorflow", "jax"} & light.keys()


def test_the_commit_says_whether_the_code_changed_since(tmp_path):
    def git(*arguments):
        name = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *name, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    package = tmp_path / "dfdetect"
    for path in (package / "environment.py", tmp_path / "tuning" / "a.py", tmp_path / "reports" / "a.jsonl"):
        path.parent.mkdir()
        path.write_text("old")
    assert git_commit(package) == ""
    git("init")
    assert git_commit(package) == ""
    git("add", "-A")
    git("commit", "-m", "first")
    commit = git("rev-parse", "HEAD")
    assert git_commit(package) == commit

    (tmp_path / "reports" / "a.jsonl").write_text("new")
    (tmp_path / "notes.txt").write_text("new")
    assert git_commit(package) == commit
    (package / "new.py").write_text("new")
    assert git_commit(package) == commit + "+"
    (package / "new.py").unlink()
    (tmp_path / "tuning" / "a.py").write_text("new")
    assert git_commit(package) == commit + "+"
