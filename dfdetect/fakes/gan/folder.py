"""A GAN's folder: the names of its files, and the record of the settings that it was trained with."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict

from dfdetect.fakes.gan.settings import Design, Training
from dfdetect.fakes.making import refuse_other
from face_extraction.atomic import write_csv
from face_extraction.errors import InputError
from face_extraction.json_file import read_json, write_json
from face_extraction.manifest import manifest_hash

COLUMNS = ("step", "discriminator", "generator", "penalty", "frechet", "precision", "recall", "samples")
Row = Mapping[str, float | int | str]
"""A row of history.csv, by column; "" where nothing was measured."""


class _Record(TypedDict):
    kind: str
    side: int
    width: int
    manifest: str


def _decisive(design: Design, training: Training, manifest: Path) -> dict[str, Any]:
    """What decides a GAN."""
    return {**asdict(design), **asdict(training), "manifest": manifest_hash(manifest)}


class Folder:
    """The folder of a GAN.

    Attributes:
        path: the folder.
        record: what decides the GAN, gan.json.
        checkpoint: the state of the training, with the average of the generator's weights.
        history: losses and measures.
        floor: the measures between reals, which no generator can be expected to beat.
        ledger: real faces that could not be read.
    """

    def __init__(self, path: Path) -> None:
        """Name the files; nothing is read or written."""
        self.path = path
        self.record = path / "gan.json"
        self.checkpoint = path / "checkpoint.npz"
        self.history = path / "history.csv"
        self.floor = path / "floor.json"
        self.ledger = path / "ledger.csv"

    def sheet(self, step: int) -> Path:
        """The sample sheet of a step."""
        return self.path / "sheets" / f"{step:07d}.png"

    def begin(self, design: Design, training: Training, manifest: Path) -> None:
        """Record what decides the GAN, unless an earlier call has.

        Raises:
            InputError: the folder holds another GAN.
        """
        self.check(design, training, manifest)
        if not self.record.is_file():
            write_json(self.record, _decisive(design, training, manifest))

    def check(self, design: Design, training: Training, manifest: Path) -> None:
        """Refuse a folder of another GAN; nothing is written.

        Raises:
            InputError: the folder holds another GAN.
        """
        if self.record.is_file():
            refuse_other(self.record, "a GAN", _decisive(design, training, manifest))

    def design(self) -> Design:
        """The networks of the recorded GAN.

        Raises:
            InputError: there is none, or its training was cut before its first checkpoint.
        """
        if not self.record.is_file():
            raise InputError(
                f"{self.path}: no GAN in it (no {self.record.name}); accepted: a folder of fakes gan train"
            )
        record = read_json(self.record, _Record)
        if not self.checkpoint.is_file():
            raise InputError(f"{self.checkpoint}: no such file; train the GAN first (fakes gan train)")
        return Design(record["kind"], record["side"], record["width"])

    def check_measure(self, features: str) -> None:
        """Refuse measures by other features than those of the history, which could not be compared.

        Raises:
            InputError: the folder's measures are by other features.
        """
        had = read_json(self.floor, dict[str, Any]).get("features") if self.floor.is_file() else features
        if had != features:
            raise InputError(
                f"{self.path}: its faces were measured by {had}, now by {features}; accepted: the same "
                "--weights, or none"
            )

    def write_history(self, rows: Sequence[Row]) -> None:
        """Write all rows, atomically."""
        write_csv(self.history, COLUMNS, [[row[name] for name in COLUMNS] for row in rows])

    def read_history(self, until: int) -> list[Row]:
        """The rows up to a step; none if there is no history yet.

        Raises:
            InputError: the file is no history.
        """
        if not self.history.is_file():
            return []
        try:
            with self.history.open(newline="", encoding="utf-8") as handle:
                reader = csv.DictReader(handle, strict=True)
                if tuple(reader.fieldnames or ()) != COLUMNS:
                    raise ValueError(f"its columns must be {', '.join(COLUMNS)}")
                return [row for row in reader if int(row["step"]) <= until]
        except (csv.Error, ValueError, TypeError) as error:
            raise InputError(f"{self.history}: not a history of a GAN ({error}); delete it") from None
