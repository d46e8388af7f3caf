"""The page of a run's surest mistakes: one face a group, with what is known of it and its heat map."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from dfdetect.evaluate.evaluating import Job
from dfdetect.evaluate.registry import Face, list_slices
from dfdetect.evaluate.slicing import value_of
from dfdetect.explain.heat_maps import EMPTY, default_method, heat_maps, is_empty, overlay
from dfdetect.explain.registry import get_method
from dfdetect.predictions import Predictions
from dfdetect.render.figures.cases import surest
from dfdetect.render.templating import render
from dfdetect.render.text import clock, show, shown_score
from dfdetect.render.verdict_page import Picture
from dfdetect.runs.calibration import cuts_at_home
from dfdetect.runs.folder import Run
from dfdetect.verdict import WORDS
from face_extraction.atomic import write_text
from face_extraction.images import Unreadable, jpeg_bytes, read_rgb, resize
from face_extraction.landmarks import read_landmarks
from face_extraction.manifest import FAKE, LABEL_NAMES, REAL, FaceSample
from face_extraction.wording import plural

EACH = 12
"""Mistakes of each kind on the page."""
SIDE = 224
"""Side of a picture on the page, in pixels."""
CLIPS = "There are no heat maps: the model takes clips, and each picture is the first face of one."


@dataclass(frozen=True)
class Mistake:
    """A face that was judged wrongly.

    Attributes:
        sample: its row.
        facts: names and values for readers.
        picture: the crop; None if it cannot be read.
        heat_map: the crop with its heat map; None without one.
    """

    sample: FaceSample
    facts: dict[str, str]
    picture: Picture | None
    heat_map: Picture | None


@dataclass(frozen=True)
class Kind:
    """The mistakes of one kind.

    Attributes:
        title: such as "Reals called fake".
        count: how many there are, in a sentence.
        mistakes: the surest, at most `EACH`.
    """

    title: str
    count: str
    mistakes: Sequence[Mistake]


def write_errors(job: Job, load: Callable[[Run], keras.Model]) -> Path:
    """Write the page of a finished evaluation's surest mistakes, and return its path.

    Args:
        job: the evaluation.
        load: gives the run's model, for heat maps.
    """
    level = job.recipe.levels[0]
    scored = job.results.predictions(job.split).at_level(level).known()
    chosen = {label: choose(scored, label, job.run.threshold()) for label in (REAL, FAKE)}
    rows = [row for indices in chosen.values() for row in indices]
    crops = {row: _crop(job.data.path.parent / scored.samples[row].path) for row in rows}
    maps, empty, said = _heat_maps(job, load, {row: crop for row, crop in crops.items() if crop is not None})
    facts = _Facts(job, scored)
    kinds = [
        Kind(
            f"{LABEL_NAMES[label].capitalize()}s called {LABEL_NAMES[1 - label]}",
            _count(scored, label, job.run.threshold()),
            [
                Mistake(
                    scored.samples[row],
                    facts.of(row) | ({"Heat map": EMPTY} if row in empty else {}),
                    _picture(crops[row], scored.samples[row].path),
                    _picture(maps.get(row), f"Heat map of {scored.samples[row].path}"),
                )
                for row in indices
            ],
        )
        for label, indices in chosen.items()
    ]
    page = render(
        "errors.html.j2",
        name=job.results.folder.name,
        run=job.run.folder.name,
        model=job.recipe.model,
        manifest=job.data.path,
        threshold=job.run.threshold(),
        kinds=kinds,
        maps=said,
        slices=list_slices(),
        notices=[*job.notices, *job.seen.told],
    )
    write_text(job.results.errors_page, page)
    return job.results.errors_page


def choose(scored: Predictions, label: int, threshold: float) -> list[int]:
    """The surest mistakes among the faces of one class, one a group, the surest first; at most `EACH`.

    Args:
        scored: faces or clips with known labels.
        label: the class.
        threshold: a score from here on is called fake.
    """
    return surest(scored, label, 1 - label, threshold, scored.groups)[:EACH]


def _count(scored: Predictions, label: int, threshold: float) -> str:
    mine = scored.labels == label
    wrong = mine & ((scored.p_fake >= threshold) == (label == REAL))
    groups = len(set(scored.groups[wrong].tolist()))
    shown = f" Below is the surest of each group, at most {EACH}." if groups else ""
    of = plural(int(mine.sum()), LABEL_NAMES[label])
    return f"{int(wrong.sum()):,} of {of}, in {plural(groups, 'group')}.{shown}"


class _Facts:
    """What the page says of each face."""

    def __init__(self, job: Job, scored: Predictions) -> None:
        self._job, self._scored = job, scored
        level = job.recipe.levels[0]
        self._cuts = cuts_at_home(job.run, level)
        self._threshold = job.run.threshold()
        self._rows = {sample.path: sample for sample in job.samples}
        self._points = read_landmarks(job.data.path.parent).points
        videos = scored.by_video()
        self._videos = {
            (sample.video_key, sample.label): float(p_fake)
            for sample, p_fake in zip(videos.samples, videos.p_fake, strict=True)
        }
        self._faces = Counter((sample.video_key, sample.label) for sample in scored.samples)

    def of(self, row: int) -> dict[str, str]:
        """The facts about one face."""
        sample = self._rows.get(self._scored.samples[row].path, self._scored.samples[row])
        p_fake, video = self._scored.p_fake[row], (sample.video_key, sample.label)
        calibrated = float(self._cuts.apply(p_fake))
        facts = {
            "Score": shown_score(float(p_fake), self._threshold),
            "Evidence": f"{WORDS[self._cuts.grade(calibrated)].removesuffix(' evidence of manipulation')} "
            f"(calibrated {calibrated:.3f})"
            if self._cuts.cut is None
            else "",
            "Group": sample.group,
            "Video": _place(sample),
            # Of one face, it is that face's.
            "Video's score": shown_score(self._videos[video], self._threshold)
            if sample.video and self._faces[video] > 1
            else "",
            "File": sample.path,
        }
        face = Face(
            sample,
            self._job.data.path.parent / sample.path,
            self._job.recipe.image_size,
            self._points.get(sample.path),
        )
        values = {each: value_of(each, face) for each in list_slices()}
        facts |= {each.title: each.show(value) for each, value in values.items() if value is not None}
        return {name: show(value) for name, value in facts.items() if value}


def _place(sample: FaceSample) -> str:
    """The video and the time in it, which ready-made crops do not know."""
    return f"{sample.video}, {clock(sample.time)}" if sample.video and any(sample.box) else sample.video


def _crop(path: Path) -> NDArray[np.uint8] | None:
    try:
        return read_rgb(path)
    except Unreadable:
        return None


def _heat_maps(
    job: Job, load: Callable[[Run], keras.Model], crops: dict[int, NDArray[np.uint8]]
) -> tuple[dict[int, NDArray[np.uint8]], set[int], str]:
    """The crops with their heat maps, those whose map is empty, and a sentence on all."""
    if job.recipe.frames:
        return {}, set(), CLIPS
    if not crops:
        return {}, set(), ""
    model = load(job.run)
    method = default_method(model)
    side = int(model.input_shape[1])
    heats = heat_maps(model, np.stack([resize(crop, side) for crop in crops.values()]), method)
    laid = {
        row: resize(overlay(resize(crop, side), heat), SIDE)
        for (row, crop), heat in zip(crops.items(), heats, strict=True)
    }
    empty = {row for row, heat in zip(crops, heats, strict=True) if is_empty(heat)}
    said = (
        f"The second picture is a heat map ({get_method(method).title}): bright parts raised the score of "
        "this face most, however low it is. It is a rough guide, and proves nothing."
    )
    return laid, empty, said


def _picture(rgb: NDArray[np.uint8] | None, title: str) -> Picture | None:
    return None if rgb is None else Picture(jpeg_bytes(resize(rgb, SIDE)), title)
