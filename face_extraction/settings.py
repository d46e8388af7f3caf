"""The settings of an extraction, stored beside its crops so that prediction cuts faces the same way.

One difference stays: crops written as JPEG lose detail. Prediction writes no crops, so its crops keep it.
This module imports neither dlib nor OpenCV, because commands read defaults here before they load anything.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import tomli_w

from face_extraction.atomic import write_text
from face_extraction.errors import InputError, check_name, check_range
from face_extraction.manifest import SETTINGS_FILE
from face_extraction.paths import is_there
from face_extraction.toml import read_toml

BLAZEFACE = "blazeface"
DETECTORS = (BLAZEFACE, "hog", "cnn")
POLICIES = ("largest", "all", "exactly-one")
FORMATS = ("png", "jpg")
MIN_FACE = 60
LEAST_MIN_FACE, MOST_MIN_FACE = 20, 2000
"""Between these the smallest face wanted has to lie, in pixels."""
TIME_LIMIT = 3600
"""Seconds that one file may take."""
MOST_WORKERS = 1024
"""So many processes a command starts at most."""
SURE = 0.5
"""From this confidence on, a box is a face without doubt.

Measured with "hog" at 60 pixels: the least sure of 138 faces in photos had 0.58; 20 of 25 false boxes, in
photos on their side or head, had less than 0.5.
"""


@dataclass(frozen=True)
class CropSpec:
    """How a face is cut out.

    Attributes:
        size: side of the crop as written, in pixels.
        margin: added to the box's longer side, as a share of it: 0.3 gives a square 1.3 times as wide as
            the box, around the same centre.
        align: turn the crop so that the eyes are level.

    Raises:
        InputError: a value is out of its range.
    """

    size: int = 224
    margin: float = 0.3
    align: bool = False

    def __post_init__(self) -> None:
        check_range("size", self.size, 16, 2048, "pixels")
        check_range("margin", self.margin, 0, 4, "of the face box")


@dataclass(frozen=True)
class ExtractionSettings:
    """Everything that decides which faces are found and how they are cropped.

    Attributes:
        detector: "blazeface" (quickest; dlib's HOG sets its boxes, see `proposing`), or over the whole frame
            dlib's "hog" (frontal faces) or "cnn" (slow without a GPU, finds turned faces).
        min_face: longer side of the smallest face box wanted, in pixels of the upright frame.
        policy: "largest" face of each frame, "all", or "exactly-one" (frames with more are left out).
        rotations: turn a photo by 90, 180 and 270 degrees if it shows no face as it is.
        faces_per_video: how many frames of each video are searched, evenly spaced over it.
        first_frame_only: search only the first frame of each video.
        format: "png" (lossless) or "jpg".
        quality: of "jpg", 1 to 100.
        crop: how each face is cut out.

    Raises:
        InputError: a value is out of its range, or a name unknown.
    """

    detector: str = BLAZEFACE
    min_face: int = MIN_FACE
    policy: str = "largest"
    rotations: bool = True
    faces_per_video: int = 10
    first_frame_only: bool = False
    format: str = "png"
    quality: int = 95
    crop: CropSpec = field(default_factory=CropSpec)

    def __post_init__(self) -> None:
        check_detector(self.detector, self.min_face)
        check_name("policy", self.policy, POLICIES)
        check_name("format", self.format, FORMATS)
        check_range("faces_per_video", self.faces_per_video, 1, 10_000, "frames")
        check_range("quality", self.quality, 1, 100)


def check_detector(kind: str, min_face: int, accepted: Collection[str] = DETECTORS) -> None:
    """Refuse an unknown detector, or a smallest face that would need an absurd resolution.

    Raises:
        InputError: naming what is accepted.
    """
    check_name("detector", kind, accepted)
    check_range("min_face", min_face, LEAST_MIN_FACE, MOST_MIN_FACE, "pixels")


def write_settings(folder: Path, settings: ExtractionSettings) -> None:
    """Write `settings` as `folder`/extraction.toml, atomically."""
    write_text(folder / SETTINGS_FILE, tomli_w.dumps(asdict(settings)))


def copy_settings(source: Path, target: Path) -> None:
    """Copy the settings of folder `source`, if it has any, into folder `target`."""
    settings = read_settings(source)
    if settings:
        write_settings(target, settings)


def read_settings(folder: Path) -> ExtractionSettings | None:
    """The settings that made the crops in a manifest's folder.

    Args:
        folder: the manifest's folder.

    Returns:
        None if the folder has no extraction.toml: somebody else made the crops.

    Raises:
        InputError: it is no file, or not TOML, or a name or value in it is not accepted.
    """
    path = folder / SETTINGS_FILE
    if not is_there(path):
        return None
    values = read_toml(path)
    crop = values.pop("crop", {})
    if not isinstance(crop, dict):
        raise InputError(f"{path}: crop {crop!r} must be a table")
    spec = _build(path, CropSpec, crop)
    settings: ExtractionSettings = _build(path, ExtractionSettings, values, crop=spec)
    return settings


def _build(path: Path, kind: type[Any], values: dict[str, Any], **parts: Any) -> Any:
    accepted = {item.name: type(item.default) for item in fields(kind) if item.name not in parts}
    for name, value in values.items():
        check_name("setting", name, accepted, str(path))
        whole_for_float = accepted[name] is float and type(value) is int
        if type(value) is not accepted[name] and not whole_for_float:
            raise InputError(f"{path}: {name} {value!r} must be of type {accepted[name].__name__}")
    try:
        return kind(**values, **parts)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
