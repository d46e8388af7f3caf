"""Files that have a photo's or a video's name and are neither."""

import os

import pytest

from face_extraction.mistaken import what_it_is


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a Git LFS pointer"),
        (b"\r\n<!DOCTYPE html><html>", "a web page"),
        (b"\xef\xbb\xbf<HTML lang=en>", "a web page"),
        (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "an XML or JSON text"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "a drawing (SVG)"),
        (b'{"error": "quota"}', "an XML or JSON text"),
        (b"%PDF-1.7", "a PDF document"),
        (b"PK\3\4", "an archive; unpack it"),
        (b"\x1f\x8b\x08", "an archive; unpack it"),
        (bytes(5_000), "it begins with zeros"),
    ],
)
def test_the_first_bytes_tell(tmp_path, content, said):
    (tmp_path / "a.mp4").write_bytes(content)

    assert what_it_is(tmp_path / "a.mp4").startswith(said)


@pytest.mark.parametrize(
    "content", [b"", bytes(100), b"\xff\xd8\xff\xe0", b"RIFF....WEBP", bytes(4) + b"ftypisom", b"words"]
)
def test_of_others_nothing_is_said(tmp_path, content):
    (tmp_path / "a.mp4").write_bytes(content)

    assert what_it_is(tmp_path / "a.mp4") == ""


def test_what_is_no_file_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    assert [what_it_is(tmp_path / name) for name in ("pipe", "gone", ".")] == ["", "", ""]
