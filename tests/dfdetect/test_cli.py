"""What a person sees at the start of a command, and when the start fails."""

import subprocess
import sys


def stderr_of(*command):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.splitlines()


def test_an_error_after_keras_was_imported_is_the_only_line(tmp_path):
    status, lines = stderr_of("-m", "dfdetect.evaluate", str(tmp_path))
    assert status == 2
    assert lines == [f"python -m dfdetect.evaluate: {tmp_path}: not a run folder (it has no recipe.toml)"]


def test_what_a_failing_import_printed_is_shown():
    code = """
import os, sys
sys.modules["keras"] = None
from dfdetect import cli
from face_extraction.errors import InputError
with cli.held_back():
    os.write(2, b"kept from view\\n")
try:
    with cli.held_back():
        os.write(2, b"kept from view too\\n")
        raise InputError("says all")
except InputError:
    pass
with cli.held_back():
    os.write(2, b"the library is missing\\n")
    cli.load_keras()
"""
    status, lines = stderr_of("-c", code)
    assert status == 1
    assert lines[0] == "the library is missing"
    assert lines[-1].startswith("ModuleNotFoundError")
    assert "kept from view" not in lines
