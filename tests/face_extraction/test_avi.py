"""The list of frames at an AVI's end."""

import struct

import pytest

from face_extraction.avi import Chunk, before_cuts, listed
from face_extraction.frames import read_frames
from face_extraction.images import Unreadable

from .videos import paint, write

LISTED = [Chunk(4 + 100 * number, 92 - number) for number in range(6)]


def _shifted(*shifts):
    """The frames as found in a file, by how far each lies behind its listed place; None if it is gone."""
    pairs = zip(LISTED, shifts, strict=True)
    return [Chunk(one.at + shift, one.size) for one, shift in pairs if shift is not None]


@pytest.mark.parametrize(
    ("shifts", "cuts"),
    [
        ((8, 8, 8, 8, 8, 8), []),
        ((8, 8, 8, -12, -12, -12), [2]),
        ((8, 8, None, 8, 8, 8), []),
        ((8, 8, None, -200, -200, -200), [1]),
        ((8, -20, -20, -20, -90, -90), [0, 3]),
    ],
)
def test_frames_before_a_cut_are_told(shifts, cuts):
    assert before_cuts(LISTED, _shifted(*shifts)) == cuts


def test_a_list_that_does_not_fit_tells_nothing():
    assert before_cuts([], _shifted(8, 8, 8, 8, 8, 8)) == []
    assert before_cuts(LISTED, [Chunk(12, 50)]) == []
    assert before_cuts(LISTED, []) == []


def test_the_list_is_found_also_where_bytes_before_it_are_gone(tmp_path):
    path = write(tmp_path / "a.avi", map(paint, range(12)), "mjpeg", pixels="yuvj420p")
    chunks = listed(path, 0)
    content = path.read_bytes()
    path.write_bytes(content[:6000] + content[6100:])

    assert len(chunks) == 12
    assert listed(path, 0) == chunks
    assert listed(path, 1) == []
    path.write_bytes(content[: content.rindex(b"idx1") + 100])
    assert listed(path, 0) == []


def test_changes_of_the_colours_are_no_frames(tmp_path):
    entries = [(b"00db", 4, 50), (b"00pc", 62, 8), (b"00db", 78, 40), (b"01wb", 126, 9), (b"00db", 144, 0)]
    content = b"".join(struct.pack("<4sIII", kind, 16, at, size) for kind, at, size in entries)
    (tmp_path / "a.avi").write_bytes(bytes(200) + b"idx1" + struct.pack("<I", len(content)) + content)

    assert listed(tmp_path / "a.avi", 0) == [Chunk(4, 50), Chunk(78, 40)]


def test_a_file_without_a_frame_is_refused(tmp_path):
    path = write(tmp_path / "a.avi", map(paint, range(3)), "rawvideo", pixels="bgr24")
    content = bytearray(path.read_bytes().replace(b"00dc", b"JUNK"))
    bits = content.index(b"strf") + 22
    content[bits : bits + 2] = b"\7\0"  # of a pixel: no decoder takes so many
    path.write_bytes(content)

    with pytest.raises(Unreadable, match="no frame of it can be decoded"):
        list(read_frames(path))
