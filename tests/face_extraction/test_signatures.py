"""What a file's first bytes are taken for."""

import pytest

from face_extraction.signatures import RAW, known_format


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"GIF89a", "GIF"),
        (b"II*\0\x08\0\0\0", "TIFF"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
        (b"II*\0\x10\0\0\0CR\2\0", RAW),
        (b"BM" + bytes(12) + b"\x28\0\0\0", "BMP"),
        (b"BM", ""),
        (b"BM" + bytes(20), ""),
        (bytes(4) + b"ftypheic", "HEIC"),
        (b"", ""),
    ],
)
def test_a_signature_names_the_format_and_that_of_a_raw_photo_goes_before_tiffs(head, kind):
    assert known_format(head) == kind


@pytest.mark.parametrize("head", [b"RIFF\0\0\0\0AVI LIST", b"RIFF\0\0\0\0WAVE", b"mine\0\0\0\0WEBPVP8 "])
def test_not_all_that_resembles_webp_is_taken_for_it(head):
    assert known_format(head) == ""
