"""The command: its flags, what it says, and what it needs."""

import importlib.util
import socket

import pytest

from dfdetect.predict.detector import Detector
from dfdetect.serve import __main__ as command


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ("--port 70000", "--port 70000; accepted: 0 to 65,535"),
        ("--queue 0", "--queue 0; accepted: 1 or more"),
        ("--workers 0", "--workers 0; accepted: 1 to 1,024"),
        ("--max-seconds 0", "--max-seconds 0; accepted: more than 0"),
        ("--max-megabytes inf", "--max-megabytes inf; accepted: more than 0"),
        ("--max-megapixels nan", "--max-megapixels nan; accepted: more than 0"),
        ("--api-key=", "--api-key is empty; accepted: a key, or no --api-key"),
        ("--api-key=clé", "--api-key: a key that no header can hold; accepted: letters, digits and signs"),
        ("--host 203.0.113.7", "--host 203.0.113.7 --port 8000: "),
        ("--port 0 no-such-run", "no-such-run"),
    ],
)
def test_a_wrong_value_is_one_line(flags, told, capsys):
    assert command.main(flags.split()) == 2
    line = capsys.readouterr().err
    assert told in line
    assert line.count("\n") == 1


def test_the_key_of_the_environment_is_checked_too(capsys, monkeypatch):
    monkeypatch.setenv(command.KEY_VARIABLE, "secret ")
    assert command.main([]) == 2
    assert f"{command.KEY_VARIABLE}: a key that no header can hold" in capsys.readouterr().err
    monkeypatch.setenv(command.KEY_VARIABLE, "two words!")
    assert (command._key(None), command._key("given")) == ("two words!", "given")


def test_a_port_that_is_taken_is_told_before_the_model_is_loaded(capsys, monkeypatch):
    monkeypatch.setattr(Detector, "default", lambda: pytest.fail("loaded"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert command.main(["--port", str(port)]) == 2
    assert f"--port {port}: Address already in use" in capsys.readouterr().err


def test_what_is_not_installed_is_told_with_the_remedy(capsys, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "uvicorn" else find(name))
    assert command.main([]) == 2
    assert "the service needs uvicorn: pip install '.[serve]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("is_open", "has_key", "told"),
    [
        (False, False, "Only this computer can reach it; no file leaves it."),
        (True, False, "Nobody is asked for a key: give --api-key."),
        (True, True, "They need the API key."),
    ],
)
def test_it_says_who_can_reach_it(is_open, has_key, told, capsys):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command._tell(listener, is_open, has_key, "small")
        port = listener.getsockname()[1]
    said = capsys.readouterr().out
    assert f"the detector small at http://127.0.0.1:{port} " in said
    assert told in said
