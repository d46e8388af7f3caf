"""Files that may be missing, and what stands in their place."""

import pytest

from face_extraction.errors import InputError
from face_extraction.landmarks import read_landmarks
from face_extraction.manifest import manifest_hash
from face_extraction.paths import is_there
from face_extraction.settings import read_settings


def test_a_file_is_there_or_not(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    assert [is_there(tmp_path / name) for name in ("file", "link", "none")] == [True, True, False]


@pytest.mark.parametrize(
    ("name", "read"), [("extraction.toml", read_settings), ("landmarks.npz", read_landmarks)]
)
@pytest.mark.parametrize("made", ["folder", "link"])
def test_what_stands_in_a_files_place_does_not_count_as_missing(tmp_path, name, read, made):
    read(tmp_path)
    path = tmp_path / name
    path.mkdir() if made == "folder" else path.symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match=f"{path}: a folder, or a link that leads to no file"):
        read(tmp_path)


def test_a_manifest_is_not_taken_for_one_without_settings(tmp_path):
    (tmp_path / "manifest.csv").touch()
    (tmp_path / "extraction.toml").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match=r"extraction\.toml: a folder, or a link"):
        manifest_hash(tmp_path / "manifest.csv")
