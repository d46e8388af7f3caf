"""The detector: find faces, score them, come to a verdict on a photo or a clip."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from dfdetect.data.clips import fewest, shortage, spread
from dfdetect.metrics.estimates import UNITS, useful_levels
from dfdetect.models.build import frames_of
from dfdetect.models.shipped import DEFAULT, pretrained_folder
from dfdetect.predict.verdicts import ClipVerdict, FaceVerdict, PersonVerdict, Verdict
from dfdetect.predictions import joined
from dfdetect.recipe import Recipe
from dfdetect.runs.build import build_from_recipe, load_model
from dfdetect.runs.calibration import Calibration, read_calibration
from dfdetect.runs.folder import Run
from dfdetect.sample.sample_set import NOTICE
from face_extraction.detect import FaceDetector, FoundFace, cut_faces, cut_photo
from face_extraction.digest import file_digest
from face_extraction.errors import InputError
from face_extraction.frames import read_frames
from face_extraction.images import NoImage, Photo, Unreadable, check_rgb, read_photo, resize
from face_extraction.ledger import (
    DAMAGED,
    FAILED,
    TOO_FEW,
    TRUNCATED,
    ItemFailed,
    without_faces,
)
from face_extraction.manifest import Box
from face_extraction.media import VIDEO, kind_of
from face_extraction.settings import ExtractionSettings, read_settings
from face_extraction.video import VideoFinder

Rgb = NDArray[np.uint8]

FRAMES = 16
"""Frames of a clip that are searched by default, for a model that takes single faces."""
UNKNOWN_CROPS = (
    "How the faces of training were cropped is not recorded (ready-made crops, or weights from elsewhere): "
    "faces are cut with the default settings, which may differ; --whole takes pictures as they are."
)
"""What must be said of a verdict on faces that were not cut as those of training were."""
BATCH = 32  # faces, or clips, that are scored at once


class _Seen(NamedTuple):
    """A face found in a clip."""

    frame: int
    time: float
    box: Box
    person: int


class Detector:
    """A model with everything around it that a verdict needs; threads may share one.

    Example:
        >>> from dfdetect import build_model
        >>> detector = Detector(build_model("meso4", image_size=64), 0.5, "not chosen on data", None)
        >>> verdict = detector.predict("no such file.jpg")
        >>> verdict.p_fake, verdict.reason
        (None, 'failed')

    Args:
        model: a model of `dfdetect.models`.
        threshold: from this `p_fake` on, a face is called fake.
        threshold_origin: where the threshold comes from, in words.
        settings: how faces are found and cropped: as they were for training; None, where that is not
            known, takes the defaults, and `note` says so.
        whole: take each picture as a face crop, and look for no face.
        policy: which faces of a photo, or of a clip's frame, count; all of them whatever was extracted for
            training, because the one that was swapped need not be the largest.

    Attributes:
        weights_sha256: of the file that the weights come from; "" where that is not told.
        skill: what it showed on the run's test split, in words; "" of weights without a run.
        note: what must be said of every verdict and of that skill; "" if nothing.
        calibration: makes its scores calibrated, and grades them; None where the run has none.
        rotations: whether a photo without a face is turned by 90, 180 and 270 degrees; as for training,
            unless changed.
    """

    def __init__(
        self,
        model: keras.Model,
        threshold: float,
        threshold_origin: str,
        settings: ExtractionSettings | None,
        *,
        whole: bool = False,
        policy: str = "all",
    ) -> None:
        self.model = model
        self.threshold = threshold
        self.threshold_origin = threshold_origin
        self.settings = settings or ExtractionSettings()
        self.note = "" if settings or whole else UNKNOWN_CROPS
        self.skill = ""
        self.weights_sha256 = ""
        self.calibration: Calibration | None = None
        self.whole = whole
        self.policy = policy
        self.rotations = self.settings.rotations
        self.frames = frames_of(model)
        self._finder = FaceDetector(self.settings.detector, self.settings.min_face)

    @classmethod
    def default(cls, name: str = DEFAULT, *, whole: bool = False, policy: str = "all") -> "Detector":
        """A detector that ships with the package: it needs no training and no data.

        Args:
            name: one of `dfdetect.pretrained.list_pretrained()`.
            whole: as for the class.
            policy: as for the class.

        Raises:
            InputError: none ships under that name.
        """
        return cls.from_run(pretrained_folder(name), whole=whole, policy=policy)

    @classmethod
    def from_run(cls, folder: Path | str, *, whole: bool = False, policy: str = "all") -> "Detector":
        """The detector of a finished run, with its own threshold and, where it is known, its own way to crop.

        Args:
            folder: the run's.
            whole: as for the class.
            policy: as for the class.

        Raises:
            InputError: the folder is not a finished run.
        """
        run = Run(Path(folder))
        threshold, model = run.threshold(), load_model(run)
        origin = "chosen on the run's validation split"
        detector = cls(model, threshold, origin, read_settings(run.folder), whole=whole, policy=policy)
        if not run.recipe().manifest:
            detector.note = f"This model was trained on the embedded sample set. {NOTICE}"
        detector.note = " ".join(filter(None, [detector.note, *run.cautions()]))
        detector.skill = _skill(run)
        detector.calibration = read_calibration(run.folder)
        if detector.calibration:
            detector.threshold = detector.calibration.upper
            detector.threshold_origin = f"chosen on {detector.calibration.origin}"
            detector.note = " ".join(filter(None, [detector.note, detector.calibration.cannot]))
        detector.weights_sha256 = file_digest(run.weights)
        return detector

    @classmethod
    def from_weights(
        cls, recipe: Recipe, weights: Path | str, *, whole: bool = False, policy: str = "all"
    ) -> "Detector":
        """The detector of a model whose weights come from elsewhere: threshold 0.5, default crops.

        Args:
            recipe: how the model is built; `Recipe(model=NAME)` for a family's defaults.
            weights: a file with the weights of the whole model.
            whole: as for the class.
            policy: as for the class.

        Raises:
            InputError: the model is unknown, or the file does not hold its weights, head and all.
        """
        named = recipe.with_changes(weights=str(weights), partial_weights=False)
        model = build_from_recipe(named, whole=True)
        detector = cls(model, 0.5, "not chosen on data", None, whole=whole, policy=policy)
        detector.weights_sha256 = file_digest(Path(weights))
        return detector

    @property
    def cuts(self) -> Calibration | None:
        """What grades the evidence; None where the model has none, or another threshold was set."""
        return self.calibration if self.calibration and self.threshold == self.calibration.upper else None

    def predict(self, path: Path | str, *, frames: int | None = None) -> Verdict:
        """The verdict on one file; a failure, of whatever kind, is a verdict without a score.

        Args:
            path: a photo or a clip: by its suffix, and where that names neither, or the file is no
                photo, by what is in it.
            frames: as for `predict_video`.

        Raises:
            InputError: the model is at fault, and would be with every file.
        """
        path = Path(path)
        try:
            if kind_of(path) == VIDEO:
                return self._graded(self.predict_video(path, frames=frames))
            try:
                photo = read_photo(path)
            except NoImage as error:
                return self._graded(self._predict_misnamed(path, error, frames))
            return self._graded(self._verdict(self._score_photo(photo), frames=1, clip=False))
        except ItemFailed as error:
            return Verdict((), None, None, 0, error.reason, error.detail)
        except InputError:
            raise
        except Exception as error:  # One strange file must not end a run of days.
            return Verdict((), None, None, 0, FAILED, f"{type(error).__name__}: {error}")

    def _predict_misnamed(self, path: Path, photo: NoImage, frames: int | None) -> Verdict:
        """The verdict on what may be a clip, though its name is none of a clip's."""
        try:
            return self.predict_video(path, frames=frames)
        except Unreadable as clip:
            raise Unreadable(path, f"{photo.detail}; nor a clip: {clip.detail}", clip.reason) from None

    def predict_image(self, rgb: Rgb) -> list[FaceVerdict]:
        """Score the faces of a picture in memory, largest first; `rotations` applies as to a photo's file.

        Args:
            rgb: uint8 of shape (H, W, 3), RGB.

        Raises:
            ItemFailed: there is no face, or the model takes clips.
            TypeError: `rgb` is no array of uint8.
            ValueError: `rgb` has another shape.
        """
        return self._score_photo(Photo(check_rgb(rgb)))

    def _score_photo(self, photo: Photo) -> list[FaceVerdict]:
        if self.frames:
            raise ItemFailed(TOO_FEW, f"a photo; this model takes clips, {self.frames} faces at once")
        if self.whole:
            height, width = photo.rgb.shape[:2]
            box = Box(0, round(width * photo.scale), round(height * photo.scale), 0)
            found = [FoundFace(box, photo.rgb)]
        else:
            settings = replace(self.settings, policy=self.policy, rotations=self.rotations)
            found = cut_photo(photo, self._finder, settings)
        scores = self._score([face.crop for face in found])
        return [
            FaceVerdict(p_fake, face.box, confidence=face.confidence, rotation=face.rotation)
            for p_fake, face in zip(scores, found, strict=True)
        ]

    def predict_video(self, path: Path | str, *, frames: int | None = None) -> Verdict:
        """The verdict on a clip, from frames evenly spaced over the whole of it.

        Each person's score is the mean over their faces, and the clip's is the highest of them: one fake
        person makes a fake clip.
        A clip that ends early, or is damaged, is judged by what can be read, and says so.

        A model that takes clips gets each person's faces chosen among those found as in training.

        Args:
            path: the clip.
            frames: how many frames are searched; by default 16, or as many as the training's extraction
                searched where the model takes clips.

        Raises:
            ItemFailed: the clip cannot be read, or has a face in none or in too few of the frames.
        """
        count = frames or (self.settings.faces_per_video if self.frames else FRAMES)
        finder = VideoFinder(self._finder, self.policy, self.settings.crop)
        seen: list[_Seen] = []
        crops: list[Rgb] = []
        looked, cut, without = 0, None, Counter[str]()
        try:
            for frame in read_frames(Path(path), count=count):
                looked += 1
                try:
                    found = self._faces(frame.rgb) if self.whole else finder.faces(frame)
                except ItemFailed as error:
                    without[error.reason] += 1
                    continue
                seen += [_Seen(frame.index, frame.time, face.box, face.person) for face in found]
                crops += [face.crop for face in found]
        except ItemFailed as error:
            if error.reason not in (TRUNCATED, DAMAGED):
                raise
            cut = error
        if not crops:
            raise without_faces(without) if without or cut is None else cut
        if self.frames:
            verdict = self._clip_verdict(seen, crops, looked)
        else:
            faces = [
                FaceVerdict(p_fake, face.box, face.frame, face.time, face.person)
                for p_fake, face in zip(self._score(crops), seen, strict=True)
            ]
            verdict = self._verdict(faces, frames=looked, clip=True)
        return replace(verdict, reason=cut.reason, detail=cut.detail) if cut else verdict

    def _graded(self, verdict: Verdict) -> Verdict:
        """The verdict with its grade of evidence, where the model has cuts."""
        if self.cuts is None or verdict.p_fake is None:
            return verdict
        return replace(verdict, evidence=self.cuts.grade(verdict.p_fake))

    def _clip_verdict(self, seen: Sequence[_Seen], crops: Sequence[Rgb], looked: int) -> Verdict:
        """The verdict of a model that takes clips, on the faces of each person."""
        people = {
            person: [row for row, face in enumerate(seen) if face.person == person]
            for person in sorted({face.person for face in seen})
        }
        often = {person: rows for person, rows in people.items() if len(rows) >= fewest(self.frames)}
        if not often:
            raise ItemFailed(TOO_FEW, shortage(max(map(len, people.values())), self.frames))
        chosen = [[rows[place] for place in spread(len(rows), self.frames)] for rows in often.values()]
        size = self.model.input_shape[-2]
        batch = np.stack([[resize(crops[row], size) for row in rows] for rows in chosen])
        scores = self._scores(batch)
        clips, verdicts = [], []
        for person, p_fake, rows in zip(often, scores, chosen, strict=True):
            faces = [seen[row] for row in rows]
            boxes = tuple(face.box for face in faces)
            frames = tuple(face.frame for face in faces)
            clips.append(ClipVerdict(p_fake, person, boxes, frames, tuple(face.time for face in faces)))
            verdicts.append(PersonVerdict(person, p_fake, p_fake >= self.threshold, len(set(rows))))
        p_fake = max(scores)
        fake = p_fake >= self.threshold
        return Verdict((), p_fake, fake, looked, clips=tuple(clips), people=tuple(verdicts))

    def _verdict(self, faces: Sequence[FaceVerdict], *, frames: int, clip: bool) -> Verdict:
        """The verdict that follows from scored faces, of which there is at least one."""
        if not clip:
            sure = [number for number, face in enumerate(faces) if face.is_sure] or range(len(faces))
            decided = max(sure, key=lambda number: faces[number].p_fake)
            p_fake = faces[decided].p_fake
            return Verdict(tuple(faces), p_fake, p_fake >= self.threshold, frames, decided=decided)
        scores: dict[int, list[float]] = {}
        for face in faces:
            scores.setdefault(face.person, []).append(face.p_fake)
        p_fake, means = joined(scores)
        people = tuple(
            PersonVerdict(person, means[person], means[person] >= self.threshold, len(scores[person]))
            for person in sorted(scores)
        )
        return Verdict(tuple(faces), p_fake, p_fake >= self.threshold, frames, people=people)

    def _faces(self, rgb: Rgb) -> list[FoundFace]:
        """Faces cut out as for training; with `whole`, the picture is the face."""
        if self.whole:
            height, width = rgb.shape[:2]
            return [FoundFace(Box(0, width, height, 0), rgb)]
        return cut_faces(rgb, self._finder, self.policy, self.settings.crop)

    def _score(self, crops: Sequence[Rgb]) -> list[float]:
        size = self.model.input_shape[1]
        batch = np.stack([resize(crop, size) for crop in crops])
        return self._scores(batch)

    def _scores(self, batch: Rgb) -> list[float]:
        # Without `predict`, whose tf.data pipeline can take as long to end as it ran.
        parts = [batch[start : start + BATCH] for start in range(0, len(batch), BATCH)]
        scores = np.concatenate([np.asarray(self.model.predict_on_batch(part))[:, 0] for part in parts])
        if not np.isfinite(scores).all():
            raise InputError("the model gives scores that are no numbers: its weights are damaged")
        if self.calibration:
            scores = self.calibration.apply(scores)
        return [float(p_fake) for p_fake in scores]


def _skill(run: Run) -> str:
    """What a run's model showed on its test split, in words."""
    tested = run.metrics().get("test")
    if not tested:
        return "the run has no test split: what it can do on faces that chose nothing is not known"
    said = (
        f"on the run's {measured.n:,} test {UNITS[level]}s: AUC {measured.estimates['auc']}"
        for level, measured in useful_levels(tested).items()
    )
    return "; ".join(said)
