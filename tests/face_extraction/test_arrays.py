"""Archives of arrays: what is damaged, packed or none is refused in a line, before it fills the memory."""

import re

import numpy as np
import pytest

from face_extraction.arrays import open_arrays
from face_extraction.errors import InputError


def test_names_shapes_and_values(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, one=np.arange(6, dtype=np.float32).reshape(2, 3), words=np.array(["a", "bc"]))
    with open_arrays(path, "an archive") as arrays:
        assert arrays.names == ["one", "words"]
        assert arrays.header("one") == ((2, 3), np.dtype(np.float32))
        np.testing.assert_array_equal(arrays.read("one", 24), [[0, 1, 2], [3, 4, 5]])
        assert arrays.read("words").tolist() == ["a", "bc"]


def test_a_packed_array_is_refused_by_its_size(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, large=np.zeros(10**6))
    assert path.stat().st_size < 20_000
    with open_arrays(path, "an archive") as arrays:
        assert arrays.header("large") == ((10**6,), np.dtype(np.float64))
        with pytest.raises(ValueError, match="large is too large"):
            arrays.read("large", 8 * 10**5)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 torn", b"\x93NUMPY"])
def test_other_files_are_one_line(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with (
        pytest.raises(InputError, match=re.escape(str(path)) + r": not an archive \(.+\); delete it$"),
        open_arrays(path, "an archive", "delete it"),
    ):
        pass


def test_a_bare_array_and_pickled_objects_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    with path.open("wb") as handle:
        np.save(handle, np.zeros(3))
    with pytest.raises(InputError, match="not an archive"), open_arrays(path, "an archive"):
        pass
    np.savez(path, thing=np.array([object()], dtype=object))
    for use in ("read", "header"):
        with open_arrays(path, "an archive") as arrays, pytest.raises(ValueError, match="pickle"):
            getattr(arrays, use)("thing")
