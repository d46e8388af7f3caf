"""The real faces of a manifest with their landmarks: what fakes are made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dfdetect.fakes.registry import Face, Points
from face_extraction.errors import InputError
from face_extraction.images import Unreadable, read_rgb
from face_extraction.landmarks import LANDMARKS_FILE, read_landmarks
from face_extraction.ledger import NO_FACE, LedgerRow
from face_extraction.manifest import REAL, FaceSample


@dataclass(frozen=True)
class Reals:
    """Real faces whose landmarks are known.

    Attributes:
        folder: the manifest's folder.
        samples: their rows.
        points: the landmarks of each, in pixels of its crop.
        shapes: height and width of each crop.
    """

    folder: Path
    samples: Sequence[FaceSample]
    points: Sequence[Points]
    shapes: Sequence[tuple[int, int]]

    def load(self, index: int) -> Face:
        """Face number `index`, at the size of its crop.

        Raises:
            Unreadable: the crop cannot be decoded.
        """
        return Face(read_rgb(self.folder / self.samples[index].path), self.points[index])

    def readable(self, index: int) -> bool:
        """Whether the crop of face `index` can be decoded."""
        try:
            self.load(index)
        except Unreadable:
            return False
        return True

    def subset(self, rows: Sequence[int]) -> "Reals":
        """These faces, in this order."""
        return Reals(
            self.folder,
            [self.samples[row] for row in rows],
            [self.points[row] for row in rows],
            [self.shapes[row] for row in rows],
        )

    @property
    def groups(self) -> list[str]:
        """The group of each, told apart by data set."""
        return groups_of(self.samples)


def groups_of(samples: Sequence[FaceSample]) -> list[str]:
    """The group of each sample. Groups of equal names in two data sets are two."""
    return [f"{sample.source}/{sample.group}" for sample in samples]


def find_reals(manifest: Path, samples: Sequence[FaceSample]) -> tuple[Reals, list[LedgerRow]]:
    """The real faces among rows of a manifest, and a ledger row for each that has no landmarks.

    Raises:
        InputError: there is no real face, or none has landmarks; the line names the command that finds them.
    """
    folder = manifest.parent
    reals = [sample for sample in samples if sample.label == REAL]
    if not reals:
        raise InputError(f"{manifest}: no real faces to make fakes from")
    landmarks = read_landmarks(folder)
    known = [sample for sample in reals if sample.path in landmarks.points]
    if not known:
        raise InputError(
            f"{folder / LANDMARKS_FILE}: no landmarks of these faces, and fakes are made with them; "
            f"find them with python -m face_extraction landmarks {manifest}"
        )
    missing = [sample for sample in reals if sample.path not in landmarks.points]
    found = Reals(
        folder,
        known,
        [landmarks.points[sample.path] for sample in known],
        [landmarks.shapes[sample.path] for sample in known],
    )
    return found, [LedgerRow(sample.path, NO_FACE, "no landmarks are known of it") for sample in missing]
