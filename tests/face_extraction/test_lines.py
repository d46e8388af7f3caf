"""Only whole lines count, and a torn one is cut off, however long it is."""

import pytest

from face_extraction import lines
from face_extraction.lines import cut_torn_line, torn_line, whole_lines


@pytest.mark.parametrize(
    ("content", "whole", "torn"),
    [
        (b"", [], b""),
        (b"a\n", [(1, b"a\n")], b""),
        (b"a\n\nbc", [(1, b"a\n"), (2, b"\n")], b"bc"),
        (b"abcdefghijk", [], b"abcdefghijk"),
        (b"abcdefgh\nijklmnop", [(1, b"abcdefgh\n")], b"ijklmnop"),
        (b"abc\n" + b"d" * 7, [(1, b"abc\n")], b"d" * 7),
    ],
)
@pytest.mark.parametrize("block", [1, 4, 1 << 16])
def test_a_torn_line_is_told_from_whole_ones(tmp_path, monkeypatch, content, whole, torn, block):
    monkeypatch.setattr(lines, "BLOCK", block)
    path = tmp_path / "rows"
    path.write_bytes(content)
    assert list(whole_lines(path)) == whole
    with path.open("r+b") as handle:
        assert torn_line(handle) == torn
        cut_torn_line(handle)
        handle.write(b"next\n")
    assert path.read_bytes() == b"".join(line for _, line in whole) + b"next\n"
