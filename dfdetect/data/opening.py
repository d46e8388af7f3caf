"""Opening a manifest: its rows, its hash, and what must be said of it."""

from dataclasses import dataclass
from pathlib import Path

from dfdetect.data.faces import check_classes
from dfdetect.data.sample import NOTICE, sample_manifest
from face_extraction.manifest import FaceSample, count_table, manifest_hash, read_manifest


@dataclass(frozen=True)
class Data:
    """The manifest of a training.

    Attributes:
        path: the manifest.
        samples: its rows.
        digest: SHA-256 of the manifest's bytes.
        notices: what must be said wherever results from it are shown.
    """

    path: Path
    samples: list[FaceSample]
    digest: str
    notices: tuple[str, ...]

    def table(self) -> str:
        """What there is per split and class, as lines of text."""
        return f"{self.path}:\n{count_table(self.samples)}"

    def facts(self) -> dict[str, str]:
        """What a run records of its data."""
        return {
            "manifest": str(self.path),
            "manifest_sha256": self.digest,
            "counts": count_table(self.samples),
        }


def open_manifest(manifest: str) -> Data:
    """A manifest by its path; "" is the embedded sample set's.

    Raises:
        InputError: the manifest is missing or wrong.
    """
    path = Path(manifest) if manifest else sample_manifest()
    return Data(path, read_manifest(path), manifest_hash(path), () if manifest else (NOTICE,))


def open_training_data(manifest: str) -> Data:
    """A manifest that can be trained on: train and val have both classes.

    Raises:
        InputError: the manifest is missing or wrong, or a class is.
    """
    data = open_manifest(manifest)
    for split in ("train", "val"):
        check_classes(data.samples, split, data.path)
    return data
