"""The committed reports: what a reader sees follows from what was typed in and measured."""

from pathlib import Path

from dfdetect import report

ROOT = Path(__file__).resolve().parents[3]


def test_the_committed_tables_are_those_that_would_be_rendered_now(monkeypatch):
    monkeypatch.chdir(ROOT)

    assert report.main(["tables", "--check"]) == 0
