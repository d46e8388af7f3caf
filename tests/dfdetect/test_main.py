"""The package's surface: public names and commands, without the price of Keras."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dfdetect
from dfdetect.__main__ import COMMANDS, main


def test_public_names_are_there():
    for name in dfdetect.__all__:
        assert getattr(dfdetect, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Detektor'"):
        _ = dfdetect.Detektor


def test_importing_the_package_and_a_recipe_loads_no_keras():
    code = "import sys, dfdetect; dfdetect.Recipe(); dfdetect.list_models(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"keras", "tensorflow", "dlib", "cv2", "numpy"} & set(done.stdout.split())


def test_all_commands_are_listed_with_what_they_do(capsys):
    root = Path(dfdetect.__file__).parents[1]
    runnable = {
        ".".join(file.parent.relative_to(root).parts)
        for package in ("dfdetect", "face_extraction", "tuning")
        for file in (root / package).rglob("__main__.py")
    }
    assert {module for module, _ in COMMANDS.values()} == runnable - {"dfdetect"}
    assert main([]) == 0
    assert re.search(r"^  train +train a detector$", capsys.readouterr().out, re.MULTILINE)
    assert main(["trian"]) == 2
    assert "nearest: train" in capsys.readouterr().err


def test_a_command_is_run_by_its_name(capsys, tmp_path):
    assert main(["evaluate", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("python -m dfdetect.evaluate: ")


def test_a_missing_package_is_one_line(tmp_path):
    (tmp_path / "tomli_w.py").write_text("raise ModuleNotFoundError(name='tomli_w')")
    for start in (["dfdetect.train"], ["dfdetect", "train"], ["tuning"]):
        done = subprocess.run(
            [sys.executable, "-m", *start, "--help"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        )
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
        assert "the package tomli_w is not installed" in done.stderr


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("report", "extract")])
def test_every_command_tells_its_exit_statuses(name, capsys):
    """The tasks of `report` do, each in a help of its own."""
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    assert "\nexit status: 0 " in capsys.readouterr().out


@pytest.mark.parametrize("package", ["dfdetect.predict", "dfdetect.train", "tuning.job"])
def test_processes_share_a_gpu_unless_the_user_set_it_otherwise(package):
    names = ("TF_FORCE_GPU_ALLOW_GROWTH", "XLA_PYTHON_CLIENT_PREALLOCATE")
    bare = {name: value for name, value in os.environ.items() if name not in names}
    code = f"import {package}, os; print(*(os.environ[name] for name in {names}))"
    for given, expected in (((), "true false"), (("false", "true"), "false true")):
        environment = bare | dict(zip(names, given, strict=False))
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == expected
