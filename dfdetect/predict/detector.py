"""The detector: find faces, score them, come to a verdict on a photo or a clip."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from dfdetect.data.clips import fewest, shortage, spread
from dfdetect.metrics.estimates import no_skill
from dfdetect.models.build import frames_of
from dfdetect.models.shipped import DEFAULT, pretrained_folder
from dfdetect.predict.looking import Look, Rgb, Wanted, look, look_at_photo, look_at_video
from dfdetect.predict.verdicts import (
    FEW_FACES,
    FEWEST_SHOWN,
    NO_SKILL,
    ClipVerdict,
    FaceVerdict,
    PersonVerdict,
    Verdict,
)
from dfdetect.predictions import joined
from dfdetect.recipe import Recipe
from dfdetect.runs.build import build_from_recipe, load_model
from dfdetect.runs.calibration import Calibration, read_calibration
from dfdetect.runs.folder import Run
from dfdetect.runs.scoring import score_crops
from dfdetect.runs.skill import note_told, skill_told
from face_extraction.digest import file_digest
from face_extraction.errors import InputError
from face_extraction.images import Photo, check_rgb
from face_extraction.ledger import FAILED, TOO_FEW, ItemFailed
from face_extraction.settings import ExtractionSettings, read_settings

FRAMES = 16
"""Frames of a clip that are searched by default, for a model that takes single faces."""
UNKNOWN_CROPS = (
    "How the faces of training were cropped is not recorded (ready-made crops, or weights from elsewhere): "
    "faces are cut with the default settings, which may differ; --whole takes pictures as they are."
)
"""The caution beside verdicts if the faces may not be cut as in training."""


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
        no_skill: why its scores mean nothing, and there is no verdict; "" if they mean something.
        name: of the run; "" of weights without one.
        note: the cautions to show beside every verdict and that skill; "" if there are none.
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
        self.no_skill = ""
        self.name = ""
        self.weights_sha256 = ""
        self.calibration: Calibration | None = None
        self.whole = whole
        self.policy = policy
        self.rotations = self.settings.rotations
        self.frames = frames_of(model)

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
        detector.skill = skill_told(run)
        detector.name = run.folder.resolve().name
        detector.no_skill = no_skill(run.metrics())
        detector.note = " ".join(filter(None, [detector.note, note_told(run)]))
        detector.calibration = read_calibration(run.folder)
        if detector.calibration:
            detector.threshold = detector.calibration.upper
            detector.threshold_origin = f"chosen on {detector.calibration.origin}"
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
            path: a photo or a video: by its suffix, and where that names neither, or the file is no
                photo, by what is in it.
            frames: as for `predict_video`.

        Raises:
            InputError: the model is at fault, and would be with every file.
        """
        (verdict,) = self.judge([look(Path(path), self.wanted(frames))])
        return verdict

    def predict_image(self, rgb: Rgb) -> list[FaceVerdict]:
        """Score the faces of a picture in memory, largest first; `rotations` applies as to a photo's file.

        Args:
            rgb: uint8 of shape (H, W, 3), RGB.

        Raises:
            ItemFailed: there is no face, or the model takes clips.
            TypeError: `rgb` is no array of uint8.
            ValueError: `rgb` has another shape.
        """
        found = look_at_photo(Photo(check_rgb(rgb)), self.wanted())
        return _scored(found, self._scores(found.crops))

    def predict_video(self, path: Path | str, *, frames: int | None = None) -> Verdict:
        """The verdict on a video, from frames evenly spaced over the whole of it.

        Each person's score is the mean over their faces, and the video's is the highest of them: one fake
        person makes a fake video.
        A video that ends early, or is damaged, is judged by what can be read, and says so.

        A model that takes clips gets each person's faces chosen among those found as in training.

        Args:
            path: the video.
            frames: how many frames are searched; None for `frames_wanted`.

        Raises:
            ItemFailed: the video cannot be read, or has a face in none of the frames.
        """
        (verdict,) = self.judge([look_at_video(Path(path), self.wanted(frames))])
        return verdict

    @property
    def frames_wanted(self) -> int:
        """Frames of a video that are searched by default.

        16, or as many as the training's extraction searched where the model takes clips.
        """
        return self.settings.faces_per_video if self.frames else FRAMES

    def wanted(self, frames: int | None = None) -> Wanted:
        """How faces are found and cut for this model; `frames` as for `predict_video`."""
        settings = replace(self.settings, policy=self.policy, rotations=self.rotations)
        size = int(self.model.input_shape[-2])
        return Wanted(settings, self.whole, size, frames or self.frames_wanted, self.frames)

    def judge(self, looks: Sequence[Look]) -> list[Verdict]:
        """The verdicts on files, in order; the faces of all of them go through the model together.

        Where the model fails with several files, each is tried alone: one strange file must not end a run of
        days.

        Args:
            looks: what was found in each file, by `wanted`.

        Raises:
            InputError: the model is at fault, and would be with every file.
        """
        try:
            return self._judge(looks)
        except InputError:
            raise
        except Exception as error:
            if len(looks) > 1:
                return [verdict for found in looks for verdict in self.judge([found])]
            return [Verdict((), None, None, looks[0].frames, FAILED, f"{type(error).__name__}: {error}")]

    def _judge(self, looks: Sequence[Look]) -> list[Verdict]:
        asked = [self._asked(found) for found in looks]
        inputs = [batch for batch in asked if isinstance(batch, np.ndarray)]
        scores = self._scores(np.concatenate(inputs)) if inputs else []
        verdicts, start = [], 0
        for found, batch in zip(looks, asked, strict=True):
            if isinstance(batch, ItemFailed):
                verdicts.append(Verdict((), None, None, found.frames, batch.reason, batch.detail))
                continue
            verdicts.append(self._told(found, scores[start : start + len(batch)]))
            start += len(batch)
        return verdicts

    def _asked(self, found: Look) -> Rgb | ItemFailed:
        """What of a file goes through the model, or why nothing does."""
        if not found.faces:
            return ItemFailed(found.reason, found.detail)
        if not self.frames:
            return found.crops
        chosen = self._chosen(found)
        if not chosen:
            most = max(Counter(face.person for face in found.faces).values())
            return ItemFailed(TOO_FEW, shortage(most, self.frames))
        return found.crops[list(chosen.values())]

    def _chosen(self, found: Look) -> dict[int, list[int]]:
        """The faces that a model of clips takes of each person who was seen often enough."""
        people: dict[int, list[int]] = {}
        for row, face in enumerate(found.faces):
            people.setdefault(face.person, []).append(row)
        return {
            person: [rows[place] for place in spread(len(rows), self.frames)]
            for person, rows in sorted(people.items())
            if len(rows) >= fewest(self.frames)
        }

    def _told(self, found: Look, scores: Sequence[float]) -> Verdict:
        """The verdict on a file, from the scores of what `_asked` gave."""
        if self.frames:
            verdict = self._clip_verdict(found, scores)
        else:
            verdict = self._verdict(_scored(found, scores), frames=found.frames, clip=found.is_video)
        if self.no_skill:
            people = tuple(replace(person, fake=None) for person in verdict.people)
            detail = "the model shows no skill on its own test"
            return replace(verdict, fake=None, reason=NO_SKILL, detail=detail, people=people)
        reason, detail = found.reason, found.detail
        if found.shown < FEWEST_SHOWN * found.frames:
            reason = reason or FEW_FACES
            few = f"a face in {found.shown} of {found.frames} frames looked at"
            detail = f"{detail}; {few}" if detail else few
        verdict = replace(verdict, reason=reason, detail=detail)
        if self.cuts is None or verdict.p_fake is None:
            return verdict
        return replace(verdict, evidence=self.cuts.grade(verdict.p_fake))

    def _clip_verdict(self, found: Look, scores: Sequence[float]) -> Verdict:
        """The verdict of a model that takes clips, on the faces of each person."""
        clips, verdicts = [], []
        for (person, rows), p_fake in zip(self._chosen(found).items(), scores, strict=True):
            faces = [found.faces[row] for row in rows]
            boxes = tuple(face.box for face in faces)
            frames = tuple(face.frame for face in faces)
            clips.append(ClipVerdict(p_fake, person, boxes, frames, tuple(face.time for face in faces)))
            verdicts.append(PersonVerdict(person, p_fake, p_fake >= self.threshold, len(set(rows))))
        p_fake = max(scores)
        fake = p_fake >= self.threshold
        return Verdict((), p_fake, fake, found.frames, clips=tuple(clips), people=tuple(verdicts))

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

    def _scores(self, batch: Rgb) -> list[float]:
        scores = score_crops(self.model, batch)
        if not np.isfinite(scores).all():
            raise InputError("the model gives scores that are no numbers: its weights are damaged")
        if self.calibration:
            scores = self.calibration.apply(scores)
        return [float(p_fake) for p_fake in scores]


def _scored(found: Look, scores: Sequence[float]) -> list[FaceVerdict]:
    return [
        FaceVerdict(p_fake, face.box, face.frame, face.time, face.person, face.confidence, face.rotation)
        for p_fake, face in zip(scores, found.faces, strict=True)
    ]
