"""The detector: find faces, score them, come to a verdict on a photo or a clip."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from dfdetect.models import build_model
from dfdetect.runs import Run
from face_extraction.detect import FaceDetector, FoundFace, cut_faces
from face_extraction.frames import read_frames
from face_extraction.images import read_rgb, resize
from face_extraction.ledger import NO_FACE, TRUNCATED, ItemFailed
from face_extraction.manifest import Box
from face_extraction.media import VIDEO, kind_of
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
        threshold_origin: where the threshold comes from, in words.
        settings: how faces are found and cropped: as they were for training.
        whole: take each picture as a face crop, and look for no face.
    """

    def __init__(
        self,
        model: keras.Model,
        threshold: float,
        threshold_origin: str,
        settings: ExtractionSettings,
        *,
        whole: bool = False,
    ) -> None:
        self.model = model
        self.threshold = threshold
        self.threshold_origin = threshold_origin
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
        model, threshold = run.load_model(), run.threshold()
        settings = read_settings(run.folder) or ExtractionSettings()
        return cls(model, threshold, "chosen on the run's validation split", settings, whole=whole)

    @classmethod
    def from_weights(cls, name: str, weights: Path | str, *, whole: bool = False) -> "Detector":
        """The detector of a model whose weights come from elsewhere: threshold 0.5, default crops.

        Raises:
            InputError: the model is unknown, or the file does not hold its weights, head and all.
        """
        model = build_model(name, weights=str(weights), whole=True)
        return cls(model, 0.5, "not chosen on data", ExtractionSettings(), whole=whole)

    def predict(self, path: Path, *, frames: int = 16) -> Verdict:
        """The verdict on one file, chosen by its suffix; a failure is a verdict without a score."""
        try:
            if kind_of(path) == VIDEO:
                return self.predict_video(path, frames=frames)
            return self._verdict(self.predict_image(read_rgb(path)), frames=1, clip=False)
        except ItemFailed as error:
            return Verdict((), None, None, 0, error.reason, error.detail)

    def predict_image(self, rgb: Rgb) -> list[FaceVerdict]:
        """Score every face of an upright picture, largest first.

        Args:
            rgb: uint8 of shape (H, W, 3).

        Raises:
            ItemFailed: there is no face.
        """
        found = self._faces(rgb, "all")
        scores = self._score([face.crop for face in found])
        return [FaceVerdict(p_fake, face.box) for p_fake, face in zip(scores, found, strict=True)]

    def predict_video(self, path: Path, *, frames: int = 16) -> Verdict:
        """The verdict on a clip, from `frames` frames evenly spaced over the whole of it.

        In each frame the faces count that the training's policy takes. A frame without a face has
        no part in the mean. A clip that ends early is judged by what can be read, and says so.

        Raises:
            ItemFailed: the clip cannot be read, or has a face in none of the frames.
        """
        seen: list[tuple[int, float, Box]] = []
        crops: list[Rgb] = []
        looked, detail, cut = 0, "", ""
        try:
            for frame in read_frames(path, count=frames):
                looked += 1
                try:
                    found = self._faces(frame.rgb, self.settings.policy)
                except ItemFailed as error:
                    detail = error.detail
                    continue
                seen += [(frame.index, frame.time, face.box) for face in found]
                crops += [face.crop for face in found]
        except ItemFailed as error:
            if error.reason != TRUNCATED:
                raise
            cut = error.detail
        if not crops:
            raise ItemFailed(NO_FACE, f"no face in any of {looked} frames; the last: {detail}")
        faces = [
            FaceVerdict(p_fake, box, index, time)
            for p_fake, (index, time, box) in zip(self._score(crops), seen, strict=True)
        ]
        verdict = self._verdict(faces, frames=looked, clip=True)
        return replace(verdict, reason=TRUNCATED, detail=cut) if cut else verdict

    def _verdict(self, faces: Sequence[FaceVerdict], *, frames: int, clip: bool) -> Verdict:
        """The verdict that follows from scored faces, of which there is at least one."""
        scores = [face.p_fake for face in faces]
        p_fake = float(np.mean(scores)) if clip else max(scores)
        return Verdict(tuple(faces), p_fake, p_fake >= self.threshold, frames)

    def _faces(self, rgb: Rgb, policy: str) -> list[FoundFace]:
        """Faces cut out as for training; with `whole`, the picture is the face."""
        if self.whole:
            height, width = rgb.shape[:2]
            return [FoundFace(Box(0, width, height, 0), rgb)]
        return cut_faces(rgb, self._finder, policy, self.settings.crop)

    def _score(self, crops: Sequence[Rgb]) -> list[float]:
        size = self.model.input_shape[1]
        batch = np.stack([resize(crop, size) for crop in crops])
        return [float(p_fake) for p_fake in np.asarray(self.model.predict(batch, verbose=0))[:, 0]]
