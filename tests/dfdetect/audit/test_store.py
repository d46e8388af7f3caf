"""What was read of crops is kept, also when several audits keep it in one file."""

import sqlite3
from contextlib import suppress

import pytest

from dfdetect.audit import store as module
from dfdetect.audit.store import open_store
from face_extraction.errors import InputError


def _print(number):
    return f"{number}.png", number, 0, bytes([number] * 16), b"thumb"


def test_two_audits_use_one_file_at_once(tmp_path):
    path = tmp_path / "new" / "cache.sqlite"

    with open_store(path) as one, open_store(path) as other:
        one.add_prints([_print(1)])
        other.add_prints([_print(2)])
        one.add_encodings([(b"a", b"1")])
        other.add_encodings([(b"b", b"2"), (b"a", b"1")])

    with open_store(path) as store:
        assert sorted(store.prints()) == [_print(1), _print(2)]
        assert store.encodings([b"a", b"b", b"c"]) == {b"a": b"1", b"b": b"2"}


def test_what_was_added_is_kept_though_the_audit_ends(tmp_path):
    with suppress(KeyboardInterrupt), open_store(tmp_path / "cache.sqlite") as store:
        store.add_prints([_print(1)])
        raise KeyboardInterrupt

    with open_store(tmp_path / "cache.sqlite") as store:
        assert list(store.prints()) == [_print(1)]


def test_a_file_that_stays_locked_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)
    path = tmp_path / "cache.sqlite"
    with open_store(path):
        pass
    locked = sqlite3.connect(path)
    locked.execute("BEGIN EXCLUSIVE")

    with pytest.raises(InputError, match=r"cache.sqlite: cannot be used .* \(database is locked\)"):  # noqa: SIM117
        with open_store(path) as store:
            store.add_prints([_print(1)])
    locked.close()
