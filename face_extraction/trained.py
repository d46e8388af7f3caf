"""The files of detectors that others trained; README.md in `detector_files` names sources and licences."""

import hashlib
from pathlib import Path

from face_extraction.errors import InputError

FOLDER = Path(__file__).with_name("detector_files")
BLAZEFACE = "face_detection_full_range.tflite"
HOG = "frontal_face_detector.svm"
SHA256 = {
    BLAZEFACE: "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
    HOG: "f3f7aa833fb4a14a46fc48689f45b98d85ef72d6dfaf8bdc012b7d3c522a5426",
}


def trained_file(name: str) -> Path:
    """The path of a detector's file, once its content is checked.

    Args:
        name: `BLAZEFACE` or `HOG`.

    Raises:
        InputError: the file is missing, or has another content.
    """
    path = FOLDER / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: the detector cannot be read ({error.strerror}); install again") from None
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise InputError(f"{path}: not the detector that was installed; install again")
    return path
