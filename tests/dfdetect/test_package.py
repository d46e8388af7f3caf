"""The package's surface: public names and commands, without the price of Keras."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import dfdetect
from dfdetect.__main__ import commands, main

COMMANDS = [name for name, _ in commands()]


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
    folder = Path(dfdetect.__file__).parent
    files = [*folder.glob("*.py"), *folder.glob("*/__main__.py")]
    runnable = {
        file.parent.name if file.stem == "__main__" else file.stem
        for file in files
        if file != folder / "__main__.py" and '__name__ == "__main__"' in file.read_text()
    }
    assert set(COMMANDS) == runnable
    assert main([]) == 0
    assert "python -m dfdetect.train     train a detector." in capsys.readouterr().out
    assert main(["train"]) == 2
    assert "accepted: python -m dfdetect.train" in capsys.readouterr().err
    assert main(["trian"]) == 2
    assert "nearest: train" in capsys.readouterr().err


@pytest.mark.parametrize("name", [*(name for name in COMMANDS if name != "report"), "tuning"])
def test_every_command_tells_its_exit_statuses(name, capsys):
    """The tasks of `report` do, each in a help of its own."""
    places = {"models": "dfdetect.models.__main__", "tuning": "tuning.__main__"}
    with pytest.raises(SystemExit) as stop:
        import_module(places.get(name, f"dfdetect.{name}")).main(["--help"])
    assert stop.value.code == 0
    assert "\nexit status: 0 " in capsys.readouterr().out
