"""Figures of faces: each with its heat maps and its prediction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import keras
import numpy as np

from dfdetect.explain.heat_maps import EMPTY, Rgb, coloured, heat_map, is_empty, overlay
from dfdetect.explain.registry import get_method
from dfdetect.metrics.calibrating import Calibration
from dfdetect.render.figures.explanation import HeatPictures, Prediction, explained_face
from dfdetect.render.text import shown_score
from dfdetect.runs.calibration import cuts_at_home
from dfdetect.runs.folder import Run
from dfdetect.runs.scoring import score_crops
from dfdetect.runs.skill import unfit
from dfdetect.verdict import WITHHELD, WORDS
from face_extraction.cutting import cut_photo
from face_extraction.images import read_photo, read_rgb, resize
from face_extraction.ledger import ItemFailed, LedgerRow
from face_extraction.proposing import detector_for
from face_extraction.settings import ExtractionSettings, read_settings


@dataclass(frozen=True)
class Explainer:
    """Draws explanations with the model of a run.

    Attributes:
        run: a finished run of single faces.
        model: its model.
        methods: names of the methods; each gets a row of the figure.
    """

    run: Run
    model: keras.Model
    methods: Sequence[str]

    def explain(self, paths: Sequence[Path], out: Path, *, whole: bool) -> tuple[list[str], list[LedgerRow]]:
        """Draw one figure for each face of some photos.

        Args:
            paths: the photos.
            out: the folder of the figures.
            whole: take each photo as a face crop, and look for no face.

        Returns:
            A line for each face, and a ledger row for each photo that gave none.

        Raises:
            InputError: a method does not suit the model.
        """
        lines: list[str] = []
        ledger: list[LedgerRow] = []
        for number, path in enumerate(paths, start=1):
            try:
                for place, face in enumerate(self._faces(path, whole=whole), start=1):
                    # By number too: files of one name lie in different folders.
                    file = out / f"{number:03d}-{path.stem}-{place}.png"
                    lines.append(f"{path}, face {place}: {self._draw(face, file)}: {file}")
            except ItemFailed as error:
                ledger.append(LedgerRow(str(path), error.reason, error.detail))
        return lines, ledger

    def _faces(self, path: Path, *, whole: bool) -> Iterator[Rgb]:
        """The crops of a photo's faces.

        Raises:
            ItemFailed: it cannot be read, or no face is found in it.
        """
        if whole:
            yield read_rgb(path)
            return
        for found in cut_photo(read_photo(path), detector_for(self._settings), self._settings):
            yield found.crop

    @cached_property
    def _settings(self) -> ExtractionSettings:
        # All faces, as in a prediction: the one that was swapped need not be the largest.
        return replace(read_settings(self.run.folder) or ExtractionSettings(), policy="all")

    def _draw(self, face: Rgb, path: Path) -> str:
        """Draw a face's figure, and return its prediction in words."""
        prediction = self.predict(face)
        maps = []
        said = [f"p_fake {shown_score(prediction.p_fake, prediction.threshold)}, {prediction.said}"]
        for name in self.methods:
            heat, title = heat_map(self.model, face, name), get_method(name).title
            note = EMPTY if is_empty(heat) else ""
            maps.append(HeatPictures(title, coloured(heat), overlay(face, heat), note))
            said += [f"{title}: {note}"] if note else []
        explained_face(face, maps, prediction, path)
        return "; ".join(said)

    def predict(self, face: Rgb) -> Prediction:
        """What the run says of a face alone, by its calibration for photos, if it has one."""
        (raw,) = score_crops(self.model, resize(face, self.model.input_shape[1])[None])
        p_fake = float(self._calibration.apply(np.array([raw]))[0])
        said = (
            f"no verdict: {WITHHELD[self._unfit]}" if self._unfit else WORDS[self._calibration.grade(p_fake)]
        )
        return Prediction(p_fake, self._calibration.upper, said)

    @cached_property
    def _calibration(self) -> Calibration:
        return cuts_at_home(self.run, "photo")

    @cached_property
    def _unfit(self) -> str:
        return unfit(self.run)[0]
