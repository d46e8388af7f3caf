"""Settings that travel with the crops."""

import subprocess
import sys

import pytest

from face_extraction.errors import InputError
from face_extraction.settings import CropSpec, ExtractionSettings, read_settings, write_settings

OTHER = ExtractionSettings(
    detector="cnn",
    min_face=100,
    policy="exactly-one",
    faces_per_video=3,
    first_frame_only=True,
    format="jpg",
    quality=80,
    crop=CropSpec(size=128, margin=0.5, align=True),
)


@pytest.mark.parametrize("settings", [ExtractionSettings(), OTHER])
def test_settings_come_back(tmp_path, settings):
    write_settings(tmp_path, settings)

    assert read_settings(tmp_path) == settings


def test_no_file_means_crops_made_by_somebody_else(tmp_path):
    assert read_settings(tmp_path) is None


def test_what_is_not_written_has_its_default(tmp_path):
    (tmp_path / "extraction.toml").write_text("min_face = 90\n[crop]\nmargin = 1\n")

    assert read_settings(tmp_path) == ExtractionSettings(min_face=90, crop=CropSpec(margin=1.0))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("min_face =", "not a TOML file"),
        ("min_fase = 3", r"unknown setting 'min_fase' \(nearest: min_face\)"),
        ("[crop]\nsise = 3", r"unknown setting 'sise' \(nearest: size\)"),
        ("crop = 3", "crop 3 must be a table"),
        ("min_face = '80'", "min_face '80' must be of type int"),
        ("min_face = true", "min_face True must be of type int"),
        ("first_frame_only = 1", "first_frame_only 1 must be of type bool"),
        ("policy = 'biggest'", "unknown policy 'biggest'.*; accepted: all, exactly-one, largest"),
        ("format = 'jpeg'", r"unknown format 'jpeg' \(nearest: jpg\)"),
        ("faces_per_video = 0", "faces_per_video 0; accepted: 1 to 10,000 frames"),
        ("quality = 101", "quality 101; accepted: 1 to 100$"),
        ("[crop]\nsize = 9999", "size 9999; accepted: 16 to 2,048 pixels"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path, content, message):
    (tmp_path / "extraction.toml").write_text(content)

    with pytest.raises(InputError, match=rf"extraction\.toml: .*{message}"):
        read_settings(tmp_path)


def test_settings_load_neither_dlib_nor_opencv():
    code = (
        "import sys, face_extraction.settings, face_extraction.sources, face_extraction.__main__\n"
        "print([name for name in ('cv2', 'dlib', 'numpy', 'PIL') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
