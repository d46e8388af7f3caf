"""The files of detectors."""

import dlib
import pytest

from face_extraction import trained
from face_extraction.errors import InputError
from face_extraction.trained import HOG, SHA256, trained_file


@pytest.mark.parametrize("name", SHA256)
def test_the_files_are_those_that_are_named(name):
    assert name in (trained.FOLDER / "README.md").read_text()
    assert trained_file(name).is_file()


def test_the_hog_is_dlibs_own(tmp_path):
    dlib.get_frontal_face_detector().save(str(tmp_path / HOG))

    assert (tmp_path / HOG).read_bytes() == trained_file(HOG).read_bytes()


def test_a_missing_or_another_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(trained, "FOLDER", tmp_path)
    with pytest.raises(InputError, match=r"frontal_face_detector\.svm: the detector cannot be read"):
        trained_file(HOG)
    (tmp_path / HOG).write_bytes(b"something else")
    with pytest.raises(InputError, match=r"frontal_face_detector\.svm: not the detector that was installed"):
        trained_file(HOG)
