"""The detector: find faces, score them, come to a verdict on a photo or a clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from dfdetect.models import build_model
from dfdetect.runs import Run
from face_extraction.crop import crop_face
from face_extraction.detect import FaceDetector, find_faces
from face_extraction.frames import read_frames
from face_extraction.images import VIDEO_SUFFIXES, read_rgb, resize
from face_extraction.ledger import ItemFailed
from face_extraction.manifest import Box
from face_extraction.settings import ExtractionSettings, read_settings

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class FaceVerdict:
    """The score of one face.

    Attributes:
        p_fake: 0 to 1.
        box: where the face is, in pixels of the upright picture.
        frame: index of the frame; 0 in a photo.
        time: seconds from the clip's start.
    """

    p_fake: float
    box: Box
    frame: int = 0
    time: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """What is said of one file.

    Attributes:
        faces: the faces scored.
        p_fake: of a photo the highest of its faces (one fake face makes a fake photo), of a clip
            the mean over its faces; None where no face was scored.
        fake: whether `p_fake` reaches the threshold; None where there is no score.
        frames: frames looked at; 1 for a photo.
        reason: why there is no score, or what was wrong although there is one; "" if nothing.
        detail: the same, in words.
    """

    faces: tuple[FaceVerdict, ...]
    p_fake: float | None
    fake: bool | None
    frames: int
    reason: str = ""
    detail: str = ""


class Detector:
    """A model with everything around it that a verdict needs.

    Args:
        model: a model of `dfdetect.models`.
        threshold: from this `p_fake` on, a face is called fake.
        settings: how faces are found and cropped: as they were for training.
        whole: take each picture as a face crop, and look for no face.
    """

    def __init__(
        self, model: keras.Model, threshold: float, settings: ExtractionSettings, *, whole: bool = False
    ) -> None:
        self.model = model
        self.threshold = threshold
        self.settings = settings
        self.whole = whole
        self._finder = FaceDetector(settings.detector, settings.min_face)

    @classmethod
    def from_run(cls, folder: Path | str, *, whole: bool = False) -> "Detector":
        """The detector of a finished run, with its own threshold and its own way to crop.

        Raises:
            InputError: the folder is not a finished run.
        """
        run = Run(Path(folder))
        threshold = run.threshold()
        settings = read_settings(run.folder) or ExtractionSettings()
        return cls(run.model(), threshold, settings, whole=whole)

    @classmethod
    def from_weights(
        cls, name: str, weights: Path | str, *, threshold: float = 0.5, whole: bool = False
    ) -> "Detector":
        """The detector of a model whose weights come from elsewhere, with default crops.

        Raises:
            InputError: the model is unknown, or the file does not hold its weights, head and all.
        """
        model = build_model(name, weights=str(weights))
        return cls(model, threshold, ExtractionSettings(), whole=whole)

    def predict(self, path: Path, *, frames: int = 16) -> Verdict:
        """The verdict on one file, chosen by its suffix; a failure is a verdict without a score."""
        try:
            if path.suffix.lower() in VIDEO_SUFFIXES:
                return self.predict_video(path, frames=frames)
            return self.verdict(self.predict_image(read_rgb(path)), frames=1, clip=False)
        except ItemFailed as error:
            return Verdict((), None, None, 0, error.reason, error.detail)

    def predict_image(self, rgb: Rgb) -> list[FaceVerdict]:
        """Score every face of an upright picture, largest first.

        Args:
            rgb: uint8 of shape (H, W, 3).

        Raises:
            ItemFailed: there is no face.
        """
        boxes, crops = self._crops(rgb, "all")
        return [FaceVerdict(p, box) for p, box in zip(self._score(crops), boxes, strict=True)]

    def predict_video(self, path: Path, *, frames: int = 16) -> Verdict:
        """The verdict on a clip, from `frames` frames evenly spaced over the whole of it.

        In each frame the faces count that the training's policy takes. A frame without a face has
        no part in the mean.

        Raises:
            ItemFailed: the clip cannot be read, or has a face in none of the frames.
        """
        found: list[tuple[int, float, Box]] = []
        crops: list[Rgb] = []
        looked = 0
        failure = ItemFailed(path, "no_face", "no face found in any frame")
        reader = read_frames(path, count=frames)
        for frame in reader:
            looked += 1
            try:
                boxes, faces = self._crops(frame.rgb, self.settings.policy)
            except ItemFailed as error:
                failure = error
                continue
            found += [(frame.index, frame.time, box) for box in boxes]
            crops += faces
        if not crops:
            raise ItemFailed(path, failure.reason, f"{failure.detail} (in each of {looked} frames)")
        scores = self._score(crops)
        faces = [FaceVerdict(p, box, *where) for p, (*where, box) in zip(scores, found, strict=True)]
        return self.verdict(faces, frames=looked, clip=True)

    def verdict(self, faces: Sequence[FaceVerdict], *, frames: int, clip: bool) -> Verdict:
        """The verdict that follows from scored faces, of which there is at least one."""
        scores = [face.p_fake for face in faces]
        p_fake = float(np.mean(scores)) if clip else max(scores)
        return Verdict(tuple(faces), p_fake, p_fake >= self.threshold, frames)

    def _crops(self, rgb: Rgb, policy: str) -> tuple[list[Box], list[Rgb]]:
        """Boxes and crops as in training; with `whole`, the picture is the crop."""
        if self.whole:
            height, width = rgb.shape[:2]
            return [Box(0, width, height, 0)], [rgb]
        boxes = find_faces(rgb, self._finder, policy)
        return boxes, [crop_face(rgb, box, self.settings.crop) for box in boxes]

    def _score(self, crops: Sequence[Rgb]) -> list[float]:
        size = self.model.input_shape[1]
        batch = np.stack([resize(crop, size) for crop in crops])
        return [float(p) for p in np.asarray(self.model.predict(batch, verbose=0))[:, 0]]
