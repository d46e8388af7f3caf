"""Prints of crops are read anew where a crop has changed, and only there."""

import os

import pytest

from dfdetect.leakage import prints as module
from dfdetect.leakage.prints import read_prints


@pytest.mark.parametrize("changed", ["size", "time", "nothing"])
def test_a_crop_is_read_anew_where_its_size_or_time_has_changed(tmp_path, plant, face, monkeypatch, changed):
    path, cache = plant(face(1), "a", "train").path, tmp_path / "cache.sqlite"
    before = read_prints(tmp_path, [path], cache)
    old = (tmp_path / path).stat()
    if changed == "size":
        plant(face(2, 48), "a", "train")
        assert (tmp_path / path).stat().st_size != old.st_size
    later = old.st_mtime_ns + (10**9 if changed == "time" else 0)
    os.utime(tmp_path / path, ns=(later, later))
    reads, read = [], module._read
    monkeypatch.setattr(module, "_read", lambda *given: reads.append(given) or read(*given))

    after = read_prints(tmp_path, [path], cache)

    assert len(reads) == (changed != "nothing")
    assert (after.digests == before.digests) == (changed != "size")
