"""The detector: find faces, score them, come to a verdict on a photo or a video."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import structs

from dfdetect.cli import load_keras
from dfdetect.data.clips import fewest, shortage, spread
from dfdetect.data.sharpness import sharpness
from dfdetect.metrics.calibrating import Calibration
from dfdetect.metrics.estimates import LEVELS
from dfdetect.models.build import frames_of
from dfdetect.models.light import LightModel, Model, has_onnx
from dfdetect.models.shipped import DEFAULT, pretrained_folder
from dfdetect.predict.joining import Judged, judge_clips, judge_photo, judge_video
from dfdetect.predict.looking import Look, Rgb, Wanted, look, look_at_photo
from dfdetect.recipe import Recipe
from dfdetect.runs.calibration import Calibrations, calibrated, for_kind
from dfdetect.runs.environment import versions
from dfdetect.runs.exported import is_export, open_export, open_graph
from dfdetect.runs.folder import Run
from dfdetect.runs.scoring import score_crops
from dfdetect.runs.skill import note_told, skill_told, unfit
from dfdetect.verdict import (
    BLURRED,
    FEW_FACES,
    FEWEST_SHOWN,
    SUBSTANTIAL,
    UNCALIBRATED,
    Cuts,
    Face,
    Record,
    Verdict,
)
from face_extraction.digest import file_digest
from face_extraction.errors import InputError, unforeseen
from face_extraction.images import Photo, check_rgb
from face_extraction.ledger import FAILED, TOO_FEW, ItemFailed
from face_extraction.missing import extra
from face_extraction.settings import ExtractionSettings, read_settings

if TYPE_CHECKING:
    import keras

FRAMES = 16
"""Frames of a video that are searched by default, for a model that takes single faces."""
UNKNOWN_CROPS = (
    "How the faces of training were cropped is not recorded (ready-made crops, or weights from elsewhere): "
    "faces are cut with the default settings, which may differ; --whole takes pictures as they are."
)
"""The caution beside verdicts if the faces may not be cut as in training."""


class Detector:
    """A model with everything around it that a verdict needs; threads may share one.

    Example:
        >>> from dfdetect import build_model
        >>> detector = Detector(build_model("meso4", image_size=64), {}, None)
        >>> verdict = detector.judge("no such file.jpg")
        >>> verdict.level, verdict.reason
        (None, 'failed')

    Args:
        model: a model of `dfdetect.models`, or one that runs without Keras (`models.light`).
        calibrations: what its scores of a "face" and of a "video" mean, and the cuts between the levels of
            evidence; none where nobody measured it: there are scores, but no verdicts.
        settings: how faces are found and cropped: as they were for training; None, where that is not
            known, takes the defaults, and `note` says so.
        whole: take each picture as a face crop, and look for no face.
        policy: which faces of a photo, or of a video's frame, count; all of them whatever was extracted for
            training, because the one that was swapped need not be the largest.

    Attributes:
        weights_sha256: of the file that the weights come from; "" where that is not told.
        skill: what it showed on the run's test split, in words; "" of weights without a run.
        unfit: the reason why it gives no verdict on anything, of `verdict.WITHHELD`; "" if it does.
        unfit_detail: the same, in exact words.
        name: of the run; "" of weights without one.
        note: the cautions to show beside every verdict and that skill; "" if there are none.
        prevalence: the share of fakes among the files judged, above 0 and below 1, so that verdicts tell
            what an alarm is worth; None tells nothing of it.
        anchors: certificates of the signers of C2PA manifests to trust, as PEM; none trusts nobody.
        rotations: whether a photo without a face is turned by 90, 180 and 270 degrees; as for training,
            unless changed.
        compiled: whether to compile the model's function, which pays from about 50 faces on.
    """

    def __init__(
        self,
        model: Model,
        calibrations: Calibrations,
        settings: ExtractionSettings | None,
        *,
        whole: bool = False,
        policy: str = "all",
    ) -> None:
        self.model = model
        self.calibrations = dict(calibrations)
        self.settings = settings or ExtractionSettings()
        self.note = "" if settings or whole else UNKNOWN_CROPS
        self.skill = ""
        self.unfit = "" if calibrations else UNCALIBRATED
        self.unfit_detail = "" if calibrations else "give --threshold to choose a cut yourself"
        self.name = ""
        self.weights_sha256 = ""
        self.whole = whole
        self.policy = policy
        self.prevalence: float | None = None
        self.anchors = ""
        self.rotations = self.settings.rotations
        self.compiled = True
        self.frames = frames_of(model)
        self._load_keras: Callable[[], keras.Model] | None = None

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
        """The detector of a finished run, with its own calibration and, where it is known, its way to crop.

        A run that holds its model's graph, as those that ship do, runs without Keras where onnxruntime is
        installed: it starts in a fifth of the time, and its scores are the same to 1e-5.

        Args:
            folder: the run's.
            whole: as for the class.
            policy: as for the class.

        Raises:
            InputError: the folder is not a finished run; or it needs Keras, which is not installed.
        """
        run = Run(Path(folder))
        run.require_finished()
        is_light = run.graph.is_file() and has_onnx()
        model = open_graph(run) if is_light else keras_model(run)
        detector = cls(model, calibrated(run), read_settings(run.folder), whole=whole, policy=policy)
        detector._load_keras = lambda: keras_model(run)
        detector.skill = skill_told(run)
        detector.name = run.name
        if any(why := unfit(run)):
            detector.unfit, detector.unfit_detail = why
        detector.note = " ".join(filter(None, [detector.note, note_told(run)]))
        detector.weights_sha256 = file_digest(run.weights)
        return detector

    @classmethod
    def from_path(cls, path: Path, *, whole: bool = False, policy: str = "all") -> "Detector":
        """The detector of a run's folder (`from_run`) or of an export (`from_export`).

        Raises:
            InputError: as these two.
        """
        made = cls.from_export if is_export(path) else cls.from_run
        return made(path, whole=whole, policy=policy)

    @classmethod
    def from_export(cls, path: Path | str, *, whole: bool = False, policy: str = "all") -> "Detector":
        """The detector of a file that `dfdetect.export` wrote; it needs no Keras.

        Args:
            path: an .onnx file, or a .tflite file with its JSON file beside it.
            whole: as for the class.
            policy: as for the class.

        Raises:
            InputError: it is no such file, or damaged; or the package that runs it is not installed.
        """
        path = Path(path)
        model, about = open_export(path)
        detector = cls(model, about.calibrations, about.extraction, whole=whole, policy=policy)
        detector.skill = about.skill
        detector.name = about.run.name
        if any(about.unfit):
            detector.unfit, detector.unfit_detail = about.unfit
        detector.note = " ".join(filter(None, [detector.note, about.note]))
        detector.weights_sha256 = file_digest(path)
        return detector

    @classmethod
    def from_weights(
        cls, recipe: Recipe, weights: Path | str, *, whole: bool = False, policy: str = "all"
    ) -> "Detector":
        """The detector of a model whose weights come from elsewhere: no calibration, default crops.

        Args:
            recipe: how the model is built; `Recipe(model=NAME)` for a family's defaults.
            weights: a file with the weights of the whole model.
            whole: as for the class.
            policy: as for the class.

        Raises:
            InputError: the model is unknown, or the file does not hold its weights, head and all.
        """
        require_keras(str(weights))
        load_keras()
        from dfdetect.runs.build import build_from_recipe

        named = recipe.with_changes(weights=str(weights), partial_weights=False)
        model = build_from_recipe(named, whole=True)
        detector = cls(model, {}, None, whole=whole, policy=policy)
        detector.weights_sha256 = file_digest(Path(weights))
        return detector

    def set_threshold(self, threshold: float, origin: str) -> None:
        """Judge by one cut: substantial evidence from `threshold` on, little below it.

        Args:
            threshold: a score as the detector gives it (calibrated, if it is), 0 to 1.
            origin: where it comes from, in words.

        Raises:
            ValueError: the threshold is out of its range.
        """
        self.calibrations = {
            level: self.calibrations.get(level, Calibration()).with_cut(threshold, origin) for level in LEVELS
        }
        if self.unfit == UNCALIBRATED:
            self.unfit = self.unfit_detail = ""

    def set_bounds(self, false_alarms: float | None, missed: float | None) -> None:
        """Choose other cuts by the bounds on errors; None leaves a bound as it is.

        Args:
            false_alarms: the largest share of reals called substantial, 0 to 1.
            missed: the largest share of fakes called little, 0 to 1.

        Raises:
            ValueError: a share is out of its range.
        """
        bounds = {"false_alarms": false_alarms, "missed": missed}
        changed = {name: bound for name, bound in bounds.items() if bound is not None}
        self.calibrations = {
            level: structs.replace(known, **changed) for level, known in self.calibrations.items()
        }

    def judge(self, path: Path | str, *, frames: int | None = None) -> Verdict:
        """The verdict on one file; a failure, of whatever kind, is a verdict without a level.

        A video is judged by frames evenly spaced over the whole of it. Each person's score is the mean over
        their faces, and the video's comes from the highest of them: one fake person makes a fake video. A
        photo's score comes from its highest face. Both are corrected for the number of faces or people
        (`Calibration.corrected`). A video that ends early, or is damaged, is judged by what can be read, and
        says so. A model that takes clips gets each person's faces chosen among those found as in training.

        Args:
            path: a photo or a video: by its suffix, and where that names neither, or the file is no
                photo, by what is in it.
            frames: how many frames of a video are searched; None for `frames_wanted`.

        Raises:
            InputError: the model is at fault, and would be with every file.
            ValueError: `frames` is below 1.
        """
        (verdict,) = self.judge_looks([look(Path(path), self.wanted(frames))], frames=frames)
        return verdict

    def predict_image(self, rgb: Rgb) -> list[Face]:
        """Score the faces of a picture in memory, largest first; `rotations` applies as to a photo's file.

        Args:
            rgb: uint8 of shape (H, W, 3), RGB.

        Raises:
            ItemFailed: there is no face, or the model takes clips.
            TypeError: `rgb` is no array of uint8.
            ValueError: `rgb` has another shape.
        """
        found = look_at_photo(Photo(check_rgb(rgb)), self.wanted())
        if not found.faces:
            raise ItemFailed(found.reason, found.detail)
        return list(judge_photo(found, self._scores(found.crops), self.calibration("photo")).faces)

    @property
    def explains(self) -> bool:
        """Whether it can show where it looked."""
        return not self.unexplained

    @property
    def unexplained(self) -> str:
        """Why there are no heat maps, in a sentence; "" if there are."""
        if self.frames:
            return "There are no heat maps: this model takes clips."
        if isinstance(self.model, LightModel) and self._load_keras is None:
            return "There are no heat maps: the detector is an export, which lacks the layers that they need."
        return "" if has_keras() else "There are no heat maps: Keras, which they need, is not installed."

    @cached_property
    def keras_model(self) -> "keras.Model":
        """The model as Keras has it, for heat maps; loaded when it is first asked for.

        Raises:
            InputError: Keras is not installed, or the detector comes from an export, which lacks the layers.
        """
        if not isinstance(self.model, LightModel):
            return self.model
        if self._load_keras is None:
            raise InputError(self.unexplained)
        return self._load_keras()

    @property
    def frames_wanted(self) -> int:
        """Frames of a video that are searched by default.

        16, or as many as the training's extraction searched where the model takes clips.
        """
        return self.settings.faces_per_video if self.frames else FRAMES

    def wanted(self, frames: int | None = None) -> Wanted:
        """How faces are found and cut for this model; `frames` as for `judge`."""
        settings = replace(self.settings, policy=self.policy, rotations=self.rotations)
        size = int(self.model.input_shape[-2])
        return Wanted(settings, self.whole, size, self._frames(frames), self.frames, self.anchors)

    def _frames(self, frames: int | None) -> int:
        if frames is not None and frames < 1:
            raise ValueError(f"frames must be 1 or more, or None. Received: {frames}")
        return self.frames_wanted if frames is None else frames

    def judge_looks(self, looks: Sequence[Look], *, frames: int | None = None) -> list[Verdict]:
        """The verdicts on files, in order; the faces of all of them go through the model together.

        Where the model fails with several files, each is tried alone: one strange file must not end a run of
        days.

        Args:
            looks: what was found in each file, by `wanted`.
            frames: as for `judge`; kept in the record.

        Raises:
            InputError: the model is at fault, and would be with every file.
        """
        try:
            return self._judge(looks, frames)
        except InputError:
            raise
        except Exception as error:
            if len(looks) > 1:
                return [verdict for found in looks for verdict in self.judge_looks([found], frames=frames)]
            broken = replace(looks[0], reason=FAILED, detail=unforeseen(error))
            return [self._verdict(broken, Judged(), frames)]

    def _judge(self, looks: Sequence[Look], frames: int | None) -> list[Verdict]:
        asked = [self._asked(found) for found in looks]
        inputs = [batch for batch in asked if isinstance(batch, np.ndarray)]
        scores = self._scores(np.concatenate(inputs)) if inputs else []
        verdicts, start = [], 0
        for found, batch in zip(looks, asked, strict=True):
            if isinstance(batch, ItemFailed):
                why = replace(found, reason=batch.reason, detail=batch.detail)
                verdicts.append(self._verdict(why, Judged(), frames))
                continue
            own = scores[start : start + len(batch)]
            verdicts.append(self._verdict(found, self._joined(found, own), frames))
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

    def calibration(self, kind: str) -> Calibration:
        """What joins and grades the scores of a "photo" or a "video".

        Where nobody calibrated the detector, it leaves scores as they are.
        """
        return for_kind(self.calibrations, kind) or Calibration()

    def _joined(self, found: Look, scores: Sequence[float]) -> Judged:
        """Join the scores of a file's faces, which `_asked` chose, to what is said of the file."""
        if self.frames:
            return judge_clips(found, self._chosen(found), scores, self.calibration("video"))
        how = judge_photo if found.kind == "photo" else judge_video
        return how(found, scores, self.calibration(found.kind))

    def _verdict(self, found: Look, judged: Judged, frames: int | None) -> Verdict:
        """The verdict on a file; without a level where nothing was scored or the verdict is withheld."""
        withheld = self._withheld(found, judged) if judged.score is not None else None
        cuts = self.calibration(found.kind)
        level = None if judged.score is None or withheld else cuts.grade(judged.score)
        reason, detail = withheld or (found.reason, found.detail)
        verdict = Verdict(
            file=found.path,
            kind=found.kind,
            reason=reason,
            detail=detail,
            width=found.size[0],
            height=found.size[1],
            frames=found.frames,
            provenance=found.provenance,
            record=structs.replace(self.record(found.kind, frames), sha256=found.sha256, bytes=found.bytes),
            level=level,
            **(judged if level else judged.without_levels()).fields(),
        )
        return verdict if self.prevalence is None else self.with_alarms(verdict, self.prevalence)

    def with_alarms(self, verdict: Verdict, prevalence: float) -> Verdict:
        """The verdict with what an alarm is worth; any other than substantial evidence stays as it is.

        Args:
            verdict: of this detector.
            prevalence: the share of fakes among the files judged, above 0 and below 1.
        """
        if verdict.level != SUBSTANTIAL:
            return verdict
        return structs.replace(verdict, alarms=self.calibration(verdict.kind).alarms(prevalence))

    def _withheld(self, found: Look, judged: Judged) -> tuple[str, str] | None:
        """Why there is no verdict although there is a score, as reason and detail; None if there is one."""
        if self.unfit:
            return self.unfit, self.unfit_detail
        if found.shown < FEWEST_SHOWN * found.frames:
            few = f"a face in {found.shown} of {found.frames} frames looked at"
            return FEW_FACES, "; ".join(filter(None, [few, found.detail]))
        return self._blurred(found, judged)

    def _blurred(self, found: Look, judged: Judged) -> tuple[str, str] | None:
        """The same where the faces that count are more blurred than nearly all of validation's."""
        least = self.calibration(found.kind).least_sharpness
        if least is None:
            return None
        counting = [face.index for face in judged.faces if face.counts] or range(len(found.crops))
        middle = float(np.median([sharpness(found.crops[index]) for index in counting]))
        if middle >= least:
            return None
        return BLURRED, f"sharpness {middle:.3g}; the detector was tested on {least:.3g} and more"

    def record(self, kind: str = "video", frames: int | None = None) -> Record:
        """What is needed to repeat its verdicts on photos or videos, but of the file.

        Args:
            kind: "photo" or "video".
            frames: as for `judge`.
        """
        cuts = for_kind(self.calibrations, kind)
        return Record(
            model=self.name,
            model_sha256=self.weights_sha256,
            skill=self.skill,
            note=self.note,
            calibrated=bool(cuts and cuts.method != "none"),
            cuts=_told(cuts) if cuts else None,
            settings=self._settings(frames),
            versions=_versions(self.model.backend if isinstance(self.model, LightModel) else ""),
        )

    def _settings(self, frames: int | None) -> dict[str, Any]:
        """How faces are looked for and cut, by the names of the flags and of extraction.toml."""
        used = self.settings
        return {
            "whole": self.whole,
            "policy": self.policy,
            "rotations": self.rotations,
            "frames": self._frames(frames),
            "detector": used.detector,
            "min_face": used.min_face,
            "crop_margin": used.crop.margin,
            "crop_align": used.crop.align,
            "crop_size": int(self.model.input_shape[-2]),
        }

    def _scores(self, batch: Rgb) -> list[float]:
        scores = score_crops(self.model, batch, compiled=self.compiled)
        if not np.isfinite(scores).all():
            raise InputError("the model gives scores that are no numbers: its weights are damaged")
        return [float(score) for score in scores]


def _told(cuts: Calibration) -> Cuts:
    return Cuts(lower=cuts.lower, upper=cuts.upper, origin=cuts.origin, reals=len(cuts.val.reals))


def has_keras() -> bool:
    """Whether Keras is installed."""
    return find_spec("keras") is not None


def require_keras(what: str) -> None:
    """Refuse what only Keras can run where it is not installed.

    Raises:
        InputError: it is not installed.
    """
    if not has_keras():
        raise InputError(
            f"{what}: needs Keras and TensorFlow: {extra('train')}; without them, '.[onnx]' runs what ships, "
            "and what dfdetect.export writes"
        )


def keras_model(run: Run) -> "keras.Model":
    """A run's model as Keras has it.

    Raises:
        InputError: Keras is not installed, or see `runs.build.load_model`.
    """
    require_keras(str(run.folder))
    load_keras()
    from dfdetect.runs.build import load_model

    return load_model(run)


@cache
def _versions(backend: str) -> dict[str, str]:
    return versions(backend)
