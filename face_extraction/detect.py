"""Face boxes, landmarks and encodings by dlib, by face_recognition's conventions.

Reference: dlib's HOG detector (Dalal & Triggs 2005; King 2009), its max-margin CNN detector (King
2015, https://arxiv.org/abs/1502.00046) and landmarks by regression trees (Kazemi & Sullivan 2014).
"""

import importlib.util
import math
import threading
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from face_extraction.crop import crop_face
from face_extraction.errors import InputError
from face_extraction.ledger import NO_FACE, SEVERAL_FACES, TOO_SMALL, ItemFailed
from face_extraction.manifest import Box
from face_extraction.settings import MIN_FACE, CropSpec, check_detector

# The smallest face, in pixels, that dlib's detectors find without scaling. (The boxes that they
# give come in steps of 1.2: 72, 86, 103, 124...)
_DLIB_FACE = 80
# A face is followed from frame to frame unless it shrinks below this share of its size, or moves so
# far that the boxes have less than this share in common.
_NEAR_SIZE, _NEAR_OVERLAP = 0.7, 0.25
# The pyramid's steps, of which four make about a half.
_STEP, _HALF = 1.2, 4
_LANDMARKS = {5: "shape_predictor_5_face_landmarks.dat", 68: "shape_predictor_68_face_landmarks.dat"}


class FoundFace(NamedTuple):
    """A face in a frame.

    Attributes:
        box: where it is, in pixels of the frame.
        crop: uint8 of shape (size, size, 3).
        person: whose face it is in the clip, from 1; 0 in a photo.
    """

    box: Box
    crop: NDArray[np.uint8]
    person: int = 0


class FaceDetector(threading.local):
    """Finds faces; the models are loaded when they are first needed, once.

    With `min_face` = 80 the boxes are those of `face_recognition.face_locations(rgb, 0, kind)`, and
    the encodings of their chips those of `face_recognition.face_encodings(rgb, boxes)`.

    It may be shared by threads: dlib's objects keep state between calls, and crash the process when two
    threads use one at once, so each thread loads its own (what `threading.local` does to attributes).
    """

    def __init__(self, kind: str = "hog", min_face: int = MIN_FACE) -> None:
        """Choose the detector.

        Args:
            kind: "hog" or "cnn".
            min_face: longer side of the smallest face wanted, in pixels. Frames are scaled by 80 / min_face
                before the search, so half of it costs four times the time.

        Raises:
            InputError: the kind is unknown, or `min_face` out of range.
        """
        check_detector(kind, min_face)
        self.kind = kind
        self.min_face = min_face

    def detect(self, rgb: NDArray[np.uint8], min_face: float | None = None) -> list[Box]:
        """All faces found, largest first, clipped to the frame.

        Args:
            rgb: uint8 of shape (height, width, 3), upright.
            min_face: look for larger faces only, which is faster.

        Returns:
            boxes in pixels of `rgb`. Some can be a little smaller than `min_face`.
        """
        scale = _DLIB_FACE / (min_face or self.min_face)
        found = self._search(_scaled(rgb, scale), 0)
        rectangles = (face.rect if self.kind == "cnn" else face for face in found)
        boxes = (_to_box(rectangle, scale, rgb.shape[0], rgb.shape[1]) for rectangle in rectangles)
        return sorted(boxes, key=lambda box: (-box.area, box))

    def largest(self, rgb: NDArray[np.uint8]) -> list[Box]:
        """As `detect`, but without faces much smaller than the largest: those are not looked for.

        From a size of about a quarter of the frame on, the smallest face is halved until one is
        found. Each search takes four times as long as the one before.
        """
        step = self._steps_to(max(rgb.shape[:2]) / 4) // _HALF * _HALF
        for steps in range(step, 0, -_HALF):
            boxes = self.detect(rgb, self.min_face * _STEP**steps)
            if boxes:
                return boxes
        return self.detect(rgb)

    def near(self, rgb: NDArray[np.uint8], box: Box) -> Box | None:
        """The face that was, or is, about where `box` is, searched at the resolution that suits it.

        Args:
            rgb: uint8 of shape (height, width, 3), upright.
            box: its place in this frame, coarsely, or in the frame before.
        """
        reach = box.longer_side // 2
        top, left = max(0, box.top - reach), max(0, box.left - reach)
        region = rgb[top : box.bottom + reach, left : box.right + reach]
        min_face = self.min_face * _STEP ** self._steps_to(_NEAR_SIZE * box.longer_side)
        found = (
            Box(b.top + top, b.right + left, b.bottom + top, b.left + left)
            for b in self.detect(region, min_face)
        )
        return max((b for b in found if b.overlap(box) > _NEAR_OVERLAP), key=box.overlap, default=None)

    def _steps_to(self, size: float) -> int:
        """Steps of dlib's pyramid from the smallest face up to `size`: the same sizes are then tried."""
        return max(0, math.floor(math.log(size / self.min_face, _STEP))) if size > 0 else 0

    def landmarks(self, rgb: NDArray[np.uint8], box: Box, points: int = 5) -> NDArray[np.float64]:
        """Landmarks of the face in `box`: (points, 2) of x, y in pixels of `rgb`.

        Args:
            rgb: uint8 of shape (height, width, 3).
            box: the face.
            points: 5 or 68. The five: two corners of the eye on the right of the picture, two of the
                one on the left, base of the nose.
        """
        predict = self._predict_5 if points == 5 else self._predict_68
        shape = predict(rgb, _to_rectangle(box))
        return np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64)

    def chip(self, rgb: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
        """The face in `box` as the encoder wants it: upright, uint8 of shape (150, 150, 3)."""
        shape = self._predict_5(rgb, _to_rectangle(box))
        return np.asarray(dlib.get_face_chip(rgb, shape, 150, 0.25), dtype=np.uint8)

    def encode(self, chip: NDArray[np.uint8]) -> NDArray[np.float64]:
        """A face's identity as 128 numbers; faces of one person lie within about 0.6.

        Args:
            chip: what `chip` gave.
        """
        return np.array(self._encoder.compute_face_descriptor(chip))

    @cached_property
    def _search(self) -> Any:
        if self.kind == "cnn":
            return dlib.cnn_face_detection_model_v1(_model("mmod_human_face_detector.dat"))
        return dlib.get_frontal_face_detector()

    @cached_property
    def _predict_5(self) -> Any:
        return dlib.shape_predictor(_model(_LANDMARKS[5]))

    @cached_property
    def _predict_68(self) -> Any:
        return dlib.shape_predictor(_model(_LANDMARKS[68]))

    @cached_property
    def _encoder(self) -> Any:
        return dlib.face_recognition_model_v1(_model("dlib_face_recognition_resnet_model_v1.dat"))


def choose_faces(found: list[Box], detector: FaceDetector, policy: str) -> list[Box]:
    """Of the faces found in a frame those that the policy wants, largest first.

    Args:
        found: boxes, largest first.
        detector: which says how small a face may be.
        policy: "largest", "all" or "exactly-one"; faces that are too small do not count.

    Raises:
        ItemFailed: "no_face", "too_small" or "several_faces".
    """
    if not found:
        raise ItemFailed(NO_FACE, f"{detector.kind} found no face of {detector.min_face} pixels or more")
    wanted = [box for box in found if box.longer_side >= detector.min_face]
    if not wanted:
        largest = max(box.longer_side for box in found)
        raise ItemFailed(TOO_SMALL, f"largest face: {largest} pixels; wanted: {detector.min_face} or more")
    if policy == "exactly-one" and len(wanted) > 1:
        raise ItemFailed(SEVERAL_FACES, f"{len(wanted)} faces; wanted: exactly one")
    return wanted if policy == "all" else wanted[:1]


def cut_faces(rgb: NDArray[np.uint8], detector: FaceDetector, policy: str, spec: CropSpec) -> list[FoundFace]:
    """Find the faces of a photo that the policy wants and cut them out, largest first.

    Raises:
        ItemFailed: as `choose_faces` does.
    """
    boxes = choose_faces(detector.detect(rgb), detector, policy)
    return [cut_box(rgb, box, detector, spec) for box in boxes]


def cut_box(
    rgb: NDArray[np.uint8], box: Box, detector: FaceDetector, spec: CropSpec, person: int = 0
) -> FoundFace:
    """Cut one face out: what a model is trained on and shown."""
    landmarks = detector.landmarks(rgb, box) if spec.align else None
    return FoundFace(box, crop_face(rgb, box, spec, landmarks), person)


def _model(name: str) -> str:
    """Path of a model file. The package is not imported: that needs pkg_resources, which is gone."""
    spec = importlib.util.find_spec("face_recognition_models")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "models" / name
        if path.is_file():
            return str(path)
    raise InputError(f"dlib's model {name} is not installed; it comes with face_recognition_models")


def _scaled(rgb: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    if scale == 1:
        return np.ascontiguousarray(rgb)
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size, interpolation=how), dtype=np.uint8)


def _to_box(rectangle: Any, scale: float, height: int, width: int) -> Box:
    return Box(
        top=max(0, round(rectangle.top() / scale)),
        right=min(width, round(rectangle.right() / scale)),
        bottom=min(height, round(rectangle.bottom() / scale)),
        left=max(0, round(rectangle.left() / scale)),
    )


def _to_rectangle(box: Box) -> Any:
    return dlib.rectangle(box.left, box.top, box.right, box.bottom)
