"""Clips for models over time: so many faces of one clip, in order, as one sample.

A clip is what `dfdetect.predictions` takes for one: the rows of one data set, method, video and label.
Of a clip with several people each gives a sample of their own: no sample mixes two faces.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dfdetect.data.faces import FaceStore, Rgb, Store, open_faces
from dfdetect.predictions import by_clip
from face_extraction.errors import InputError
from face_extraction.ledger import TOO_FEW, LedgerRow
from face_extraction.manifest import FAKE, LABEL_NAMES, REAL, FaceSample


@dataclass(frozen=True)
class Clip:
    """One sample of a model over time.

    Attributes:
        faces: the faces that the model takes, in order of time; where the clip has too few, some stand
            twice.
    """

    faces: tuple[FaceSample, ...]

    @property
    def sample(self) -> FaceSample:
        """The first face, which stands for the clip in predictions and figures."""
        return self.faces[0]

    @property
    def repeats(self) -> bool:
        """Whether a face stands twice."""
        return len(set(self.faces)) < len(self.faces)


def spread(count: int, frames: int) -> list[int]:
    """Which of a clip's `count` faces are taken: the middle one of each of `frames` equal parts.

    With at least `fewest(frames)` faces none stands more than twice, and those that do are spread
    evenly.
    """
    return [(2 * part + 1) * count // (2 * frames) for part in range(frames)]


def fewest(frames: int) -> int:
    """The fewest faces that make a clip of `frames`: half of them, and never a single one.

    To repeat more would show the model how well a face could be found, which differs between fakes
    and reals, rather than how it moves.
    """
    return max(2, -(-frames // 2))


def shortage(count: int, frames: int) -> str:
    """Why `count` faces make no clip of `frames`, in words."""
    return f"faces of a person: {count}; needed: {fewest(frames)} for a model that takes {frames}"


def make_clips(samples: Sequence[FaceSample], frames: int) -> tuple[list[Clip], list[LedgerRow]]:
    """The clips among rows of a manifest.

    Each person of a clip who is seen in enough frames gives a sample. Where a frame shows several faces of
    one number (of one person, or of people that the manifest does not tell apart), the largest is taken.

    Args:
        samples: the rows.
        frames: faces a clip.

    Returns:
        The clips, in the order of their first rows, and a ledger row for each clip (and each still) of
        which nobody is seen in enough frames.
    """
    clips, ledger = [], []
    for rows in by_clip(samples):
        people = [_one_a_frame(rows, person) for person in dict.fromkeys(row.person for row in rows)]
        often = [faces for faces in people if len(faces) >= fewest(frames)]
        clips += [Clip(tuple(faces[index] for index in spread(len(faces), frames))) for faces in often]
        if not often:
            name = f"clip {rows[0].video!r}" if rows[0].video else "a still"
            most = max(map(len, people))
            ledger.append(LedgerRow(rows[0].path, TOO_FEW, f"{name}: {shortage(most, frames)}"))
    return clips, ledger


def _one_a_frame(rows: Sequence[FaceSample], person: int) -> list[FaceSample]:
    rows = [row for row in rows if row.person == person]
    ordered = sorted(rows, key=lambda row: (row.frame, row.time))
    frames = groupby(ordered, key=lambda row: row.frame)
    return [max(faces, key=lambda row: row.box.area) for _, faces in frames]


def check_videos(samples: Sequence[FaceSample], frames: int, where: Path) -> None:
    """Refuse a manifest of stills.

    Raises:
        InputError: no row names a video; the line names the file.
    """
    if not any(sample.video for sample in samples):
        raise InputError(f"{where}: its rows are stills; frames {frames} takes clips, frames 0 single faces")


class ClipStore:
    """Clips, where a `FaceStore` has faces.

    Args:
        faces: the faces of the clips.
        clips: clips of faces that are all in that store.
        frames: faces a clip.
    """

    def __init__(self, faces: FaceStore, clips: Sequence[Clip], frames: int) -> None:
        rows = {sample.path: row for row, sample in enumerate(faces.samples)}
        self._faces = faces
        self._rows = [[rows[face.path] for face in clip.faces] for clip in clips]
        self._repeat = np.array([clip.repeats for clip in clips], dtype=bool)
        self.samples: Sequence[FaceSample] = [clip.sample for clip in clips]
        self.labels: NDArray[np.int64] = np.array([sample.label for sample in self.samples], dtype=np.int64)
        self.shape: tuple[int, ...] = (frames, *faces.shape)

    def __len__(self) -> int:
        """The number of clips."""
        return len(self.samples)

    def load(self, index: int) -> Rgb:
        """Clip number `index`: uint8 of shape (frames, image_size, image_size, 3), RGB.

        Raises:
            Unreadable: a file cannot be decoded whole.
        """
        return np.stack([self._faces.load(row) for row in self._rows[index]])

    def repeats(self) -> str:
        """In how many clips of each class a face stands twice: a model could learn that as a cue."""
        counts = []
        for label in (REAL, FAKE):
            mine = self.labels == label
            counts.append(f"{self._repeat[mine].sum()} of {mine.sum()} {LABEL_NAMES[label]}")
        return " and ".join(counts)


def open_clips(
    folder: Path,
    samples: Sequence[FaceSample],
    image_size: int,
    frames: int,
    *,
    title: str,
    cached: bool = False,
) -> tuple[ClipStore, list[LedgerRow]]:
    """Make the clips of rows, and decode every face of them once.

    Args:
        folder: the manifest's folder.
        samples: the rows.
        image_size: side of the square, in pixels.
        frames: faces a clip.
        title: what the progress bar says.
        cached: keep the decoded faces in memory.

    Returns:
        A store, and a ledger row for each clip with too few faces or with one that cannot be decoded,
        which is named.
    """
    clips, ledger = make_clips(samples, frames)
    wanted = list(dict.fromkeys(face for clip in clips for face in clip.faces))
    faces, rows = open_faces(folder, wanted, image_size, title=title, cached=cached)
    unreadable = {row.path: row for row in rows}
    whole = []
    for clip in clips:
        broken = [unreadable[face.path] for face in clip.faces if face.path in unreadable]
        ledger += broken[:1]
        if not broken:
            whole.append(clip)
    return ClipStore(faces, whole, frames), ledger


def open_store(
    folder: Path,
    samples: Sequence[FaceSample],
    image_size: int,
    frames: int,
    *,
    title: str,
    cached: bool = False,
) -> tuple[Store, list[LedgerRow]]:
    """What a model takes of rows: their clips, or with `frames` 0 their faces."""
    if frames:
        return open_clips(folder, samples, image_size, frames, title=title, cached=cached)
    return open_faces(folder, samples, image_size, title=title, cached=cached)
