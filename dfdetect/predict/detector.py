"""The detector: find faces, score them, come to a verdict on a photo or a video."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import structs

from dfdetect.metrics.calibrating import Calibration
from dfdetect.metrics.estimates import LEVELS
from dfdetect.models.build import frames_of
from dfdetect.models.light import LightModel, Model, has_onnx
from dfdetect.models.shipped import DEFAULT, pretrained_folder
from dfdetect.predict.joining import Judged, Scorable, judge_photo
from dfdetect.predict.keras_models import has_keras, model_of_run, model_of_weights
from dfdetect.predict.looking import Look, Rgb, Wanted, look, look_at_photo
from dfdetect.predict.options import FRAMES, Options
from dfdetect.predict.withholding import withheld
from dfdetect.recipe import Recipe
from dfdetect.runs.about import About, about_run
from dfdetect.runs.calibration import Calibrations, for_kind
from dfdetect.runs.environment import versions
from dfdetect.runs.exported import is_export, open_export, open_graph
from dfdetect.runs.folder import Run
from dfdetect.runs.scoring import score_crops
from dfdetect.verdict import SUBSTANTIAL, UNCALIBRATED, Cuts, Face, Record, Verdict
from face_extraction.digest import file_digest
from face_extraction.errors import InputError, unforeseen
from face_extraction.images import Photo, check_rgb
from face_extraction.ledger import FAILED, ItemFailed
from face_extraction.settings import ExtractionSettings

if TYPE_CHECKING:
    import keras

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
        **options: fields of `Options`, such as `frames=32` or `whole=True`.

    Attributes:
        options: how it judges files; another one may be set.
        weights_sha256: of the file that the weights come from; "" where that is not told.
        skill: what it showed on the run's test split, in words; "" of weights without a run.
        cautions: the run's, to show beside every verdict and that skill; "" if there are none.
        unfit: the reason why it gives no verdict on anything, of `verdict.WITHHELD`; "" if it does.
        unfit_detail: the same, in exact words.
        name: of the run; "" of weights without one.
    """

    def __init__(
        self,
        model: Model,
        calibrations: Calibrations,
        settings: ExtractionSettings | None,
        **options: Any,
    ) -> None:
        self.model = model
        self.calibrations = dict(calibrations)
        self.settings = settings or ExtractionSettings()
        self.options = Options(**options)
        self.name = self.skill = self.cautions = self.weights_sha256 = ""
        self.unfit = "" if calibrations else UNCALIBRATED
        self.unfit_detail = "" if calibrations else "give --threshold to choose a cut yourself"
        self._knows_crops = settings is not None
        self._clip = frames_of(model)
        self._load_keras: Callable[[], keras.Model] | None = None

    @classmethod
    def default(cls, name: str = DEFAULT, **options: Any) -> "Detector":
        """A detector that ships with the package: it needs no training and no data.

        Args:
            name: one of `dfdetect.pretrained.list_pretrained()`.
            **options: as for the class.

        Raises:
            InputError: none ships under that name.
        """
        return cls.from_run(pretrained_folder(name), **options)

    @classmethod
    def from_path(cls, path: Path, **options: Any) -> "Detector":
        """The detector of a run's folder (`from_run`) or of an export (`from_export`).

        Raises:
            InputError: as these two.
        """
        made = cls.from_export if is_export(path) else cls.from_run
        return made(path, **options)

    @classmethod
    def from_run(cls, folder: Path | str, **options: Any) -> "Detector":
        """The detector of a finished run, with its own calibration and, where it is known, its way to crop.

        A run that holds its model's graph, as those that ship do, runs without Keras where onnxruntime is
        installed: it starts in a fifth of the time, and its scores are the same to 1e-5.

        Args:
            folder: the run's.
            **options: as for the class.

        Raises:
            InputError: the folder is not a finished run; or it needs Keras, which is not installed.
        """
        run = Run(Path(folder))
        run.require_finished()
        is_light = run.graph.is_file() and has_onnx()
        model = open_graph(run) if is_light else model_of_run(run)
        detector = cls._of(model, about_run(run), run.weights, options)
        detector._load_keras = lambda: model_of_run(run)
        return detector

    @classmethod
    def from_export(cls, path: Path | str, **options: Any) -> "Detector":
        """The detector of a file that `dfdetect.export` wrote; it needs no Keras.

        Args:
            path: an .onnx file, or a .tflite file with its JSON file beside it.
            **options: as for the class.

        Raises:
            InputError: it is no such file, or damaged; or the package that runs it is not installed.
        """
        path = Path(path)
        model, about = open_export(path)
        return cls._of(model, about, path, options)

    @classmethod
    def from_weights(cls, recipe: Recipe, weights: Path | str, **options: Any) -> "Detector":
        """The detector of a model whose weights come from elsewhere: no calibration, default crops.

        Args:
            recipe: how the model is built; `Recipe(model=NAME)` for a family's defaults.
            weights: a file with the weights of the whole model.
            **options: as for the class.

        Raises:
            InputError: the model is unknown, or the file does not hold its weights, head and all.
        """
        detector = cls(model_of_weights(recipe, Path(weights)), {}, None, **options)
        detector.weights_sha256 = file_digest(Path(weights))
        return detector

    @classmethod
    def _of(cls, model: Model, about: About, weights: Path, options: dict[str, Any]) -> "Detector":
        detector = cls(model, about.calibrations, about.extraction, **options)
        detector.name, detector.skill, detector.cautions = about.run.name, about.skill, about.note
        if any(about.unfit):
            detector.unfit, detector.unfit_detail = about.unfit
        detector.weights_sha256 = file_digest(weights)
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

    @property
    def note(self) -> str:
        """The cautions to show beside every verdict and the skill; "" if there are none."""
        crops = "" if self._knows_crops or self.options.whole else UNKNOWN_CROPS
        return " ".join(filter(None, [crops, self.cautions]))

    @property
    def frames_wanted(self) -> int:
        """Frames of a video that are searched, as `options` say."""
        usual = self.settings.faces_per_video if self._clip else FRAMES
        return self.options.frames or usual

    def wanted(self) -> Wanted:
        """How faces are found and cut for this model."""
        chosen = self.options
        rotations = self.settings.rotations if chosen.rotations is None else chosen.rotations
        return Wanted(
            replace(self.settings, policy=chosen.policy, rotations=rotations),
            chosen.whole,
            size=int(self.model.input_shape[-2]),
            frames=self.frames_wanted,
            clip=self._clip,
            anchors=chosen.anchors,
        )

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
            frames: as in `Options`, for this file; None leaves it as it is there.

        Raises:
            InputError: the model is at fault, and would be with every file.
            ValueError: `frames` is below 1.
        """
        if frames is not None:
            other = copy(self)
            other.options = replace(self.options, frames=frames)
            return other.judge(path)
        (verdict,) = self.judge_looks([look(Path(path), self.wanted())])
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

    def judge_looks(self, looks: Sequence[Look]) -> list[Verdict]:
        """The verdicts on files, in order; the faces of all of them go through the model together.

        Where the model fails with several files, each is tried alone: one strange file must not end a run of
        days.

        Args:
            looks: what was found in each file, by `wanted`.

        Raises:
            InputError: the model is at fault, and would be with every file.
        """
        try:
            return self._judge([Scorable.of(found, self._clip) for found in looks])
        except InputError:
            raise
        except Exception as error:
            if len(looks) > 1:
                return [verdict for found in looks for verdict in self.judge_looks([found])]
            broken = replace(looks[0], reason=FAILED, detail=unforeseen(error))
            return [self._verdict(broken, Judged())]

    def _judge(self, files: Sequence[Scorable]) -> list[Verdict]:
        inputs = [file.inputs if file.look.faces else () for file in files]
        filled = [batch for batch in inputs if len(batch)]
        scores = iter(self._scores(np.concatenate(filled)) if filled else ())
        verdicts = []
        for file, batch in zip(files, inputs, strict=True):
            own = list(islice(scores, len(batch)))
            judged = file.join(own, self.calibration(file.look.kind))
            verdicts.append(self._verdict(file.look, judged))
        return verdicts

    def _scores(self, batch: Rgb) -> list[float]:
        scores = score_crops(self.model, batch, compiled=self.options.compiled)
        if not np.isfinite(scores).all():
            raise InputError("the model gives scores that are no numbers: its weights are damaged")
        return [float(score) for score in scores]

    def _verdict(self, found: Look, judged: Judged) -> Verdict:
        """The verdict on a file; without a level where nothing was scored or the verdict is withheld."""
        cuts = self.calibration(found.kind)
        why = None
        if judged.score is not None:
            own = (self.unfit, self.unfit_detail)
            why = own if self.unfit else withheld(found, judged, cuts.least_sharpness)
        level = None if judged.score is None or why else cuts.grade(judged.score)
        reason, detail = why or (found.reason, found.detail)
        verdict = Verdict(
            file=found.path,
            kind=found.kind,
            reason=reason,
            detail=detail,
            width=found.size[0],
            height=found.size[1],
            frames=found.frames,
            provenance=found.provenance,
            record=structs.replace(self.record(found.kind), sha256=found.sha256, bytes=found.bytes),
            level=level,
            **(judged if level else judged.without_levels()).fields(),
        )
        prevalence = self.options.prevalence
        return verdict if prevalence is None else self.with_alarms(verdict, prevalence)

    def with_alarms(self, verdict: Verdict, prevalence: float) -> Verdict:
        """The verdict with what an alarm is worth; any other than substantial evidence stays as it is.

        Args:
            verdict: of this detector.
            prevalence: the share of fakes among the files judged, above 0 and below 1.
        """
        if verdict.level != SUBSTANTIAL:
            return verdict
        return structs.replace(verdict, alarms=self.calibration(verdict.kind).alarms(prevalence))

    def calibration(self, kind: str) -> Calibration:
        """What joins and grades the scores of a "photo" or a "video".

        Where nobody calibrated the detector, it leaves scores as they are.
        """
        return for_kind(self.calibrations, kind) or Calibration()

    def record(self, kind: str = "video") -> Record:
        """What is needed to repeat its verdicts on photos or videos, but of the file.

        Args:
            kind: "photo" or "video".
        """
        cuts = for_kind(self.calibrations, kind)
        return Record(
            model=self.name,
            model_sha256=self.weights_sha256,
            skill=self.skill,
            note=self.note,
            calibrated=bool(cuts and cuts.method != "none"),
            cuts=_told(cuts) if cuts else None,
            settings=self.wanted().told(),
            versions=_versions(self.model.backend if isinstance(self.model, LightModel) else ""),
        )

    @property
    def explains(self) -> bool:
        """Whether it can show where it looked."""
        return not self.unexplained

    @property
    def unexplained(self) -> str:
        """Why there are no heat maps, in a sentence; "" if there are."""
        if self._clip:
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


def _told(cuts: Calibration) -> Cuts:
    return Cuts(lower=cuts.lower, upper=cuts.upper, origin=cuts.origin, reals=len(cuts.val.reals))


@cache
def _versions(backend: str) -> dict[str, str]:
    return versions(backend)
