"""Every --help answers at once: it loads none of the packages that take seconds."""

import json
import subprocess
import sys
from pathlib import Path

from dfdetect.__main__ import COMMANDS

BENCHMARKS = [
    f"benchmarks.{path.stem}"
    for path in sorted((Path(__file__).parents[1] / "benchmarks").glob("*.py"))
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8") and path.stem != "worker"
]
"""All but the worker, which other benchmarks start."""
SHOW = """
import contextlib, importlib, io, json, sys

for name in sys.argv[1:]:
    shown, sys.argv = io.StringIO(), [name, "--help"]
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        importlib.import_module(name).main()
    print(json.dumps([name, shown.getvalue()[:6], sorted(sys.modules)]))
"""


def loaded(names: list[str]) -> dict[str, set[str]]:
    """The modules that are loaded when each of these has shown its help, one after the other."""
    done = subprocess.run([sys.executable, "-c", SHOW, *names], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(name, shown) for name, shown, _ in lines] == [(name, "usage:") for name in names]
    return {name: set(modules) for name, _, modules in lines}


def test_no_help_loads_keras_tensorflow_dlib_or_opencv():
    commands = ["dfdetect.__main__", *(f"{module}.__main__" for module, _ in COMMANDS.values())]
    found = loaded([*commands, *BENCHMARKS])
    assert len(found) > 25
    slow = {"keras", "tensorflow", "dlib", "cv2", "sklearn", "onnxruntime"}
    assert {name: slow & modules for name, modules in found.items() if slow & modules} == {}
