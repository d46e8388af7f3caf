"""TOML files are read, or refused in one line."""

import pytest

from face_extraction.errors import InputError
from face_extraction.toml import read_toml


def test_the_content_comes_back(tmp_path):
    (tmp_path / "a.toml").write_text("x = 1\n[y]\nz = 'ü'\n", encoding="utf-8")
    assert read_toml(tmp_path / "a.toml") == {"x": 1, "y": {"z": "ü"}}


def test_a_byte_order_mark_is_no_part_of_the_content(tmp_path):
    (tmp_path / "a.toml").write_text("x = 1\n", encoding="utf-8-sig")
    assert read_toml(tmp_path / "a.toml") == {"x": 1}


@pytest.mark.parametrize("content", [b"x", b"\xff", b"x = " + b"[" * 100_000, b"x = " + b"9" * 10_000])
def test_anything_else_is_one_line_that_names_the_file(tmp_path, content):
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.toml: not a TOML file") as error:
        read_toml(tmp_path / "a.toml")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"a\.toml: no such file"):
        read_toml(tmp_path / "a.toml")
