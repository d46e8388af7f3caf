"""Files that stand in two manifests."""

from dataclasses import replace

import pytest

from dfdetect.data.doubles import same_files
from face_extraction.manifest import FaceSample


@pytest.fixture
def write(tmp_path):
    """write(folder, **content): files of a folder, and their rows."""

    def make(name, **contents):
        (tmp_path / name).mkdir()
        for stem, content in contents.items():
            (tmp_path / name / f"{stem}.png").write_bytes(content)
        return tmp_path / name, [FaceSample(f"{stem}.png", 0, "test", stem) for stem in contents]

    return make


def test_equal_content_counts_whatever_the_name(write):
    first, second = write("one", a=b"same", b=b"alone", c=b"size"), write("two", x=b"same", y=b"zise")
    assert same_files(*first, *second) == {"a.png"}
    gone = [*second[1], FaceSample("gone.png", 0, "train", "g")]
    assert same_files(first[0], [*first[1], gone[-1]], second[0], gone) == {"a.png"}


def test_recorded_digests_spare_the_files(write, tmp_path):
    rows = [
        replace(row, digest=digest) for row, digest in zip(write("one", a=b"1", b=b"2")[1], "pq", strict=True)
    ]
    assert same_files(tmp_path / "none", rows, tmp_path / "none", [replace(rows[0], digest="q")]) == {"b.png"}
