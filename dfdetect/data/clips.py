"""Clips for models over time: a clip is several faces of one person in one video, in order of time.

The manifest rows with the same data set, method, video and label are one video, as in
`dfdetect.predictions`. Each of its people gives a clip, so no clip mixes two people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dfdetect.data.faces import FaceStore, Rgb, Store, open_faces
from dfdetect.predictions import by_video
from face_extraction.errors import InputError
from face_extraction.ledger import TOO_FEW, LedgerRow
from face_extraction.manifest import FAKE, LABEL_NAMES, REAL, FaceSample


@dataclass(frozen=True)
class Clip:
    """One sample of a model over time.

    Attributes:
        faces: the faces that the model takes, in order of time; if the video has too few, some repeat.
    """

    faces: tuple[FaceSample, ...]

    @property
    def sample(self) -> FaceSample:
        """The first face; it represents the clip in predictions and figures."""
        return self.faces[0]

    @property
    def repeats(self) -> bool:
        """Whether a face repeats."""
        return len(set(self.faces)) < len(self.faces)


def spread(count: int, frames: int) -> list[int]:
    """Indices of the faces to take of `count`: the middle one of each of `frames` equal parts.

    With at least `fewest(frames)` faces, none repeats more than once, and those that repeat are spread
    evenly.
    """
    return [(2 * part + 1) * count // (2 * frames) for part in range(frames)]


def fewest(frames: int) -> int:
    """The fewest faces that make a clip of `frames`: half of them, and at least two.

    More repeats would show the model how often a face was found, which differs between fakes and reals,
    instead of how it moves.
    """
    return max(2, -(-frames // 2))


def shortage(count: int, frames: int) -> str:
    """The reason why `count` faces make no clip of `frames`."""
    return f"faces of a person: {count}; needed: {fewest(frames)} for a model that takes {frames}"


def make_clips(samples: Sequence[FaceSample], frames: int) -> tuple[list[Clip], list[LedgerRow]]:
    """Make clips from rows of a manifest.

    Each person of a video seen in enough frames gives a clip. If a frame shows several faces of one person
    number (of one person, or of people that the manifest does not tell apart), the largest is taken.

    Args:
        samples: the rows.
        frames: faces a clip.

    Returns:
        The clips, in the order of their first rows, and a ledger row for each video or photo in which
        nobody is seen in enough frames.
    """
    clips, ledger = [], []
    for rows in by_video(samples):
        people = [_one_a_frame(rows, person) for person in dict.fromkeys(row.person for row in rows)]
        often = [faces for faces in people if len(faces) >= fewest(frames)]
        clips += [Clip(tuple(faces[index] for index in spread(len(faces), frames))) for faces in often]
        if not often:
            name = f"video {rows[0].video!r}" if rows[0].video else "a photo"
            most = max(map(len, people))
            ledger.append(LedgerRow(rows[0].path, TOO_FEW, f"{name}: {shortage(most, frames)}"))
    return clips, ledger


def _one_a_frame(rows: Sequence[FaceSample], person: int) -> list[FaceSample]:
    rows = [row for row in rows if row.person == person]
    ordered = sorted(rows, key=lambda row: (row.frame, row.time))
    frames = groupby(ordered, key=lambda row: row.frame)
    return [max(faces, key=lambda row: row.box.area) for _, faces in frames]


def check_videos(samples: Sequence[FaceSample], frames: int, where: Path) -> None:
    """Refuse a manifest of photos.

    Raises:
        InputError: no row names a video.
    """
    if not any(sample.video for sample in samples):
        raise InputError(
            f"{where}: its rows are photos; frames {frames} needs videos, frames 0 takes single faces"
        )


class ClipStore:
    """Clips, loaded as `FaceStore` loads faces.

    Args:
        faces: the faces of the clips.
        clips: clips whose faces are all in `faces`.
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
        """In how many clips of each class a face repeats: a model could learn that as a cue."""
        counts = []
        for label in (REAL, FAKE):
            mine = self.labels == label
            counts.append(f"{self._repeat[mine].sum()} of {mine.sum()} {LABEL_NAMES[label]}")
        return " and ".join(counts)


class InputSize(NamedTuple):
    """What a model takes at once.

    Attributes:
        side: of a face, in pixels.
        frames: faces a clip; 0 for single faces.
    """

    side: int
    frames: int = 0


def open_store(
    folder: Path, samples: Sequence[FaceSample], size: InputSize, *, title: str, cached: bool = False
) -> tuple[Store, list[LedgerRow]]:
    """Open the faces of some rows; for a model that takes clips, make these and decode each face once.

    Args:
        folder: the manifest's folder.
        samples: the rows.
        size: what the model takes.
        title: the title of the progress bar.
        cached: keep the decoded faces in memory.

    Returns:
        A store, and a ledger row for each face that cannot be decoded. With clips: for each video with too
        few faces, and for each clip with such a face; the row names the first.
    """
    if not size.frames:
        return open_faces(folder, samples, size.side, title=title, cached=cached)
    clips, ledger = make_clips(samples, size.frames)
    wanted = list(dict.fromkeys(face for clip in clips for face in clip.faces))
    faces, rows = open_faces(folder, wanted, size.side, title=title, cached=cached)
    unreadable = {row.path: row for row in rows}
    whole = []
    for clip in clips:
        broken = [unreadable[face.path] for face in clip.faces if face.path in unreadable]
        ledger += broken[:1]
        if not broken:
            whole.append(clip)
    return ClipStore(faces, whole, size.frames), ledger
