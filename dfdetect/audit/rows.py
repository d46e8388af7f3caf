"""The rows under audit, and the prints of their crops, each read once."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dfdetect.audit.prints import Prints, read_prints
from face_extraction.manifest import SPLITS, FaceSample
from face_extraction.sources import list_sources


class NotLooked(Exception):
    """A kind of leak could not be looked for; the text says why."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a manifest, each with the audited split.

    Attributes:
        folder: the manifest's folder; the paths are relative to it.
        samples: the rows.
        cache: the file that keeps what was read from crops, for the next audit.
    """

    folder: Path
    samples: Sequence[FaceSample]
    cache: Path

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.samples)

    @cached_property
    def splits(self) -> NDArray[np.int8]:
        """Every row's split, as an index into `SPLITS`."""
        index = {split: number for number, split in enumerate(SPLITS)}
        return np.array([index[sample.split] for sample in self.samples], dtype=np.int8)

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Every row's group, as a number; data sets made from the same recordings share theirs."""
        origin = {source.name: source.recordings_of or source.name for source in list_sources()}
        return _numbered((origin.get(sample.source, sample.source), sample.group) for sample in self.samples)

    @cached_property
    def videos(self) -> NDArray[np.int64]:
        """Every row's video, as a number; -1 for a photo."""
        stills = np.array([not sample.video for sample in self.samples], dtype=bool)
        return np.where(stills, -1, _numbered(sample.video_key for sample in self.samples))

    @cached_property
    def prints(self) -> Prints:
        """The prints of the crops.

        Raises:
            NotLooked: none of them can be read.
        """
        prints = read_prints(self.folder, [sample.path for sample in self.samples], self.cache)
        if not prints.read.any():
            raise NotLooked(f"no crop can be read; the first: {prints.ledger[0].detail}")
        return prints

    def subset(self, keep: NDArray[np.bool_]) -> "Rows":
        """The rows for which `keep` is true, in order."""
        return Rows(self.folder, [self.samples[row] for row in np.flatnonzero(keep).tolist()], self.cache)


def _numbered(keys: Iterable[Hashable]) -> NDArray[np.int64]:
    """Numbers from 0; equal keys get equal numbers."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
