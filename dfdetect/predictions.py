"""Predictions: a model's score for every sample, the input of every metric."""

import csv
import gzip
import hashlib
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from face_extraction.atomic import csv_of, write_bytes, write_csv
from face_extraction.errors import InputError
from face_extraction.manifest import LABEL_NAMES, FaceSample

COLUMNS = ("path", "label", "group", "source", "method", "video", "person", "p_fake")
PACKED = ".gz"


@dataclass(frozen=True, eq=False)
class Predictions:
    """Scores of `n` samples, in manifest order.

    Attributes:
        samples: the samples scored.
        p_fake: float64 of shape (n,), 0 to 1.

    Raises:
        ValueError: the lengths differ, or a score is outside 0 to 1.
    """

    samples: Sequence[FaceSample]
    p_fake: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.p_fake.shape != (len(self.samples),):
            raise ValueError(f"{len(self.samples)} samples. Received: p_fake of shape {self.p_fake.shape}")
        if not np.all((self.p_fake >= 0) & (self.p_fake <= 1)):
            raise ValueError(f"p_fake must be from 0 to 1. Received: {self.p_fake}")

    def __len__(self) -> int:
        """The number of samples."""
        return len(self.samples)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Labels of shape (n,): 1 = fake, 0 = real, -1 = unknown."""
        return np.array([sample.label for sample in self.samples], dtype=np.int64)

    @property
    def groups(self) -> NDArray[np.int64]:
        """Group numbers of shape (n,), from 0."""
        return _number((sample.source, sample.group) for sample in self.samples)

    @property
    def videos(self) -> NDArray[np.int64]:
        """Video numbers of shape (n,), from 0; a photo counts as a video of its own.

        A video has one label: faces under the same name with another label count as another video.
        """
        return _number(map(_video, self.samples))

    def known(self) -> "Predictions":
        """The predictions whose label is known."""
        keep = self.labels >= 0
        return Predictions(
            [sample for sample, kept in zip(self.samples, keep, strict=True) if kept], self.p_fake[keep]
        )

    def at_level(self, level: str) -> "Predictions":
        """These predictions for level "face", or those of `by_video` for level "video"."""
        return self.by_video() if level == "video" else self

    def nameless(self) -> "Predictions":
        """These predictions without names of files, people and videos.

        Every metric stays the same. A face's path becomes a digest, so equal faces can still be told.
        """
        samples = [
            replace(
                sample,
                path=hashlib.sha256(f"{sample.source}/{sample.path}".encode()).hexdigest()[:8],
                group=str(group),
                video=str(video),
            )
            for sample, group, video in zip(self.samples, self.groups, self.videos, strict=True)
        ]
        return Predictions(samples, self.p_fake)

    def by_video(self) -> "Predictions":
        """One prediction a video, made as `Detector` makes it, with the sample of the video's first face.

        The score of a person is the mean `p_fake` of their faces. The score of the video is the highest
        score among its people; `deciding` says which people count. If the manifest does not tell people
        apart, it is the mean of all faces.
        """
        videos: dict[tuple[str, ...], dict[int, list[float]]] = {}
        first: dict[tuple[str, ...], FaceSample] = {}
        for sample, p_fake in zip(self.samples, self.p_fake.tolist(), strict=True):
            key = _video(sample)
            first.setdefault(key, sample)
            videos.setdefault(key, {}).setdefault(sample.person, []).append(p_fake)
        scores = [joined(people)[0] for people in videos.values()]
        return Predictions(list(first.values()), np.array(scores, dtype=np.float64))


def by_video(samples: Iterable[FaceSample]) -> list[list[FaceSample]]:
    """The samples of each video; videos and samples keep the order given."""
    videos: dict[tuple[str, ...], list[FaceSample]] = {}
    for sample in samples:
        videos.setdefault(_video(sample), []).append(sample)
    return list(videos.values())


def _video(sample: FaceSample) -> tuple[str, ...]:
    return (*sample.video_key, str(sample.label))


def _number(keys: Iterable[tuple[str, ...]]) -> NDArray[np.int64]:
    numbers: dict[tuple[str, ...], int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def joined(people: Mapping[int, Sequence[float]]) -> tuple[float, dict[int, float]]:
    """Join the scores of faces into scores of people, and these into the video's. No other code does this.

    Args:
        people: the scores of each person's faces; a person has at least one.

    Returns:
        The video's score, the highest among the people who decide (see `deciding`), and each person's score,
        the mean of their faces.
    """
    means = {person: float(np.mean(scores)) for person, scores in people.items()}
    who = deciding({person: len(scores) for person, scores in people.items()})
    return max(means[person] for person in who), means


def deciding(faces: Mapping[int, int]) -> set[int]:
    """The people whose scores decide a video: its score is the highest of theirs.

    A person seen once counts only if nobody was seen more often, because a single detection may be no face.

    Args:
        faces: how many faces each person of the video has.
    """
    return {person for person, count in faces.items() if count > 1} or set(faces)


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write the predictions as CSV, atomically, packed if `path` ends in .gz; scores keep all digits."""
    scored = zip(predictions.samples, predictions.p_fake, strict=True)
    rows = [[*(getattr(sample, name) for name in COLUMNS[:-1]), float(p_fake)] for sample, p_fake in scored]
    if path.suffix == PACKED:
        write_bytes(path, gzip.compress(csv_of(COLUMNS, rows).encode(), mtime=0))
    else:
        write_csv(path, COLUMNS, rows)


def read_predictions(path: Path, split: str) -> Predictions:
    """Read the file that `write_predictions` wrote.

    Args:
        path: the CSV file, packed or not.
        split: the split to give the samples; the file does not hold it.

    Raises:
        InputError: the file is missing or malformed.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such predictions file")
    try:
        unpack = gzip.open if path.suffix == PACKED else open
        with unpack(path, "rt", newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle, strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise InputError(f"not a predictions file; its columns must be {', '.join(COLUMNS)}")
            parsed = [_parse(number, row, split) for number, row in enumerate(reader, start=2)]
    except (csv.Error, UnicodeDecodeError, InputError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise InputError(f"{path}: {error}") from None
    return Predictions(
        [sample for sample, _ in parsed], np.array([p_fake for _, p_fake in parsed], dtype=np.float64)
    )


def _parse(number: int, row: dict[str, str], split: str) -> tuple[FaceSample, float]:
    if None in row or None in row.values():
        raise InputError(f"row {number}: the number of values is not the number of columns")
    try:
        label, person, p_fake = int(row["label"]), int(row["person"]), float(row["p_fake"])
    except ValueError:
        raise InputError(
            f"row {number}: label {row['label']!r}, person {row['person']!r}, p_fake {row['p_fake']!r}; "
            "accepted: numbers"
        ) from None
    if label not in LABEL_NAMES or not 0 <= p_fake <= 1:
        raise InputError(f"row {number}: label {label}, p_fake {p_fake}; accepted: -1, 0 or 1, and 0 to 1")
    sample = FaceSample(
        path=row["path"],
        label=label,
        split=split,
        group=row["group"],
        source=row["source"],
        method=row["method"],
        video=row["video"],
        person=person,
    )
    return sample, p_fake
