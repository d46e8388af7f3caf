"""The audit's benchmark names itself as it is called."""

import sys

import pytest

from benchmarks import audit


def test_the_help_shows_the_call(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["anything", "--help"])
    with pytest.raises(SystemExit):
        audit.main()
    assert capsys.readouterr().out.startswith("usage: python -m benchmarks.audit ")
