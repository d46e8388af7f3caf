"""The faces that are disturbed: drawn by group, and each read once, at the size of its crop."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dfdetect.data.clips import make_clips
from dfdetect.data.faces import labelled
from dfdetect.data.opening import Data
from dfdetect.stress.registry import Rgb
from face_extraction.errors import InputError
from face_extraction.images import Unreadable, read_rgb, resize
from face_extraction.ledger import LedgerRow
from face_extraction.machine import available_cores
from face_extraction.manifest import FAKE, REAL, FaceSample
from face_extraction.progress import progress

LARGEST = 512
"""Crops with a longer side than this are scaled down to a square of it, because all are kept in memory."""
_AHEAD = 64


@dataclass(frozen=True, eq=False)
class Case:
    """What a model scores once: a face, or the faces of a clip.

    Attributes:
        sample: its row of the manifest; of a clip, that of its first face.
        pictures: its crops, uint8 of shape (H, W, 3) each.
    """

    sample: FaceSample
    pictures: tuple[Rgb, ...]


@dataclass(frozen=True)
class Chosen:
    """Which faces are taken.

    Attributes:
        split: the rows' split, or "all".
        limit: the most faces, or clips.
        seed: another seed draws other groups.
    """

    split: str = "test"
    limit: int = 2000
    seed: int = 0


def read_cases(data: Data, chosen: Chosen, frames: int) -> tuple[list[Case], list[LedgerRow]]:
    """Draw faces of known label and read them.

    Args:
        data: the manifest.
        chosen: which faces.
        frames: faces a clip; 0 for single faces.

    Returns:
        The cases that could be read, in the order of the manifest, and a ledger row for each other face.

    Raises:
        InputError: the split has not both classes.
    """
    rows = labelled(data.samples, chosen.split)
    units = [clip.faces for clip in make_clips(rows, frames)[0]] if frames else [(row,) for row in rows]
    drawn = draw(units, chosen.limit, chosen.seed)
    cases, ledger = _read(data.path.parent, drawn)
    labels = [case.sample.label for case in cases]
    if not {REAL, FAKE} <= set(labels):
        raise InputError(
            f"{data.path}: split {chosen.split!r} gives {labels.count(REAL)} real and {labels.count(FAKE)} "
            "fake; accepted: some of both (another --split, or a higher --limit)"
        )
    return cases, ledger


def draw(units: Sequence[tuple[FaceSample, ...]], limit: int, seed: int) -> list[tuple[FaceSample, ...]]:
    """At most `limit` units, drawn group by group; the last group may be taken in part.

    Args:
        units: faces or clips; the first row of each tells its group.
        limit: the most units.
        seed: another seed draws other groups.

    Returns:
        The units drawn, in their order.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for number, (first, *_) in enumerate(units):
        groups.setdefault((first.source, first.group), []).append(number)
    members = list(groups.values())
    order = np.random.default_rng(seed).permutation(len(members))
    taken = [number for group in order for number in members[group]][:limit]
    return [units[number] for number in sorted(taken)]


def _read(folder: Path, units: Sequence[tuple[FaceSample, ...]]) -> tuple[list[Case], list[LedgerRow]]:
    cases: list[Case] = []
    ledger: list[LedgerRow] = []
    with ThreadPoolExecutor(available_cores()) as pool, progress("read", len(units), unit="faces") as advance:
        for start in range(0, len(units), _AHEAD):
            part = units[start : start + _AHEAD]
            for unit, found in zip(part, pool.map(lambda unit: _crops(folder, unit), part), strict=True):
                if isinstance(found, LedgerRow):
                    ledger.append(found)
                else:
                    cases.append(Case(unit[0], found))
                advance()
    return cases, ledger


def _crops(folder: Path, unit: tuple[FaceSample, ...]) -> tuple[Rgb, ...] | LedgerRow:
    try:
        found = [read_rgb(folder / sample.path) for sample in unit]
    except Unreadable as error:
        return LedgerRow(unit[0].path, error.reason, error.detail)
    return tuple(resize(rgb, LARGEST) if max(rgb.shape[:2]) > LARGEST else rgb for rgb in found)


def as_inputs(cases: Sequence[Sequence[Rgb]], size: int, frames: int) -> Rgb:
    """Pictures as a model takes them.

    Args:
        cases: the pictures of each case.
        size: the side that the model takes, in pixels.
        frames: faces a clip; 0 for single faces.

    Returns:
        uint8 of shape (n, size, size, 3), or (n, frames, size, size, 3).
    """
    scaled = np.stack([np.stack([resize(picture, size) for picture in pictures]) for pictures in cases])
    return scaled if frames else scaled[:, 0]
