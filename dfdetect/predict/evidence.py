"""The evidence report of one file: its verdict with the pictures that it rests on."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.render.text import clock
from dfdetect.render.verdict_page import Picture, Shown, render_verdict
from dfdetect.verdict import Face, Verdict
from face_extraction.atomic import write_text
from face_extraction.frames import read_frames
from face_extraction.images import jpeg_bytes, read_photo, resize
from face_extraction.ledger import ItemFailed

if TYPE_CHECKING:
    import keras

HEAT_SIDE = 384
"""Side of a heat map's picture, in pixels: the model's own crops are too small to look at."""
HEAT_MAPS = 4
"""Heat maps in a report."""
WIDEST = 1280
"""Longer side of a picture in the report, in pixels."""


def write_report(verdict: Verdict, out: Path, heat_maps: Sequence[Picture] | str = ()) -> None:
    """Write the report of a verdict on a file that is still there, atomically.

    Args:
        verdict: from `Detector.judge`.
        out: the HTML file to write.
        heat_maps: where the detector looked, from `dfdetect.explain`; or why there are none, in a sentence.
    """
    write_text(out, render_verdict(verdict, shown_pictures(verdict), heat_maps))


def telling_faces(verdict: Verdict) -> list[Face]:
    """The faces that tell most, the highest score first: those whose heat maps a report shows."""
    if verdict.timeline:
        return [verdict.faces[place] for place in verdict.timeline.telling[:HEAT_MAPS]]
    return sorted(verdict.faces, key=lambda face: -face.score)[:HEAT_MAPS]


def heat_title(face: Face, verdict: Verdict) -> str:
    """What stands below a face's heat map."""
    return f"{clock(face.time)}, person {face.person}" if verdict.people else f"Face {face.index + 1}"


def heat_picture(model: "keras.Model", crop: NDArray[np.uint8], title: str) -> Picture:
    """A face with its heat map, by the model's default method; the caption tells if the map is empty.

    Args:
        model: it takes single faces.
        crop: the face as the detector cut it, uint8 of shape (S, S, 3).
        title: what stands below it.
    """
    from dfdetect.explain import EMPTY, heat_map, is_empty, overlay

    large = resize(crop, HEAT_SIDE)
    heat = heat_map(model, large)
    return Picture(small_jpeg(overlay(large, heat)), title, EMPTY if is_empty(heat) else "")


def heat_pictures(verdict: Verdict, crops: NDArray[np.uint8], model: "keras.Model") -> list[Picture]:
    """The heat maps of the faces that tell most; a model that takes clips has none.

    Args:
        verdict: the verdict.
        crops: of its faces, in their order: `Look.crops`.
        model: the detector's.
    """
    return [
        heat_picture(model, crops[face.index], heat_title(face, verdict)) for face in telling_faces(verdict)
    ]


def shown_pictures(verdict: Verdict) -> list[Shown]:
    """Read the verdict's file again: the photo, or the frames of a video that tell most, in order of time.

    Returns:
        The pictures with their faces; without those that can no longer be read.
    """
    try:
        if verdict.kind == "photo":
            return shown_stills(verdict, {0: small_jpeg(read_photo(Path(verdict.file)).rgb)})
        return shown_stills(verdict, _stills(verdict))
    except (ItemFailed, OSError):
        return []


def shown_stills(verdict: Verdict, stills: Mapping[int, bytes]) -> list[Shown]:
    """The same, from pictures that are at hand.

    Args:
        verdict: the verdict.
        stills: JPEG files of frames, by their index in the video; a photo has index 0.
    """
    if verdict.kind == "photo":
        return [Shown(Picture(stills[0], "The photo"), verdict.faces)] if 0 in stills else []
    times = {moment.frame: moment.time for moment in verdict.timeline.moments} if verdict.timeline else {}
    return [
        Shown(
            Picture(stills[index], f"{clock(times[index])}, frame {index:,}"),
            tuple(face for face in verdict.faces if face.frame == index),
        )
        for index in sorted(set(_telling(verdict)) & set(stills) & set(times))
    ]


def _stills(verdict: Verdict) -> dict[int, bytes]:
    wanted = set(_telling(verdict))
    stills: dict[int, bytes] = {}
    if not wanted:
        return stills
    try:
        for frame in read_frames(Path(verdict.file), count=int(verdict.record.settings["frames"])):
            if frame.index in wanted:
                stills[frame.index] = small_jpeg(frame.rgb)
    except ItemFailed:  # A damaged video gives the frames before the damage.
        if not stills:
            raise
    return stills


def _telling(verdict: Verdict) -> Iterable[int]:
    """The frames that tell most; of a model that takes clips, those of the highest person."""
    if verdict.clips:
        return max(verdict.clips, key=lambda clip: clip.score).frames
    return [face.frame for face in telling_faces(verdict)]


def small_jpeg(rgb: NDArray[np.uint8]) -> bytes:
    """A picture as a JPEG file, scaled down to `WIDEST` pixels."""
    scale = min(1.0, WIDEST / max(rgb.shape[:2]))
    if scale < 1:
        size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    return jpeg_bytes(rgb)
